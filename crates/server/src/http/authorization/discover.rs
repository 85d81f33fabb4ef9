//! What is directly under a resource, where rows of the application's tables can be under it, too: first the resources that are stored, then
//! the rows of one table after the other, each in the order of its keys.

use rowgate_binding::authz::relation::PARENT;
use rowgate_engine::Value as Answered;
use rowgate_engine::query::page::{Order as RowOrder, Page as RowPage, RowKey};
use rowgate_engine::query::text::{Names, Query, Reference, Select};
use rowgate_environment::Published;
use rowgate_policy::Context;
use rowgate_rbac::names;
use rowgate_rbac::page::{Order, Page};
use rowgate_rbac::record::{Membership, Resource};
use rowgate_rbac::rows::RowResource;
use rowgate_rbac::{Error, Reader, Target};
use serde_json::{Value, json};

use super::request::{Params, ask};
use super::rows::{self, About, Asking};
use crate::extract::Caller;
use crate::state::App;
use crate::wire::authorization as out;
use crate::wire::authorization::error::Answer;

/// How many rows one request looks at where each needs a decision of its own. A page that ends there has a cursor.
const MAX_LOOKED_AT: usize = 1_000;

/// Where a list continues.
enum From {
    /// At the stored resources, which have cursors of their own.
    Stored,
    /// After a row of the table of a type.
    Row {
        resource_type: String,
        external_id: String,
    },
}

/// What is wanted of a list.
pub(super) struct Wanted {
    pub(super) om: String,
    pub(super) permission: String,
    pub(super) parent: Target,
    page: Page,
    from: From,
}

/// The types of rows that can be directly under a resource of a type.
fn types_under(published: &Published, parent: &str) -> Vec<String> {
    let Some(bound) = &published.bound else {
        return Vec::new();
    };
    let (above, read) = (names::type_name(parent), Reader::new(&published.graph));
    let mut slugs: Vec<String> = bound
        .bindings
        .tables()
        .iter()
        .filter(|table| {
            let sources = bound.bindings.sources(&table.resource_type, PARENT);
            sources.iter().any(|source| source.resource_type == above)
        })
        .filter_map(|table| names::type_slug(&table.resource_type).map(str::to_owned))
        .filter(|slug| read.resource_type(slug).is_ok())
        .collect();
    slugs.sort_unstable();
    slugs
}

/// Whether the children of a resource can be rows.
pub(super) fn has_rows(published: &Published, om: &str, parent: &Target) -> bool {
    match parent {
        Target::External { resource_type, .. } => {
            rows::names_row(published, parent) || !types_under(published, resource_type).is_empty()
        }
        Target::Id(id) => {
            let read = Reader::new(&published.graph);
            let known = read.membership(om).and_then(|_| read.resource(id));
            known.is_ok_and(|parent| !types_under(published, parent.resource_type()).is_empty())
        }
    }
}

impl Wanted {
    pub(super) fn read(om: String, permission: String, parent: Target, params: &Params) -> Answer<Self> {
        let row = params.get("after").and_then(|after| after.split_once(':'));
        let get = |name: &str| params.get(name).filter(|_| name != "after" || row.is_none());
        let page = Page::read(get("limit"), get("order"), get("after"), get("before"))?;
        if page.order == Order::Normal {
            let message =
                "there are rows under such a resource, whose lists go forward: order must be asc or desc";
            return Err(Error::field("order", "invalid", message).into());
        }
        let from = row.map_or(From::Stored, |(resource_type, external_id)| From::Row {
            resource_type: resource_type.to_owned(),
            external_id: external_id.to_owned(),
        });
        Ok(Self {
            om,
            permission,
            parent,
            page,
            from,
        })
    }

    /// A page. For a thread that may wait.
    pub(super) fn list(&self, app: &App, caller: &Caller, published: &Published) -> Answer<Value> {
        let rows = Asking::new(app, caller, published)?;
        let relation = names::permission_relation(&self.permission);
        let parent = rows.about(&self.om, &self.parent, &relation)?;
        let mut found = self.stored(published)?;
        if found.more {
            return Ok(found.page());
        }
        let everything = rows.decide(&parent, &relation, &Context::new())?.value == Answered::True;
        let under = Under {
            rows: &rows,
            relation,
            parent,
            everything,
            order: self.page.order,
        };
        let slug = names::type_slug(&under.parent.resource.0)
            .unwrap_or_default()
            .to_owned();
        for resource_type in types_under(published, &slug) {
            let after = match &self.from {
                From::Row {
                    resource_type: before,
                    ..
                } if *before > resource_type => continue,
                From::Row {
                    resource_type: same,
                    external_id,
                } if *same == resource_type => Some(external_id),
                _ => None,
            };
            under.add(&mut found, &resource_type, after, self.page.limit)?;
            if found.more {
                break;
            }
        }
        Ok(found.page())
    }

    /// The page of the stored children, if it does not continue after them.
    fn stored(&self, published: &Published) -> Answer<Found> {
        if matches!(self.from, From::Row { .. }) || rows::names_row(published, &self.parent) {
            return Ok(Found::default());
        }
        ask(published, &Context::new(), |asker| {
            let membership: Membership<'_> = asker.read().membership(&self.om)?;
            let parent = asker.read().target(&membership.organization()?, &self.parent)?;
            let children = asker.children(&membership, &self.permission, &parent)?;
            let children = children.into_iter().map(|one| (one.created_at(), one));
            let listed = self.page.of(children, Resource::key);
            let (before, after) = listed.cursors(Resource::wire_id);
            Ok(Found {
                data: listed.rows.iter().map(out::resource).collect(),
                last: after
                    .clone()
                    .or_else(|| listed.rows.last().map(Resource::wire_id)),
                more: after.is_some(),
                before,
            })
        })
    }
}

/// A page in the making.
#[derive(Default)]
struct Found {
    data: Vec<Value>,
    before: Option<String>,
    /// The cursor of what it ends with.
    last: Option<String>,
    more: bool,
}

impl Found {
    fn page(self) -> Value {
        json!({
            "object": "list",
            "data": self.data,
            "list_metadata": {"before": self.before, "after": self.last.filter(|_| self.more)},
        })
    }
}

/// The rows under a resource.
struct Under<'a, 'b> {
    rows: &'b Asking<'a>,
    /// That of the permission.
    relation: String,
    parent: About<'a>,
    /// The membership has the permission on the parent, and so on everything under it.
    everything: bool,
    order: Order,
}

impl Under<'_, '_> {
    /// Adds the rows of a type until the page is full.
    fn add(
        &self,
        found: &mut Found,
        resource_type: &str,
        after: Option<&String>,
        limit: usize,
    ) -> Answer<()> {
        if !self.everything && !self.has_other_parents(resource_type) {
            // Roles are not assigned on rows, so there is nothing else that could give it.
            return Ok(());
        }
        let organization = self.parent.membership.organization()?;
        let mut after = after.map(|external_id| names::within(&organization, external_id));
        let mut looked_at = 0;
        loop {
            let (ids, more) = self.page(resource_type, after.as_deref())?;
            let children: Vec<RowResource> = ids
                .iter()
                .map(|id| rows::of_id(resource_type, id))
                .collect::<Answer<_>>()?;
            let abouts: Vec<About<'_>> = children.iter().map(|row| self.about(row)).collect();
            if !self.everything {
                self.rows.prefetch(&abouts, &self.relation)?;
            }
            for (row, about) in children.iter().zip(&abouts) {
                if found.data.len() == limit || looked_at == MAX_LOOKED_AT {
                    found.more = true;
                    return Ok(());
                }
                looked_at += 1;
                if self.everything || self.is_allowed(about)? {
                    found.data.push(rows::resource(row, organization.id()));
                }
                found.last = Some(format!("{resource_type}:{}", row.external_id));
            }
            after = ids.last().cloned();
            if !more || after.is_none() {
                return Ok(());
            }
        }
    }

    /// Whether rows of a type can be under something else at the same time.
    fn has_other_parents(&self, resource_type: &str) -> bool {
        let bound = self.rows.published.bound.as_ref();
        bound.is_some_and(|bound| {
            bound
                .bindings
                .sources(&names::type_name(resource_type), PARENT)
                .len()
                > 1
        })
    }

    fn about(&self, row: &RowResource) -> About<'_> {
        About {
            membership: self.parent.membership,
            resource: (row.type_name.clone(), row.id.clone()),
        }
    }

    fn is_allowed(&self, about: &About<'_>) -> Answer<bool> {
        let decision = self.rows.decide(about, &self.relation, &Context::new())?;
        Ok(decision.value == Answered::True)
    }

    /// Ids of rows of a type that are directly under the parent, and whether there are more.
    fn page(&self, resource_type: &str, after: Option<&str>) -> Answer<(Vec<String>, bool)> {
        let resource_type = names::type_name(resource_type);
        let query = Query {
            explicit: true,
            select: Select::Resources {
                types: Names::These(vec![resource_type.clone()]),
                subject: Reference {
                    resource_type: self.parent.resource.0.clone(),
                    id: self.parent.resource.1.clone(),
                },
                relations: Names::These(vec![PARENT.to_owned()]),
            },
        };
        let page = RowPage {
            limit: Some(rowgate_rbac::page::MAX_LIMIT + 1),
            order: if self.order == Order::Asc {
                RowOrder::Asc
            } else {
                RowOrder::Desc
            },
            after: after.map(|id| RowKey {
                resource_type,
                id: id.to_owned(),
                relation: PARENT.to_owned(),
            }),
            before: None,
        };
        self.rows.ids(&query, &page)
    }
}
