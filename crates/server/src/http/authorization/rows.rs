//! Resources that are rows of the application's tables: the row is read, and decided about in memory like any other resource.

use rowgate_binding::{Table, authz};
use rowgate_engine::query::page::{Order, Page, RowKey};
use rowgate_engine::query::text::{Names, Query, Reference, Select};
use rowgate_engine::{Ambient, Check, Decision, Subject, Value as Answered};
use rowgate_environment::Published;
use rowgate_policy::{Context, Timestamp};
use rowgate_rbac::names::{self, MEMBERSHIP};
use rowgate_rbac::record::{Membership, Permission};
use rowgate_rbac::rows::{RowResource, table_of};
use rowgate_rbac::{Error, Reader, Target};
use rowgate_rows::{Question, Reader as Rows, list};
use serde_json::{Value, json};

use super::request::Params;
use crate::error::ApiError;
use crate::extract::Caller;
use crate::state::App;
use crate::wire::authorization::error::{Answer, Failure};

/// The table whose rows are the resources of a type.
pub(super) fn table<'p>(published: &'p Published, resource_type: &str) -> Option<&'p Table> {
    table_of(&published.bound.as_ref()?.bindings, resource_type)
}

/// Whether a request names a row.
pub(super) fn names_row(published: &Published, target: &Target) -> bool {
    matches!(target, Target::External { resource_type, .. } if table(published, resource_type).is_some())
}

/// That something cannot be done to a row over this API.
pub(super) fn refuse(published: &Published, resource_type: &str, instead: &str) -> Answer<()> {
    let Some(table) = table(published, resource_type) else {
        return Ok(());
    };
    let message = format!(
        "Resources of type '{resource_type}' are the rows of table '{}': {instead}.",
        table.name
    );
    Err(Error::Bad {
        code: "resource_is_a_row",
        message,
    }
    .into())
}

/// The same of what a request names: a row has no id here, so only an external id can be one.
pub(super) fn refuse_target(published: &Published, target: Option<&Target>, instead: &str) -> Answer<()> {
    match target {
        Some(Target::External { resource_type, .. }) => refuse(published, resource_type, instead),
        Some(Target::Id(_)) | None => Ok(()),
    }
}

/// What to do instead of assigning a role on a row.
pub(super) const ASSIGN_ABOVE: &str = "roles are assigned on what the row is under";

/// The rows that the questions of one request need.
pub(super) struct Asking<'a> {
    pub(super) published: &'a Published,
    rows: Rows<'a>,
}

/// What a decision is about.
pub(super) struct About<'a> {
    pub(super) membership: Membership<'a>,
    /// Type and id in the graph.
    pub(super) resource: (String, String),
}

impl<'a> Asking<'a> {
    /// Reads nothing yet. For a thread that may wait.
    pub(super) fn new(app: &'a App, caller: &Caller, published: &'a Published) -> Answer<Self> {
        let reader = app
            .tables()?
            .blocking_reader(caller, published)
            .map_err(ApiError::from)?;
        let rows = reader.ok_or_else(|| ApiError::Internal("bindings that are gone".into()))?;
        Ok(Self { published, rows })
    }

    /// What a request means. 404 for a row that is not there, as for any other resource. The relation that is asked about first says what of
    /// the row is read.
    pub(super) fn about(&self, om: &str, target: &Target, relation: &str) -> Answer<About<'a>> {
        let read = Reader::new(&self.published.graph);
        let membership = read.membership(om)?;
        let organization = membership.organization()?;
        let bound = self.published.bound.as_ref();
        let row = bound.and_then(|bound| RowResource::of(&bound.bindings, &organization, target));
        let Some(row) = row else {
            let resource = read.target(&organization, target)?;
            return Ok(About {
                membership,
                resource: (resource.type_name().to_owned(), resource.id().to_owned()),
            });
        };
        let about = About {
            membership,
            resource: (row.type_name, row.id),
        };
        if !self
            .rows
            .blocking_exists(&about.question(relation))
            .map_err(ApiError::from)?
        {
            return Err(Error::NotFound {
                kind: "Authorization resource",
                id: row.external_id,
            }
            .into());
        }
        Ok(about)
    }

    pub(super) fn decide(&self, about: &About<'_>, relation: &str, context: &Context) -> Answer<Decision> {
        let ambient = Ambient {
            context,
            claims: None,
            now: Timestamp(rowgate_environment::now()),
        };
        let question = about.question(relation);
        let check = Check {
            resource_type: question.resource.0,
            resource_id: question.resource.1,
            relation,
            subject: about.subject(),
        };
        let decision = self
            .rows
            .blocking_ask(&question, |view| view.check(&check, &ambient));
        Ok(decision.map_err(ApiError::from)?)
    }

    /// Reads at once what several decisions need.
    pub(super) fn prefetch(&self, abouts: &[About<'_>], relation: &str) -> Answer<()> {
        let questions: Vec<Question<'_>> = abouts.iter().map(|about| about.question(relation)).collect();
        Ok(self.rows.blocking_prefetch(&questions).map_err(ApiError::from)?)
    }

    /// Whether a membership has a permission.
    pub(super) fn check(
        &self,
        om: &str,
        permission: &str,
        target: &Target,
        context: &Context,
    ) -> Answer<Decision> {
        let relation = names::permission_relation(permission);
        let about = self.about(om, target, &relation)?;
        self.decide(&about, &relation, context)
    }

    /// The permissions that a membership has on a row.
    pub(super) fn effective(&self, om: &str, target: &Target) -> Answer<Vec<Permission<'a>>> {
        let about = self.about(om, target, authz::relation::PARENT)?;
        let mut held = Vec::new();
        for permission in Reader::new(&self.published.graph).permissions() {
            let relation = names::permission_relation(&permission.slug());
            if self.decide(&about, &relation, &Context::new())?.value == Answered::True {
                held.push(permission);
            }
        }
        Ok(held)
    }

    /// A page of the rows of a type on which a membership has a permission: one statement, in the order of their keys.
    pub(super) fn everywhere(
        &self,
        om: &str,
        permission: &str,
        resource_type: &str,
        paging: &Paging,
    ) -> Answer<Value> {
        let read = Reader::new(&self.published.graph);
        let membership = read.membership(om)?;
        let organization = membership.organization()?;
        let relation = names::permission_relation(permission);
        if read.permission(permission).is_err() {
            return Ok(page(&[], organization.id(), false));
        }
        let key = |external_id: &String| RowKey {
            resource_type: names::type_name(resource_type),
            id: names::within(&organization, external_id),
            relation: relation.clone(),
        };
        let query = Query {
            explicit: false,
            select: Select::Resources {
                types: Names::These(vec![names::type_name(resource_type)]),
                subject: Reference {
                    resource_type: MEMBERSHIP.to_owned(),
                    id: membership.id().to_owned(),
                },
                relations: Names::These(vec![relation.clone()]),
            },
        };
        let wanted = Page {
            limit: Some(paging.limit),
            order: paging.order,
            after: paging.after.as_ref().map(key),
            before: None,
        };
        let (ids, more) = self.ids(&query, &wanted)?;
        let rows: Answer<Vec<RowResource>> = ids.iter().map(|id| of_id(resource_type, id)).collect();
        Ok(page(&rows?, organization.id(), more))
    }

    /// The ids in the graph that a query finds, and whether there are more.
    pub(super) fn ids(&self, query: &Query, page: &Page) -> Answer<(Vec<String>, bool)> {
        let none = Context::new();
        let ambient = Ambient {
            context: &none,
            claims: None,
            now: Timestamp(rowgate_environment::now()),
        };
        let found = list::query(&self.rows, query, page, &ambient).map_err(ApiError::from)?;
        let ids = found.rows.into_iter().map(|row| row.key.id);
        Ok((ids.collect(), found.more))
    }
}

impl About<'_> {
    fn subject(&self) -> Subject<'_> {
        Subject {
            resource_type: MEMBERSHIP,
            id: self.membership.id(),
            relation: None,
        }
    }

    fn question<'q>(&'q self, relation: &'q str) -> Question<'q> {
        Question {
            resource: (&self.resource.0, &self.resource.1),
            relation,
            subject: Some(self.subject()),
        }
    }
}

/// Which rows of a list are wanted. They are in the order of their keys, and a page says with which key it ends.
pub(super) struct Paging {
    limit: usize,
    order: Order,
    after: Option<String>,
}

impl Paging {
    pub(super) fn read(params: &Params) -> Answer<Self> {
        if params.get("before").is_some() {
            let message = "lists of rows go forward: give after, or order=asc";
            return Err(Failure::Rbac(Error::Fields(vec![rowgate_rbac::FieldError {
                field: "before".into(),
                code: "invalid",
                message: message.into(),
            }])));
        }
        let page = rowgate_rbac::page::Page::read(params.get("limit"), params.get("order"), None, None)?;
        Ok(Self {
            limit: page.limit,
            order: if page.order == rowgate_rbac::page::Order::Asc {
                Order::Asc
            } else {
                Order::Desc
            },
            after: params.get("after").map(str::to_owned),
        })
    }
}

/// The row of an id in the graph.
pub(super) fn of_id(resource_type: &str, id: &str) -> Answer<RowResource> {
    let row = RowResource::of_id(resource_type, id);
    row.ok_or_else(|| ApiError::Internal("a row whose id is none of the authorization API".into()).into())
}

/// A row has neither a name of its own nor a time here: the table has them.
pub(super) fn resource(row: &RowResource, organization: &str) -> Value {
    json!({
        "object": "authorization_resource",
        "id": row.wire_id(),
        "external_id": row.external_id,
        "name": row.external_id,
        "description": null,
        "resource_type_slug": row.resource_type,
        "organization_id": organization,
        "parent_resource_id": null,
        "created_at": crate::wire::authorization::time(0),
        "updated_at": crate::wire::authorization::time(0),
    })
}

fn page(rows: &[RowResource], organization: &str, more: bool) -> Value {
    let last = rows.last().filter(|_| more).map(|row| row.external_id.clone());
    json!({
        "object": "list",
        "data": rows.iter().map(|row| resource(row, organization)).collect::<Vec<Value>>(),
        "list_metadata": {"before": null, "after": last},
    })
}
