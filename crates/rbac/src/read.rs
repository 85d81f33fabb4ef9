//! Reading a revision: from names to things, and along the edges between them.

use rowgate_graph::{Edge, ObjectId, Snapshot, Symbol, WarrantRef};

use crate::hierarchy::Hierarchy;
use crate::names::{self, relation};
use crate::record::{
    Group, Membership, Organization, Permission, Record, Resource, ResourceType, Role, User,
};
use crate::settings::Settings;
use crate::{Error, Result};

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
        self.find(names::ENVIRONMENT, names::SELF).is_some()
    }

    pub(crate) fn symbol(self, name: &str) -> Symbol {
        self.graph.symbol(name).unwrap_or(Symbol::NONE)
    }

    pub(crate) fn find(self, resource_type: &str, id: &str) -> Option<Record<'a>> {
        self.record(self.graph.find(self.graph.symbol(resource_type)?, id))
    }

    pub(crate) fn record(self, object: ObjectId) -> Option<Record<'a>> {
        let resource = self.graph.resource(object)?;
        Some(Record { read: self, resource })
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

    /// Everything of one kind that belongs to the environment as a whole.
    fn of_environment(self, resource_type: &'static str) -> impl Iterator<Item = Record<'a>> + use<'a> {
        let anchor = self
            .find(names::ENVIRONMENT, names::SELF)
            .map(|anchor| anchor.resource.object);
        let edges = anchor
            .into_iter()
            .flat_map(move |anchor| self.back(anchor, relation::ENVIRONMENT));
        edges
            .filter(move |edge| self.has_type(edge.other(), resource_type))
            .filter_map(move |edge| self.record(edge.other()))
    }

    /// Everything of one kind that belongs to an organization.
    pub(crate) fn of_organization(
        self,
        organization: &Organization<'a>,
        resource_type: &'static str,
    ) -> impl Iterator<Item = Record<'a>> + use<'a> {
        let edges = self.back(organization.object(), relation::ORGANIZATION);
        edges
            .filter(move |edge| self.has_type(edge.other(), resource_type))
            .filter_map(move |edge| self.record(edge.other()))
    }

    /// The environment's settings.
    pub fn settings(self) -> Settings {
        let anchor = self.find(names::ENVIRONMENT, names::SELF);
        Settings::read(anchor.and_then(|anchor| anchor.resource.meta))
    }

    /// What another name stands for.
    fn named(self, kind: &str, name: &str) -> Option<Record<'a>> {
        let name = self.find(names::NAME, &name_id(kind, name))?;
        self.one(name.object(), relation::NAMES)
    }

    /// An organization.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn organization(self, id: &str) -> Result<Organization<'a>> {
        let found = self.find(names::ORGANIZATION_TYPE, id).map(Organization);
        found.ok_or_else(|| Error::not_found("Organization", id))
    }

    /// The organization that the application calls so.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn organization_by_external_id(self, external_id: &str) -> Result<Organization<'a>> {
        let found = self.named(ORGANIZATION_NAME, external_id).map(Organization);
        found.ok_or_else(|| Error::not_found("Organization", external_id))
    }

    /// All organizations, oldest first.
    pub fn organizations(self) -> impl Iterator<Item = Organization<'a>> + use<'a> {
        self.of_environment(names::ORGANIZATION_TYPE).map(Organization)
    }

    /// A user.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn user(self, id: &str) -> Result<User<'a>> {
        let found = self.find(names::USER, id).map(User);
        found.ok_or_else(|| Error::not_found("User", id))
    }

    /// The user that the application calls so.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn user_by_external_id(self, external_id: &str) -> Result<User<'a>> {
        let found = self.named(USER_NAME, external_id).map(User);
        found.ok_or_else(|| Error::not_found("User", external_id))
    }

    /// The user with a mail address, however it is capitalised.
    pub fn user_by_email(self, email: &str) -> Option<User<'a>> {
        self.named(EMAIL, &email.to_lowercase()).map(User)
    }

    /// All users, oldest first.
    pub fn users(self) -> impl Iterator<Item = User<'a>> + use<'a> {
        self.of_environment(names::USER).map(User)
    }

    /// An organization membership.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn membership(self, id: &str) -> Result<Membership<'a>> {
        let found = self.find(names::MEMBERSHIP, id).map(Membership);
        found.ok_or_else(|| Error::not_found("Organization membership", id))
    }

    /// A group.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn group(self, id: &str) -> Result<Group<'a>> {
        let found = self.find(names::GROUP, id).map(Group);
        found.ok_or_else(|| Error::not_found("Group", id))
    }

    /// A group of an organization.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn group_of(self, organization: &Organization<'a>, id: &str) -> Result<Group<'a>> {
        let found = self.group(id)?;
        if found.organization()?.object() == organization.object() {
            return Ok(found);
        }
        Err(Error::not_found("Group", id))
    }

    /// A permission.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn permission(self, slug: &str) -> Result<Permission<'a>> {
        let found = self.find(names::PERMISSION, &names::encode(slug)).map(Permission);
        found.ok_or_else(|| Error::not_found("Permission", slug))
    }

    /// All permissions, oldest first.
    pub fn permissions(self) -> impl Iterator<Item = Permission<'a>> + use<'a> {
        self.of_environment(names::PERMISSION).map(Permission)
    }

    /// A resource type other than `organization`.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn resource_type(self, slug: &str) -> Result<ResourceType<'a>> {
        let found = self.find(names::TYPE, &names::encode(slug)).map(ResourceType);
        found.ok_or_else(|| Error::not_found("Resource type", slug))
    }

    /// All resource types but `organization`, oldest first.
    pub fn resource_types(self) -> impl Iterator<Item = ResourceType<'a>> + use<'a> {
        self.of_environment(names::TYPE).map(ResourceType)
    }

    /// An environment role.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn environment_role(self, slug: &str) -> Result<Role<'a>> {
        let found = self.find(names::ROLE, &names::encode(slug)).map(Role);
        found.ok_or_else(|| Error::not_found("Role", slug))
    }

    /// A role as an organization sees it: its own, or one of the environment.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn role(self, organization: &Organization<'a>, slug: &str) -> Result<Role<'a>> {
        match self.find(names::ROLE, &names::id_within(organization.id(), slug)) {
            Some(own) => Ok(Role(own)),
            None => self.environment_role(slug),
        }
    }

    /// All environment roles, the one with the highest priority first.
    pub fn environment_roles(self) -> Vec<Role<'a>> {
        let mut roles: Vec<Role<'a>> = self.of_environment(names::ROLE).map(Role).collect();
        sort_by_priority(&mut roles, &self.settings().role_order);
        roles
    }

    /// All roles that an organization can use, the one with the highest priority first.
    pub fn roles(self, organization: &Organization<'a>) -> Vec<Role<'a>> {
        let mut roles = self.environment_roles();
        roles.extend(self.of_organization(organization, names::ROLE).map(Role));
        sort_by_priority(&mut roles, &organization.role_order());
        roles
    }

    /// A resource by its id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn resource(self, id: &str) -> Result<Resource<'a>> {
        let found = self.named(RESOURCE, id).map(Resource);
        found.ok_or_else(|| Error::not_found("Authorization resource", id))
    }

    /// A resource by what the application calls it. The organization itself goes by its id and by its external id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn resource_by_external_id(
        self,
        organization: &Organization<'a>,
        resource_type: &str,
        external_id: &str,
    ) -> Result<Resource<'a>> {
        if resource_type == names::ORGANIZATION {
            let is_it = external_id == organization.id() || Some(external_id) == organization.external_id();
            return is_it
                .then_some(Resource(organization.0))
                .ok_or_else(|| Error::not_found("Authorization resource", external_id));
        }
        let id = names::id_within(organization.id(), external_id);
        let found = self.find(&names::type_name(resource_type), &id).map(Resource);
        found.ok_or_else(|| Error::not_found("Authorization resource", external_id))
    }

    /// Every resource of a type, in all organizations.
    pub fn resources_of_type(self, slug: &str) -> Vec<Resource<'a>> {
        let Some(wanted) = self.graph.symbol(&names::type_name(slug)) else {
            return Vec::new();
        };
        let all = self.graph.all_resources();
        let found = all.filter(|resource| resource.resource_type == wanted);
        found
            .map(|resource| Resource(Record { read: self, resource }))
            .collect()
    }

    /// What a request means, within an organization.
    ///
    /// # Errors
    /// [`Error::NotFound`], also for a resource of another organization.
    pub fn target(self, organization: &Organization<'a>, target: &Target) -> Result<Resource<'a>> {
        match target {
            Target::External {
                resource_type,
                external_id,
            } => self.resource_by_external_id(organization, resource_type, external_id),
            Target::Id(id) => {
                let resource = self.resource(id)?;
                if resource.organization()?.object() == organization.object() {
                    return Ok(resource);
                }
                Err(Error::not_found("Authorization resource", id.as_str()))
            }
        }
    }

    /// The types and how they are nested.
    pub fn hierarchy(self) -> Hierarchy {
        Hierarchy::of(self)
    }
}

fn sort_by_priority(roles: &mut [Role<'_>], order: &[String]) {
    // Stable: roles that the order does not name follow, oldest first.
    roles.sort_by_key(|role| {
        let at = order.iter().position(|slug| *slug == role.slug());
        at.unwrap_or(usize::MAX)
    });
}

/// Kinds of other names.
pub(crate) const ORGANIZATION_NAME: &str = "organization";
pub(crate) const USER_NAME: &str = "user";
pub(crate) const EMAIL: &str = "email";
pub(crate) const RESOURCE: &str = "resource";

pub(crate) fn name_id(kind: &str, name: &str) -> String {
    names::id_within(kind, name)
}
