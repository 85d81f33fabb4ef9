//! Resources that are rows of the application's tables. They are not in the graph, so a request names them and the row says the rest.

use rowgate_binding::{Resolved, Table};
use rowgate_engine::{Check, Subject};

use crate::names::{self, MEMBERSHIP};
use crate::read::Target;
use crate::record::{Membership, Organization, Resource};

/// A resource that is a row, whether or not there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowResource {
    /// The slug of its type.
    pub resource_type: String,
    /// What the application calls it: the key of the row.
    pub external_id: String,
    /// Its type in the graph.
    pub type_name: String,
    /// Its id in the graph.
    pub id: String,
}

/// The table whose rows are the resources of a type, if there is one.
pub fn table_of<'b>(bindings: &'b Resolved, resource_type: &str) -> Option<&'b Table> {
    bindings.table_of_type(&names::type_name(resource_type))
}

impl RowResource {
    /// What a request means within an organization, when the resources of that type are rows.
    pub fn of(bindings: &Resolved, organization: &Organization<'_>, target: &Target) -> Option<Self> {
        let Target::External {
            resource_type,
            external_id,
        } = target
        else {
            return None;
        };
        table_of(bindings, resource_type)?;
        Some(Self {
            resource_type: resource_type.clone(),
            external_id: external_id.clone(),
            type_name: names::type_name(resource_type),
            id: names::id_within(organization.id(), external_id),
        })
    }

    /// Of an id in the graph, as lists give it.
    pub fn of_id(resource_type: &str, id: &str) -> Option<Self> {
        let (_, encoded) = names::split_id(id)?;
        Some(Self {
            resource_type: resource_type.to_owned(),
            external_id: names::decode(encoded)?.into_owned(),
            type_name: names::type_name(resource_type),
            id: id.to_owned(),
        })
    }

    /// The id that lists show. It is derived from what the row is called, and no request can name the row by it.
    pub fn wire_id(&self) -> String {
        Resource::wire_id_of(&self.type_name, &self.id, 0)
    }

    /// Whether a membership has the relation of a permission.
    pub fn check<'q>(&'q self, membership: &Membership<'q>, relation: &'q str) -> Check<'q> {
        Check {
            resource_type: &self.type_name,
            resource_id: &self.id,
            relation,
            subject: Subject {
                resource_type: MEMBERSHIP,
                id: membership.id(),
                relation: None,
            },
        }
    }
}
