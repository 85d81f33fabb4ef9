//! `/authorization/resources`, by id and by external id.

use axum::extract::State;
use rowgate_rbac::change::resources::{self, NewResource, ResourceChange};
use rowgate_rbac::input::{Fields, MAX_NAME};
use rowgate_rbac::names::ORGANIZATION;
use rowgate_rbac::record::Resource;
use rowgate_rbac::{Error, Reader, Target};

use super::request::{Body, Params, Ready, Segments, page};
use super::rows;
use super::{created, gone, taken_along};
use crate::state::App;
use crate::wire;
use crate::wire::authorization as out;
use crate::wire::authorization::error::Answer;
use crate::wire::authorization::list;

/// What is stored can be under what is stored only.
const UNDER_A_ROW: &str = "only rows can be under them";

/// A resource as a path names it.
#[derive(Clone)]
pub(super) struct Named {
    organization: Option<String>,
    target: Target,
}

impl Named {
    pub(super) fn id(id: String) -> Self {
        Self {
            organization: None,
            target: Target::Id(id),
        }
    }

    pub(super) fn external((organization, resource_type, external_id): (String, String, String)) -> Self {
        Self {
            organization: Some(organization),
            target: Target::External {
                resource_type,
                external_id,
            },
        }
    }

    pub(super) fn read<'a>(&self, read: Reader<'a>) -> rowgate_rbac::Result<Resource<'a>> {
        resources::find(read, self.organization.as_deref(), &self.target)
    }

    fn show(&self, ready: &Ready) -> Answer {
        self.no_row(ready, "ask the table for it")?;
        let resource = ready.show(|read| Ok(out::resource(&self.read(read)?)))?;
        Ok(wire::json(&resource))
    }

    /// Rows are changed in their table.
    pub(super) fn no_row(&self, ready: &Ready, instead: &str) -> Answer<()> {
        rows::refuse_target(&ready.read(), Some(&self.target), instead)
    }

    async fn update(self, ready: Ready, mut fields: Fields) -> Answer {
        self.no_row(&ready, "update the row instead")?;
        ready.show(|read| self.read(read).map(|_| ()))?;
        let change = ResourceChange {
            name: fields.new_name(MAX_NAME),
            description: fields.description(),
            parent: fields.parent(),
        };
        fields.check()?;
        rows::refuse_target(&ready.read(), change.parent.as_ref(), UNDER_A_ROW)?;
        let named = self.clone();
        ready
            .change(move |draft| {
                let resource = named.read(draft.read)?;
                resources::update(draft, &resource, &change)
            })
            .await?;
        self.show(&ready)
    }

    async fn delete(self, ready: Ready, params: Params) -> Answer {
        let cascade = match params.get("cascade_delete") {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => {
                let message = "cascade_delete must be true or false";
                return Err(Error::field("cascade_delete", "invalid", message).into());
            }
        };
        self.no_row(&ready, "delete the row instead")?;
        let removed = ready
            .change(move |draft| {
                let resource = self.read(draft.read)?;
                resources::delete(draft, &resource, cascade)?;
                Ok(draft.removed())
            })
            .await?;
        Ok(taken_along(gone(), &removed))
    }
}

pub(crate) async fn create(ready: Ready, Body(mut fields): Body) -> Answer {
    let new = NewResource {
        external_id: fields.external_id("external_id"),
        name: fields.name(MAX_NAME),
        description: fields.description().flatten(),
        resource_type: fields.required("resource_type_slug"),
        organization: fields.required("organization_id"),
        parent: fields.parent(),
    };
    fields.check()?;
    rows::refuse(&ready.read(), &new.resource_type, "insert a row instead")?;
    rows::refuse_target(&ready.read(), new.parent.as_ref(), UNDER_A_ROW)?;
    let id = ready.change(move |draft| resources::create(draft, &new)).await?;
    created(ready.show(|read| Ok(out::resource(&read.resource(&id)?)))?)
}

pub(crate) async fn get(ready: Ready, Segments(id): Segments<String>) -> Answer {
    Named::id(id).show(&ready)
}

pub(crate) async fn update(ready: Ready, Segments(id): Segments<String>, Body(fields): Body) -> Answer {
    Named::id(id).update(ready, fields).await
}

pub(crate) async fn delete(ready: Ready, Segments(id): Segments<String>, params: Params) -> Answer {
    Named::id(id).delete(ready, params).await
}

type Names = (String, String, String);

pub(crate) async fn get_named(ready: Ready, Segments(names): Segments<Names>) -> Answer {
    Named::external(names).show(&ready)
}

pub(crate) async fn update_named(
    ready: Ready,
    Segments(names): Segments<Names>,
    Body(fields): Body,
) -> Answer {
    Named::external(names).update(ready, fields).await
}

pub(crate) async fn delete_named(ready: Ready, Segments(names): Segments<Names>, params: Params) -> Answer {
    Named::external(names).delete(ready, params).await
}

/// The filters of a list.
struct Filter {
    organization: Option<String>,
    resource_type: Option<String>,
    external_id: Option<String>,
    parent: Option<Target>,
    search: Option<String>,
}

pub(crate) async fn list(State(app): State<App>, ready: Ready, params: Params) -> Answer {
    let page = page(&params)?;
    let get = |name: &str| params.get(name).map(str::to_owned);
    let names = [
        "parent_resource_id",
        "parent_external_id",
        "parent_resource_type_slug",
    ];
    // Everywhere else it is called so: ignored, it would list more than was asked for.
    let other = get("parent_resource_external_id");
    if other.is_some() && get("parent_external_id").is_some() {
        let message = "give parent_external_id or parent_resource_external_id, not both";
        return Err(Error::field("parent_external_id", "mutually_exclusive", message).into());
    }
    let value = |name: &str| get(name).or_else(|| other.clone().filter(|_| name == "parent_external_id"));
    let mut parent = Fields::of(
        names
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), value(name)?.into())))
            .collect(),
    );
    let filter = Filter {
        organization: get("organization_id"),
        resource_type: get("resource_type_slug"),
        external_id: get("resource_external_id"),
        parent: parent.target_named(names),
        search: get("search").map(|text| text.to_lowercase()),
    };
    parent.check()?;
    if matches!(filter.parent, Some(Target::External { .. })) && filter.organization.is_none() {
        let message = "parent_external_id is only unique within an organization: give organization_id too";
        return Err(Error::field("organization_id", "required", message).into());
    }
    if filter.organization.is_none() && filter.resource_type.is_none() && filter.parent.is_none() {
        let message = "give organization_id or resource_type_slug";
        return Err(Error::bad("missing_organization_id_or_resource_type_slug", message).into());
    }
    let published = ready.read();
    if let Some(slug) = &filter.resource_type {
        let instead = "ask the table for them, or list those on which a membership has a permission with /rowgate/v1/authorization/resources";
        rows::refuse(&published, slug, instead)?;
    }
    let instead =
        "list what is under one and a membership has a permission on with listResourcesForMembership";
    rows::refuse_target(&published, filter.parent.as_ref(), instead)?;
    app.long(move || {
        let found = filter.find(Reader::new(&published.graph))?;
        let listed = page.of(
            found.into_iter().map(|one| (one.created_at(), one)),
            Resource::key,
        );
        Ok(wire::json(&list::page(&listed, out::resource, Resource::wire_id)))
    })
    .await?
}

impl Filter {
    fn find<'a>(&self, read: Reader<'a>) -> rowgate_rbac::Result<Vec<Resource<'a>>> {
        let organization = self
            .organization
            .as_deref()
            .map(|id| read.organization(id))
            .transpose()?;
        let mut found: Vec<Resource<'a>> = match (&self.parent, &organization, &self.resource_type) {
            (Some(parent), organization, _) => {
                let id = organization.map(|organization| organization.id());
                resources::find(read, id, parent)?.children().collect()
            }
            (None, Some(organization), Some(slug)) if slug == ORGANIZATION => vec![organization.root()],
            (None, Some(organization), Some(slug)) if self.external_id.is_some() => {
                let external_id = self.external_id.as_deref().unwrap_or_default();
                read.resource_by_external_id(organization, slug, external_id)
                    .into_iter()
                    .collect()
            }
            // The organization itself is only listed when it is asked for.
            (None, Some(organization), _) => organization.root().tree().split_off(1),
            (None, None, Some(slug)) => read.resources_of_type(slug).collect(),
            (None, None, None) => Vec::new(),
        };
        found.retain(|resource| {
            self.resource_type
                .as_deref()
                .is_none_or(|slug| slug == resource.resource_type())
                && self
                    .external_id
                    .as_deref()
                    .is_none_or(|id| id == resource.external_id())
                && self
                    .search
                    .as_deref()
                    .is_none_or(|text| resource.name().to_lowercase().contains(text))
        });
        Ok(found)
    }
}
