//! Reading a revision: from names to things, and along the edges between them.
//!
//! Here: edges, and everything of a kind. `find`: one thing by its name. `roles`: roles, and their order.

mod find;
mod roles;

use rowgate_graph::{Edge, ObjectId, Snapshot, Symbol, WarrantRef};

use crate::hierarchy::Hierarchy;
use crate::names::{self, relation};
use crate::record::{Organization, Permission, Record, Resource, ResourceType, User};
use crate::settings::Settings;

/// A thing by its id, or by what the application calls it within its organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// `authz_resource_…`
    Id(String),
    /// By type and external id.
    External {
        /// The slug of its type.
        resource_type: String,
        /// What the application calls it.
        external_id: String,
    },
}

/// One revision of an environment, as organizations, roles, resources and so on.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    pub(crate) graph: &'a Snapshot,
}

impl<'a> Reader<'a> {
    /// Of a revision.
    pub fn new(graph: &'a Snapshot) -> Self {
        Self { graph }
    }

    /// Whether the environment was ever used through this API.
    pub fn is_ready(self) -> bool {
        rowgate_environment::reserved::in_use(self.graph)
    }

    pub(crate) fn symbol(self, name: &str) -> Symbol {
        self.graph.symbol(name).unwrap_or(Symbol::NONE)
    }

    pub(crate) fn find(self, resource_type: &str, id: &str) -> Option<Record<'a>> {
        let sought = self.graph.seek(self.graph.symbol(resource_type)?, id);
        self.record(sought.find(|likely| self.graph.touch(likely)))
    }

    /// Warrants of an application can name as a subject what was never created. It has no edges of its own, and everything that was
    /// created has one, to what it belongs to; only the environment belongs to nothing, and has settings. What was deleted has none either.
    pub(crate) fn record(self, object: ObjectId) -> Option<Record<'a>> {
        let was_created = if self.graph.subjects(object).is_empty() {
            self.has_type(object, names::ENVIRONMENT)
                && self
                    .graph
                    .resource(object)
                    .is_some_and(|stored| stored.meta.is_some())
        } else {
            !self.graph.is_wildcard(object)
        };
        was_created.then_some(Record { read: self, object })
    }

    /// The first thing that an edge leads to.
    pub(crate) fn one(self, from: ObjectId, relation: &str) -> Option<Record<'a>> {
        let mut edges = self
            .graph
            .subjects(from)
            .with(self.symbol(relation), Symbol::NONE);
        self.record(edges.next()?.other())
    }

    /// The edges that lead here, oldest start first.
    pub(crate) fn back(self, to: ObjectId, relation: &str) -> impl Iterator<Item = &'a Edge> + use<'a> {
        self.graph.resources(to).with(Symbol::NONE, self.symbol(relation))
    }

    pub(crate) fn warrant(self, edge: &Edge) -> Option<&'a WarrantRef> {
        self.graph.warrant(edge.warrant())
    }

    pub(crate) fn has_type(self, object: ObjectId, resource_type: &str) -> bool {
        self.graph.type_of(object) == self.symbol(resource_type)
    }

    /// Everything of one type, oldest first.
    pub(crate) fn of_type(self, resource_type: &str) -> impl Iterator<Item = Record<'a>> + use<'a> {
        let all = self.graph.resources_of_type(self.symbol(resource_type));
        all.filter_map(move |resource| self.record(resource.object))
    }

    /// The warrants on everything that belongs to the authorization API, or is called as if it did.
    pub(crate) fn reserved_warrants(self) -> impl Iterator<Item = &'a WarrantRef> {
        let stored = self.graph.warrants_oldest_first(None).map(|(_, warrant)| warrant);
        stored.filter(move |warrant| {
            rowgate_binding::authz::is_reserved(self.graph.name(self.graph.type_of(warrant.resource)))
        })
    }

    /// Everything of one kind that belongs to the environment as a whole, oldest first.
    fn of_environment(self, resource_type: &'static str) -> impl Iterator<Item = Record<'a>> + use<'a> {
        let belongs = self.symbol(relation::ENVIRONMENT);
        self.of_type(resource_type).filter(move |record| {
            let edges = self.graph.subjects(record.object());
            edges.with(belongs, Symbol::NONE).next().is_some()
        })
    }

    /// Everything of one kind that belongs to an organization, oldest first. It looks at what is fewer: all that the organization has, or
    /// all that there are of the kind.
    pub(crate) fn of_organization(
        self,
        organization: &Organization<'a>,
        resource_type: &'static str,
    ) -> impl Iterator<Item = Record<'a>> + use<'a> {
        let (of, kind) = (organization.object(), self.symbol(resource_type));
        let belongs = self.symbol(relation::ORGANIZATION);
        let fewer_of_kind = self.graph.count_of_type(kind) < self.graph.resources(of).len();
        let of_kind = fewer_of_kind.then(|| {
            let all = self.of_type(resource_type);
            all.filter(move |record| {
                let edges = self.graph.subjects(record.object());
                edges.to(belongs, Symbol::NONE, of).next().is_some()
            })
        });
        let of_all = (!fewer_of_kind).then(|| {
            let edges = self.back(of, relation::ORGANIZATION);
            edges
                .filter(move |edge| self.graph.type_of(edge.other()) == kind)
                .filter_map(move |edge| self.record(edge.other()))
        });
        of_kind.into_iter().flatten().chain(of_all.into_iter().flatten())
    }

    /// The environment's settings.
    pub fn settings(self) -> Settings {
        let anchor = self.find(names::ENVIRONMENT, names::SELF);
        Settings::read(anchor.as_ref().and_then(Record::stored_meta))
    }

    /// What another name stands for.
    fn named(self, kind: &str, name: &str) -> Option<Record<'a>> {
        let name = self.find(names::NAME, &name_id(kind, name))?;
        self.one(name.object(), relation::NAMES)
    }

    /// All organizations, oldest first.
    pub fn organizations(self) -> impl Iterator<Item = Organization<'a>> + use<'a> {
        self.of_environment(names::ORGANIZATION_TYPE).map(Organization)
    }

    /// All users, oldest first.
    pub fn users(self) -> impl Iterator<Item = User<'a>> + use<'a> {
        self.of_environment(names::USER).map(User)
    }

    /// All permissions, oldest first.
    pub fn permissions(self) -> impl Iterator<Item = Permission<'a>> + use<'a> {
        self.of_environment(names::PERMISSION).map(Permission)
    }

    /// All resource types but `organization`, oldest first.
    pub fn resource_types(self) -> impl Iterator<Item = ResourceType<'a>> + use<'a> {
        self.of_environment(names::TYPE).map(ResourceType)
    }

    /// Every resource of a type, in all organizations, oldest first.
    pub fn resources_of_type(self, slug: &str) -> impl Iterator<Item = Resource<'a>> + use<'a> {
        self.of_type(&names::type_name(slug)).map(Resource)
    }

    /// The types and how they are nested.
    pub fn hierarchy(self) -> Hierarchy {
        Hierarchy::of(self)
    }
}

/// Kinds of other names.
pub(crate) const ORGANIZATION_NAME: &str = "organization";
pub(crate) const USER_NAME: &str = "user";
pub(crate) const EMAIL: &str = "email";
pub(crate) const RESOURCE: &str = "resource";

pub(crate) fn name_id(kind: &str, name: &str) -> String {
    names::id_within(kind, name)
}
