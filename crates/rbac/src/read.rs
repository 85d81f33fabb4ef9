//! Reading a revision: from names to things, and along the edges between them.

use rowgate_graph::{Edge, ObjectId, Resource as Stored, Snapshot, Symbol, WarrantRef};

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
        rowgate_environment::reserved::in_use(self.graph)
    }

    pub(crate) fn symbol(self, name: &str) -> Symbol {
        self.graph.symbol(name).unwrap_or(Symbol::NONE)
    }

    pub(crate) fn find(self, resource_type: &str, id: &str) -> Option<Record<'a>> {
        self.record(self.graph.find(self.graph.symbol(resource_type)?, id))
    }

    pub(crate) fn record(self, object: ObjectId) -> Option<Record<'a>> {
        self.existing(self.graph.resource(object)?)
    }

    /// Warrants of an application can name as a subject what was never created. It has no edges of its own, and everything that was
    /// created has one, to what it belongs to; only the environment belongs to nothing, and has settings.
    fn existing(self, resource: Stored<'a>) -> Option<Record<'a>> {
        let was_created = !self.graph.subjects(resource.object).is_empty()
            || resource.resource_type == self.symbol(names::ENVIRONMENT) && resource.meta.is_some();
        was_created.then_some(Record { read: self, resource })
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
        all.filter_map(move |resource| self.existing(resource))
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
        sort_by_priority(&mut roles, &[&self.settings().role_order]);
        roles
    }

    /// All roles that an organization can use, the one with the highest priority first.
    pub fn roles(self, organization: &Organization<'a>) -> Vec<Role<'a>> {
        let mut roles: Vec<Role<'a>> = self.of_environment(names::ROLE).map(Role).collect();
        roles.extend(self.of_organization(organization, names::ROLE).map(Role));
        self.sort_for(organization, &mut roles);
        roles
    }

    /// Sorts roles as an organization sees them: the one with the highest priority first.
    pub(crate) fn sort_for(self, organization: &Organization<'a>, roles: &mut [Role<'a>]) {
        sort_by_priority(roles, &[&organization.role_order(), &self.settings().role_order]);
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

    /// Every resource of a type, in all organizations, oldest first.
    pub fn resources_of_type(self, slug: &str) -> impl Iterator<Item = Resource<'a>> + use<'a> {
        self.of_type(&names::type_name(slug)).map(Resource)
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

/// By the first order that names a role, then by the next one. Roles that none names follow, those of the environment before an
/// organization's own, oldest first.
fn sort_by_priority(roles: &mut [Role<'_>], orders: &[&[String]]) {
    roles.sort_by_cached_key(|role| {
        let slug = role.slug();
        let place = |order: &&[String]| {
            order
                .iter()
                .position(|known| *known == slug)
                .unwrap_or(usize::MAX)
        };
        let places: Vec<usize> = orders.iter().map(place).collect();
        (places, role.is_custom(), role.object())
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
