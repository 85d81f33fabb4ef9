//! One thing by its id, or by what the application calls it.

use std::borrow::Cow;

use arrayvec::ArrayString;
use rowgate_engine::names::{MAX_ID, MAX_NAME};
use rowgate_graph::{ObjectId, Sought, Symbol};

use super::{EMAIL, ORGANIZATION_NAME, RESOURCE, Reader, Target, USER_NAME};
use crate::names::{self, relation};
use crate::record::{Group, Membership, Organization, Permission, Record, Resource, ResourceType, User};
use crate::{Error, Result};

/// Resources are rarely nested deeper than this many levels below their organization.
const LEVELS: usize = 3;

/// A membership that is looked for.
pub(crate) struct SoughtMembership<'a, 'i> {
    read: Reader<'a>,
    sought: Option<Sought<'a, 'i>>,
    id: &'i str,
}

impl<'a> SoughtMembership<'a, '_> {
    /// The membership. Where its warrants lie is touched.
    pub(crate) fn found(self) -> Result<Membership<'a>> {
        let touch = |likely| self.read.graph.touch_subject(likely);
        let found = self
            .sought
            .and_then(|sought| self.read.record(sought.find(touch)));
        found
            .map(Membership)
            .ok_or_else(|| Error::not_found("Organization membership", self.id))
    }
}

/// A target that is looked for.
pub(crate) enum SoughtTarget<'t> {
    /// By type and external id, encoded.
    Within {
        resource_type: Option<Symbol>,
        encoded: Cow<'t, str>,
        external_id: &'t str,
    },
    /// The organization itself, which goes by its id and by its external id.
    Organization(&'t str),
    /// By its id.
    Id(&'t str),
}

impl<'a> Reader<'a> {
    /// Starts to fetch a resource and what is above it, all of which a check looks at.
    fn touch_upwards(self, resource: ObjectId, organization: &Organization<'a>) {
        let parent = self.symbol(relation::PARENT);
        let mut at = resource;
        self.graph.touch(at);
        self.graph.touch_subjects(organization.object());
        for level in 1..LEVELS {
            let Some(edge) = self.graph.subjects(at).with(parent, Symbol::NONE).next() else {
                return;
            };
            at = edge.other();
            self.graph.touch(at);
            if level == 1 {
                // By now the name is there, too.
                self.graph.touch_text(resource);
            }
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

    /// Starts to look for an organization membership.
    pub(crate) fn seek_membership(self, id: &str) -> SoughtMembership<'a, '_> {
        let resource_type = self.graph.symbol(names::MEMBERSHIP);
        SoughtMembership {
            read: self,
            sought: resource_type.map(|resource_type| self.graph.seek(resource_type, id)),
            id,
        }
    }

    /// An organization membership.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn membership(self, id: &str) -> Result<Membership<'a>> {
        let found = self.seek_membership(id).found()?;
        self.graph.touch_resources(found.object());
        Ok(found)
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
        self.found(
            organization,
            self.sought_external(resource_type, external_id),
            || (),
        )
    }

    /// What of a target can be worked out before its organization is known.
    pub(crate) fn sought(self, target: &Target) -> SoughtTarget<'_> {
        match target {
            Target::Id(id) => SoughtTarget::Id(id),
            Target::External {
                resource_type,
                external_id,
            } => self.sought_external(resource_type, external_id),
        }
    }

    fn sought_external<'t>(self, resource_type: &str, external_id: &'t str) -> SoughtTarget<'t> {
        if resource_type == names::ORGANIZATION {
            return SoughtTarget::Organization(external_id);
        }
        SoughtTarget::Within {
            resource_type: self.type_symbol(resource_type),
            encoded: names::encode(external_id),
            external_id,
        }
    }

    /// [`Reader::target`] of what was sought. What else will be looked at can be touched `meanwhile`.
    pub(crate) fn found(
        self,
        organization: &Organization<'a>,
        target: SoughtTarget<'_>,
        meanwhile: impl FnOnce(),
    ) -> Result<Resource<'a>> {
        let (found, called) = match target {
            SoughtTarget::Within {
                resource_type,
                encoded,
                external_id,
            } => {
                let found =
                    resource_type.and_then(|of| self.resource_within(organization, of, &encoded, meanwhile));
                (found.map(Resource), external_id)
            }
            SoughtTarget::Organization(called) => (
                organization.is_called(called).then_some(organization.root()),
                called,
            ),
            SoughtTarget::Id(id) => {
                let resource = self.resource(id)?;
                let is_there = resource.organization()?.object() == organization.object();
                (is_there.then_some(resource), id)
            }
        };
        found.ok_or_else(|| Error::not_found("Authorization resource", called))
    }

    /// Names are joined in place: a check makes three, and each on the heap costs as much as to look it up.
    fn resource_within(
        self,
        organization: &Organization<'a>,
        resource_type: Symbol,
        encoded: &str,
        meanwhile: impl FnOnce(),
    ) -> Option<Record<'a>> {
        let mut id = ArrayString::<MAX_ID>::new();
        names::write_id_within(&mut id, organization.id(), encoded).ok()?;
        let sought = self.graph.seek(resource_type, &id);
        meanwhile();
        self.record(sought.find(|likely| self.touch_upwards(likely, organization)))
    }

    /// The graph's type of a resource type.
    fn type_symbol(self, slug: &str) -> Option<Symbol> {
        let mut name = ArrayString::<MAX_NAME>::new();
        names::write_type_name(&mut name, slug).ok()?;
        self.graph.symbol(&name)
    }

    /// The relation of a permission; `None` where nothing has ever used it.
    pub(crate) fn permission_symbol(self, slug: &str) -> Option<Symbol> {
        let mut buffer = [0; MAX_NAME];
        self.graph
            .symbol(names::permission_relation_in(slug, &mut buffer)?)
    }

    /// What a request means, within an organization.
    ///
    /// # Errors
    /// [`Error::NotFound`], also for a resource of another organization.
    pub fn target(self, organization: &Organization<'a>, target: &Target) -> Result<Resource<'a>> {
        self.found(organization, self.sought(target), || ())
    }
}
