//! Role assignments, read from grants. Nothing of an assignment is stored beside the warrant that grants it: its id is derived, and
//! one that comes by way of a group is put together from the group's.

use std::borrow::Cow;

use rowgate_graph::{Edge, Symbol};

use crate::condition::Condition;
use crate::grant;
use crate::key::Key;
use crate::names::{self, relation};
use crate::read::Reader;
use crate::record::{Group, Membership, Record, Resource, Role};

/// A role of a membership on a resource.
#[derive(Debug, Clone, Copy)]
pub struct Assignment<'a> {
    /// Who has it.
    pub membership: Membership<'a>,
    /// The role.
    pub role: Role<'a>,
    /// Where.
    pub resource: Resource<'a>,
    /// The group that it comes from, if it does.
    pub through: Option<GroupAssignment<'a>>,
    /// When it took effect, microseconds since the Unix epoch.
    pub created_at: i64,
    policy: Option<&'a str>,
    pub(crate) grant: Record<'a>,
}

/// A role of a group on a resource.
#[derive(Debug, Clone, Copy)]
pub struct GroupAssignment<'a> {
    /// Whose members have it.
    pub group: Group<'a>,
    /// The role.
    pub role: Role<'a>,
    /// Where.
    pub resource: Resource<'a>,
    /// When it was made, microseconds since the Unix epoch.
    pub created_at: i64,
    pub(crate) grant: Record<'a>,
}

impl<'a> Assignment<'a> {
    /// Its place in lists.
    pub fn key(&self) -> Key {
        let through = self.through.map_or("", |through| through.group.id());
        Key::derived(self.created_at, &[self.membership.id(), self.grant.id(), through])
    }

    /// The id that the API shows.
    pub fn wire_id(&self) -> String {
        self.key().id("role_assignment")
    }

    /// Under which condition it counts.
    pub fn condition(&self) -> Condition<'a> {
        Condition::read(self.policy)
    }

    pub(crate) fn policy(&self) -> Option<&'a str> {
        self.policy
    }

    /// Whether it counts at any time and under any circumstances.
    pub(crate) fn is_lasting(&self) -> bool {
        self.policy.is_none()
    }

    /// Whether it counts at a moment whatever a request says.
    fn counts(&self, now: i64) -> bool {
        let condition = self.condition();
        condition.policy.is_none() && !condition.is_over(now)
    }
}

impl<'a> GroupAssignment<'a> {
    /// Its place in lists.
    pub fn key(&self) -> Key {
        Key::derived(self.created_at, &[self.group.id(), self.grant.id()])
    }

    /// The id that the API shows.
    pub fn wire_id(&self) -> String {
        self.key().id("gra")
    }
}

/// What a grant grants.
fn of_grant<'a>(grant: &Record<'a>) -> Option<(Role<'a>, Resource<'a>)> {
    let role = grant.read.one(grant.object(), relation::ROLE)?;
    let resource = grant.read.back(grant.object(), relation::GRANT).next()?;
    Some((Role(role), Resource(grant.read.record(resource.other())?)))
}

fn direct<'a>(membership: Membership<'a>, grant: Record<'a>, edge: &Edge) -> Option<Assignment<'a>> {
    let (role, resource) = of_grant(&grant)?;
    let read = grant.read;
    Some(Assignment {
        membership,
        role,
        resource,
        through: None,
        created_at: read.warrant(edge)?.created_at,
        policy: read.graph.policy(edge.policy()).map(|policy| policy.text()),
        grant,
    })
}

fn inherited<'a>(membership: Membership<'a>, since: i64, through: GroupAssignment<'a>) -> Assignment<'a> {
    Assignment {
        membership,
        role: through.role,
        resource: through.resource,
        through: Some(through),
        created_at: since.max(through.created_at),
        policy: None,
        grant: through.grant,
    }
}

impl<'a> Membership<'a> {
    /// The assignments that name it, in no particular order.
    pub fn direct_assignments(&self) -> Vec<Assignment<'a>> {
        let read = self.0.read;
        let named = [relation::MEMBER, relation::PARKED].into_iter();
        let edges = named.flat_map(|relation| read.back(self.object(), relation));
        let grants = edges.filter(|edge| read.has_type(edge.other(), names::GRANT));
        grants
            .filter_map(|edge| direct(*self, read.record(edge.other())?, edge))
            .collect()
    }

    /// The assignment of a role on a resource that names it.
    pub(crate) fn direct_assignment(&self, role: &Role<'a>, on: &Resource<'a>) -> Option<Assignment<'a>> {
        self.named_by(grant::of(role, on)?)
    }

    /// The assignment by a grant that names it.
    pub(crate) fn named_by(&self, grant: Record<'a>) -> Option<Assignment<'a>> {
        let read = self.0.read;
        let edges = read.graph.subjects(grant.object());
        let mut found = [relation::MEMBER, relation::PARKED]
            .into_iter()
            .flat_map(|relation| edges.to(read.symbol(relation), Symbol::NONE, self.object()));
        direct(*self, grant, found.next()?)
    }

    /// The assignments on one resource that name it, in no particular order.
    pub(crate) fn direct_assignments_on(&self, on: &Resource<'a>) -> Vec<Assignment<'a>> {
        on.grants().filter_map(|grant| self.named_by(grant)).collect()
    }

    /// All its assignments on one resource, those of its groups included, in no particular order.
    pub(crate) fn assignments_on(&self, on: &Resource<'a>) -> Vec<Assignment<'a>> {
        let mut all = self.direct_assignments_on(on);
        for (group, since) in self.groups_since() {
            let by_group = on.grants().filter_map(|grant| group.named_by(grant));
            all.extend(by_group.map(|through| inherited(*self, since, through)));
        }
        all
    }

    /// All its assignments, those of its groups included, in no particular order.
    pub fn assignments(&self) -> Vec<Assignment<'a>> {
        let mut all = self.direct_assignments();
        for (group, since) in self.groups_since() {
            all.extend(
                group
                    .assignments()
                    .into_iter()
                    .map(|through| inherited(*self, since, through)),
            );
        }
        all
    }

    /// The slugs of its roles on the organization at a moment, the one with the highest priority first. Each once, however it comes, and
    /// without those that are over or count under a condition only.
    pub fn organization_roles(&self, now: i64) -> Vec<Cow<'a, str>> {
        let Ok(organization) = self.organization() else {
            return Vec::new();
        };
        let mut held: Vec<Role<'a>> = Vec::new();
        for assignment in self.assignments_on(&organization.root()) {
            let known = held.iter().any(|role| role.object() == assignment.role.object());
            if !known && assignment.counts(now) {
                held.push(assignment.role);
            }
        }
        self.read.sort_for(&organization, &mut held);
        held.iter().map(Role::slug).collect()
    }
}

impl<'a> Group<'a> {
    /// Its assignment of a role on a resource.
    pub(crate) fn assignment(&self, role: &Role<'a>, on: &Resource<'a>) -> Option<GroupAssignment<'a>> {
        self.named_by(grant::of(role, on)?)
    }

    /// Its assignment by a grant.
    fn named_by(&self, grant: Record<'a>) -> Option<GroupAssignment<'a>> {
        let read = self.0.read;
        let member = read.symbol(relation::MEMBER);
        let mut edges = read
            .graph
            .subjects(grant.object())
            .to(member, member, self.object());
        group_assignment(*self, grant, edges.next()?)
    }

    /// Its assignments, in no particular order.
    pub fn assignments(&self) -> Vec<GroupAssignment<'a>> {
        let read = self.0.read;
        let member = read.symbol(relation::MEMBER);
        let edges = read.graph.resources(self.object()).with(member, member);
        let one = |edge: &Edge| {
            let grant = read.record(edge.other())?;
            group_assignment(*self, grant, edge)
        };
        edges.filter_map(one).collect()
    }
}

fn group_assignment<'a>(group: Group<'a>, grant: Record<'a>, edge: &Edge) -> Option<GroupAssignment<'a>> {
    let (role, resource) = of_grant(&grant)?;
    Some(GroupAssignment {
        group,
        role,
        resource,
        created_at: grant.read.warrant(edge)?.created_at,
        grant,
    })
}

/// Who has a grant by way of which groups.
pub(crate) fn groups_of<'a>(read: Reader<'a>, grant: Record<'a>) -> Vec<GroupAssignment<'a>> {
    let member = read.symbol(relation::MEMBER);
    let edges = read.graph.subjects(grant.object()).of_with_second(member);
    let one = |edge: &Edge| group_assignment(Group(read.record(edge.other())?), grant, edge);
    edges.filter_map(one).collect()
}

impl<'a> Resource<'a> {
    /// The assignments on exactly this resource, those of groups' members included, in no particular order. Where `role` is given, only
    /// those of roles of that slug.
    pub fn assignments(&self, role: Option<&str>) -> impl Iterator<Item = Assignment<'a>> + use<'a> {
        let read = self.0.read;
        let wanted = role.map(str::to_owned);
        let grants = self.grants().filter(move |grant| {
            let is_of = |(role, _): (Role<'a>, Resource<'a>)| {
                wanted.as_deref().is_none_or(|slug| role.slug() == slug)
            };
            of_grant(grant).is_some_and(is_of)
        });
        grants.flat_map(move |grant| direct_holders(grant).chain(holders_through_groups(read, grant)))
    }
}

/// The assignments by a grant that name a membership.
fn direct_holders<'a>(grant: Record<'a>) -> impl Iterator<Item = Assignment<'a>> + use<'a> {
    let read = grant.read;
    [relation::MEMBER, relation::PARKED]
        .into_iter()
        .flat_map(move |relation| {
            let edges = read
                .graph
                .subjects(grant.object())
                .with(read.symbol(relation), Symbol::NONE);
            edges.filter_map(move |edge| direct(Membership(read.record(edge.other())?), grant, edge))
        })
}

/// Those of the members of the groups that a grant names.
fn holders_through_groups<'a>(
    read: Reader<'a>,
    grant: Record<'a>,
) -> impl Iterator<Item = Assignment<'a>> + use<'a> {
    groups_of(read, grant).into_iter().flat_map(|through| {
        let members = through.group.members();
        members.map(move |(membership, since)| inherited(membership, since, through))
    })
}
