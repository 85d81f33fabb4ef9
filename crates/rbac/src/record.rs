//! What is stored: organizations, users, memberships, groups, types, permissions, roles and resources, each as a resource of the graph with
//! metadata and edges.
//!
//! Here: organizations and users. `member`: who is where. `access`: what can be allowed, to whom and on what.

mod access;
mod member;

use std::ops::Deref;

use rowgate_graph::ObjectId;
use serde_json::{Map, Value};

use crate::key::Key;
use crate::names::{self, relation};
use crate::read::Reader;
use crate::{Error, Result};

pub use member::Status;
pub(crate) use member::members;

/// Anything stored. What is known of it is read where it is wanted: most of it lies in memory that a check need not wait for.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    pub(crate) read: Reader<'a>,
    pub(crate) object: ObjectId,
}

impl<'a> Record<'a> {
    pub(crate) fn object(&self) -> ObjectId {
        self.object
    }

    /// Its type in the graph.
    pub fn type_name(&self) -> &'a str {
        let graph = self.read.graph;
        graph.name(graph.type_of(self.object))
    }

    /// Its id in the graph, which for most is the id that the API shows.
    pub fn id(&self) -> &'a str {
        self.read.graph.id_of(self.object)
    }

    /// When it was created, microseconds since the Unix epoch.
    pub fn created_at(&self) -> i64 {
        self.read
            .graph
            .resource(self.object)
            .map_or(0, |stored| stored.created_at)
    }

    /// When it was last changed, microseconds since the Unix epoch.
    pub fn updated_at(&self) -> i64 {
        let changed = self.meta("updated_at").and_then(Value::as_i64);
        changed.unwrap_or_else(|| self.created_at())
    }

    pub(crate) fn stored_meta(&self) -> Option<&'a Value> {
        self.read.graph.resource(self.object)?.meta
    }

    pub(crate) fn meta(&self, field: &str) -> Option<&'a Value> {
        self.stored_meta()?.get(field)
    }

    pub(crate) fn all_meta(&self) -> Map<String, Value> {
        let fields = self.stored_meta().and_then(Value::as_object);
        fields.cloned().unwrap_or_default()
    }

    /// A field that is a text.
    pub fn text(&self, field: &str) -> Option<&'a str> {
        self.meta(field)?.as_str()
    }

    /// A field that is `true`; anything else is not.
    pub fn flag(&self, field: &str) -> bool {
        self.meta(field).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A field that is an object, or an empty one.
    pub fn object_field(&self, field: &str) -> Map<String, Value> {
        let fields = self.meta(field).and_then(Value::as_object);
        fields.cloned().unwrap_or_default()
    }

    /// Its name.
    pub fn name(&self) -> &'a str {
        self.text("name").unwrap_or_default()
    }

    /// Its description.
    pub fn description(&self) -> Option<&'a str> {
        self.text("description")
    }

    /// Its place in lists: the key of its id, or, where that was not made here, of its time and name.
    pub fn key(&self) -> Key {
        Key::of_id(self.id()).unwrap_or_else(|| self.derived_key())
    }

    fn derived_key(&self) -> Key {
        Key::derived(self.created_at(), &[self.type_name(), self.id()])
    }
}

macro_rules! records {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name<'a>(pub(crate) Record<'a>);

        impl<'a> Deref for $name<'a> {
            type Target = Record<'a>;

            fn deref(&self) -> &Record<'a> {
                &self.0
            }
        }
    )*};
}

records! {
    /// A customer or tenant, and the root of its tree of resources.
    Organization
    /// Somebody who can be a member of organizations.
    User
    /// A user in an organization: the subject of checks.
    Membership
    /// Memberships that get roles together.
    Group
    /// What can be allowed on a resource.
    Permission
    /// Permissions that are granted together.
    Role
    /// A kind of resource.
    ResourceType
    /// An instance of a resource type, the organization itself included.
    Resource
}

impl<'a> Organization<'a> {
    /// What the application calls it.
    pub fn external_id(&self) -> Option<&'a str> {
        self.text("external_id")
    }

    /// The slugs of its roles, the one with the highest priority first; those it does not name follow.
    pub fn role_order(&self) -> Vec<String> {
        let own = self.meta("role_order").and_then(Value::as_array);
        match own {
            Some(own) => own.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            None => self.read.settings().role_order,
        }
    }

    /// Whether it has an order of its own.
    pub(crate) fn has_role_order(&self) -> bool {
        self.meta("role_order").is_some()
    }

    /// Its domains: the id of each, the domain, and the state.
    pub fn domains(&self) -> Vec<(&'a str, &'a str, &'a str)> {
        let all = self.meta("domains").and_then(Value::as_array);
        let one = |domain: &'a Value| {
            let field = |name: &str| domain.get(name).and_then(Value::as_str);
            Some((field("id")?, field("domain")?, field("state")?))
        };
        all.into_iter().flatten().filter_map(one).collect()
    }

    /// Its memberships, oldest first.
    pub fn memberships(&self) -> impl Iterator<Item = Membership<'a>> + use<'a> {
        self.read.of_organization(self, names::MEMBERSHIP).map(Membership)
    }

    /// Its groups, oldest first.
    pub fn groups(&self) -> impl Iterator<Item = Group<'a>> + use<'a> {
        self.read.of_organization(self, names::GROUP).map(Group)
    }

    /// Its own roles, oldest first.
    pub(crate) fn own_roles(&self) -> impl Iterator<Item = Role<'a>> + use<'a> {
        self.read.of_organization(self, names::ROLE).map(Role)
    }

    /// As a resource.
    pub fn root(&self) -> Resource<'a> {
        Resource(self.0)
    }

    /// Whether it is called so, by id or by external id.
    pub fn is_called(&self, text: &str) -> bool {
        self.id() == text || self.external_id() == Some(text)
    }
}

impl<'a> User<'a> {
    /// What the application calls it.
    pub fn external_id(&self) -> Option<&'a str> {
        self.text("external_id")
    }

    /// The mail address.
    pub fn email(&self) -> &'a str {
        self.text("email").unwrap_or_default()
    }

    /// The memberships, oldest first.
    pub fn memberships(&self) -> impl Iterator<Item = Membership<'a>> + use<'a> {
        let read = self.read;
        let edges = read.back(self.object(), relation::USER);
        edges
            .filter_map(move |edge| read.record(edge.other()))
            .map(Membership)
    }
}

fn organization_of<'a>(record: &Record<'a>) -> Result<Organization<'a>> {
    let found = record
        .read
        .one(record.object(), relation::ORGANIZATION)
        .map(Organization);
    found.ok_or_else(|| broken(record, relation::ORGANIZATION))
}

fn broken(record: &Record<'_>, what: &str) -> Error {
    Error::Internal(format!("{}:{} has no {what}", record.type_name(), record.id()))
}
