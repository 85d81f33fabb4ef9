//! One thing by its id, or by what the application calls it.

use rowgate_graph::{ObjectId, Symbol};

use super::{EMAIL, ORGANIZATION_NAME, RESOURCE, Reader, Target, USER_NAME};
use crate::names::{self, relation};
use crate::record::{Group, Membership, Organization, Permission, Resource, ResourceType, User};
use crate::{Error, Result};

/// Resources are rarely nested deeper than this many levels below their organization.
const LEVELS: usize = 3;

impl<'a> Reader<'a> {
    /// Starts to fetch a resource and what is above it, all of which a check looks at.
    fn touch_upwards(self, resource: ObjectId, organization: &Organization<'a>) {
        let parent = self.symbol(relation::PARENT);
        let mut at = resource;
        self.graph.touch(at);
        self.graph.touch_subjects(organization.object());
        for _ in 1..LEVELS {
            let Some(edge) = self.graph.subjects(at).with(parent, Symbol::NONE).next() else {
                return;
            };
            at = edge.other();
            self.graph.touch(at);
        }
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

    /// An organization membership.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn membership(self, id: &str) -> Result<Membership<'a>> {
        let touch = |likely| self.graph.touch_subject(likely);
        let found = self.find_and(names::MEMBERSHIP, id, touch).map(Membership);
        if let Some(membership) = &found {
            self.graph.touch_resources(membership.object());
        }
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

    /// A resource type other than `organization`.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn resource_type(self, slug: &str) -> Result<ResourceType<'a>> {
        let found = self.find(names::TYPE, &names::encode(slug)).map(ResourceType);
        found.ok_or_else(|| Error::not_found("Resource type", slug))
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
        let touch = |likely| self.touch_upwards(likely, organization);
        let found = self
            .find_and(&names::type_name(resource_type), &id, touch)
            .map(Resource);
        found.ok_or_else(|| Error::not_found("Authorization resource", external_id))
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
}
