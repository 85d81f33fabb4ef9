//! `/authorization/roles` and `/authorization/organizations/{org}/roles`

use rowgate_rbac::change::role_permissions;
use rowgate_rbac::change::roles::{self, NewRole};
use rowgate_rbac::input::{Fields, MAX_NAME};
use rowgate_rbac::record::Role;
use rowgate_rbac::{Draft, Error, Reader};

use super::permissions::Described;
use super::request::{Body, Ready, Segments};
use super::{created, gone};
use crate::wire;
use crate::wire::authorization as out;
use crate::wire::authorization::error::Answer;
use crate::wire::authorization::list;

/// A role as a path names it.
#[derive(Clone)]
struct Named {
    organization: Option<String>,
    slug: String,
}

impl Named {
    fn environment(slug: String) -> Self {
        Self {
            organization: None,
            slug,
        }
    }

    fn of((organization, slug): (String, String)) -> Self {
        Self {
            organization: Some(organization),
            slug,
        }
    }

    fn read<'a>(&self, read: Reader<'a>) -> rowgate_rbac::Result<Role<'a>> {
        match &self.organization {
            None => read.environment_role(&self.slug),
            Some(id) => read.role(&read.organization(id)?, &self.slug),
        }
    }

    /// To change it: an organization changes only its own.
    fn own<'a>(&self, draft: &Draft<'a>) -> rowgate_rbac::Result<Role<'a>> {
        match &self.organization {
            None => draft.read.environment_role(&self.slug),
            Some(id) => roles::own(draft, id, &self.slug),
        }
    }

    fn show(&self, ready: &Ready) -> Answer {
        let role = ready.show(|read| Ok(out::role(&self.read(read)?)))?;
        Ok(wire::json(&role))
    }

    async fn update(self, ready: Ready, mut fields: Fields) -> Answer {
        ready.show(|read| self.read(read).map(|_| ()))?;
        let described = Described::read(&mut fields, MAX_NAME)?;
        let named = self.clone();
        ready
            .change(move |draft| {
                let role = named.own(draft)?;
                roles::update(
                    draft,
                    &role,
                    described.name.as_deref(),
                    described.description.as_ref(),
                )
            })
            .await?;
        self.show(&ready)
    }

    async fn set_permissions(self, ready: Ready, mut fields: Fields) -> Answer {
        ready.show(|read| self.read(read).map(|_| ()))?;
        let permissions = fields.texts("permissions");
        fields.check()?;
        let permissions =
            permissions.ok_or_else(|| Error::field("permissions", "required", "permissions is required"))?;
        let named = self.clone();
        ready
            .change(move |draft| {
                let role = named.own(draft)?;
                role_permissions::set(draft, &role, &permissions)
            })
            .await?;
        self.show(&ready)
    }

    async fn add_permission(self, ready: Ready, mut fields: Fields) -> Answer {
        ready.show(|read| self.read(read).map(|_| ()))?;
        let permission = fields.required("slug");
        fields.check()?;
        let named = self.clone();
        ready
            .change(move |draft| {
                let role = named.own(draft)?;
                role_permissions::add(draft, &role, &permission)
            })
            .await?;
        self.show(&ready)
    }

    async fn remove_permission(self, ready: Ready, permission: String) -> Answer {
        let named = self.clone();
        ready
            .change(move |draft| {
                let role = named.own(draft)?;
                role_permissions::remove(draft, &role, &permission)
            })
            .await?;
        self.show(&ready)
    }

    async fn delete(self, ready: Ready) -> Answer {
        ready
            .change(move |draft| {
                let role = self.own(draft)?;
                roles::delete(draft, &role)
            })
            .await?;
        Ok(gone())
    }
}

fn new(fields: &mut Fields, slug: Option<String>) -> Answer<NewRole> {
    let new = NewRole {
        slug,
        name: fields.name(MAX_NAME),
        description: fields.description().flatten(),
        resource_type: fields.text("resource_type_slug"),
    };
    fields.check()?;
    Ok(new)
}

pub(crate) async fn list(ready: Ready) -> Answer {
    let rows = ready.show(|read| Ok(read.environment_roles().iter().map(out::role).collect()))?;
    Ok(wire::json(&list::whole(rows)))
}

pub(crate) async fn create(ready: Ready, Body(mut fields): Body) -> Answer {
    let slug = fields.role_slug("slug");
    let new = new(&mut fields, Some(slug))?;
    let slug = ready
        .change(move |draft| roles::create_for_environment(draft, &new))
        .await?;
    created(ready.show(|read| Ok(out::role(&read.environment_role(&slug)?)))?)
}

pub(crate) async fn get(ready: Ready, Segments(slug): Segments<String>) -> Answer {
    Named::environment(slug).show(&ready)
}

pub(crate) async fn update(ready: Ready, Segments(slug): Segments<String>, Body(fields): Body) -> Answer {
    Named::environment(slug).update(ready, fields).await
}

pub(crate) async fn set_permissions(
    ready: Ready,
    Segments(slug): Segments<String>,
    Body(fields): Body,
) -> Answer {
    Named::environment(slug).set_permissions(ready, fields).await
}

pub(crate) async fn add_permission(
    ready: Ready,
    Segments(slug): Segments<String>,
    Body(fields): Body,
) -> Answer {
    Named::environment(slug).add_permission(ready, fields).await
}

/// Beyond the API.
pub(crate) async fn remove_permission(
    ready: Ready,
    Segments((slug, permission)): Segments<(String, String)>,
) -> Answer {
    Named::environment(slug)
        .remove_permission(ready, permission)
        .await
}

/// Beyond the API.
pub(crate) async fn delete(ready: Ready, Segments(slug): Segments<String>) -> Answer {
    Named::environment(slug).delete(ready).await
}

pub(crate) async fn list_of(ready: Ready, Segments(organization): Segments<String>) -> Answer {
    let rows = ready.show(|read| {
        let organization = read.organization(&organization)?;
        Ok(read.roles(&organization).iter().map(out::role).collect())
    })?;
    Ok(wire::json(&list::whole(rows)))
}

pub(crate) async fn create_of(
    ready: Ready,
    Segments(organization): Segments<String>,
    Body(mut fields): Body,
) -> Answer {
    ready.show(|read| read.organization(&organization).map(|_| ()))?;
    let slug = fields.optional_role_slug("slug");
    let new = new(&mut fields, slug)?;
    let of = organization.clone();
    let slug = ready
        .change(move |draft| roles::create_for_organization(draft, &of, &new))
        .await?;
    let named = Named::of((organization, slug));
    created(ready.show(|read| Ok(out::role(&named.read(read)?)))?)
}

pub(crate) async fn get_of(ready: Ready, Segments(named): Segments<(String, String)>) -> Answer {
    Named::of(named).show(&ready)
}

pub(crate) async fn update_of(
    ready: Ready,
    Segments(named): Segments<(String, String)>,
    Body(fields): Body,
) -> Answer {
    Named::of(named).update(ready, fields).await
}

pub(crate) async fn delete_of(ready: Ready, Segments(named): Segments<(String, String)>) -> Answer {
    Named::of(named).delete(ready).await
}

pub(crate) async fn set_permissions_of(
    ready: Ready,
    Segments(named): Segments<(String, String)>,
    Body(fields): Body,
) -> Answer {
    Named::of(named).set_permissions(ready, fields).await
}

pub(crate) async fn add_permission_of(
    ready: Ready,
    Segments(named): Segments<(String, String)>,
    Body(fields): Body,
) -> Answer {
    Named::of(named).add_permission(ready, fields).await
}

pub(crate) async fn remove_permission_of(
    ready: Ready,
    Segments((organization, slug, permission)): Segments<(String, String, String)>,
) -> Answer {
    Named::of((organization, slug))
        .remove_permission(ready, permission)
        .await
}
