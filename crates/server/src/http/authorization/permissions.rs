//! `/authorization/permissions`

use rowgate_rbac::Reader;
use rowgate_rbac::change::permissions::{self, NewPermission};
use rowgate_rbac::input::{Fields, MAX_NAME};

use super::request::{Body, Params, Ready, Segments, page};
use super::{created, gone};
use crate::wire;
use crate::wire::authorization as out;
use crate::wire::authorization::error::Answer;
use crate::wire::authorization::list;

pub(crate) async fn list(ready: Ready, params: Params) -> Answer {
    let page = page(&params)?;
    let published = ready.read();
    let all = Reader::new(&published.graph).permissions();
    let listed = page.of(all.map(|one| (one.created_at(), one)), |one| one.key());
    Ok(wire::json(&list::page(&listed, out::permission, |one| {
        one.wire_id()
    })))
}

pub(crate) async fn create(ready: Ready, Body(mut fields): Body) -> Answer {
    let new = NewPermission {
        slug: fields.permission_slug("slug"),
        name: fields.name(MAX_NAME),
        description: fields.description().flatten(),
        resource_type: fields.text("resource_type_slug"),
    };
    fields.check()?;
    let slug = new.slug.clone();
    ready
        .change(move |draft| permissions::create(draft, &new))
        .await?;
    created(ready.show(|read| Ok(out::permission(&read.permission(&slug)?)))?)
}

pub(crate) async fn get(ready: Ready, Segments(slug): Segments<String>) -> Answer {
    one(&ready, &slug)
}

fn one(ready: &Ready, slug: &str) -> Answer {
    let permission = ready.show(|read| Ok(out::permission(&read.permission(slug)?)))?;
    Ok(wire::json(&permission))
}

/// What people read of a role, a permission or a group, as a request changes it.
pub(super) struct Described {
    pub(super) name: Option<String>,
    pub(super) description: Option<Option<String>>,
}

impl Described {
    pub(super) fn read(fields: &mut Fields, longest: usize) -> Answer<Self> {
        let described = Self {
            name: fields.new_name(longest),
            description: fields.description(),
        };
        fields.check()?;
        Ok(described)
    }
}

pub(crate) async fn update(ready: Ready, Segments(slug): Segments<String>, Body(mut fields): Body) -> Answer {
    ready.show(|read| read.permission(&slug).map(|_| ()))?;
    let described = Described::read(&mut fields, MAX_NAME)?;
    let name = slug.clone();
    ready
        .change(move |draft| {
            permissions::update(
                draft,
                &name,
                described.name.as_deref(),
                described.description.as_ref(),
            )
        })
        .await?;
    one(&ready, &slug)
}

pub(crate) async fn delete(ready: Ready, Segments(slug): Segments<String>) -> Answer {
    ready
        .change(move |draft| permissions::delete(draft, &slug))
        .await?;
    Ok(gone())
}
