//! Generated worlds: every answer of the engine against the definition, read word by word: a membership may do something on a
//! resource if it is active and holds a role on the resource or anything above it whose permissions contain it.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rowgate_rbac::ask::Reach;
use rowgate_rbac::change::assignments::{self, Placed};
use rowgate_rbac::change::types::Types;
use rowgate_rbac::change::{
    group_assignments, groups, memberships, permissions, resources, role_permissions, roles,
};
use rowgate_rbac::page::{Order, Page};
use rowgate_rbac::{Reader, Target};

use crate::world::{World, permission, ty};

/// Types, each with its parents; `organization` first.
const TYPES: [(&str, &[&str]); 5] = [
    ("organization", &[]),
    ("area", &["organization"]),
    ("box", &["area", "organization"]),
    ("cell", &["box"]),
    ("drawer", &["area"]),
];

const PERMISSIONS: [(&str, usize); 7] = [
    ("o:manage", 0),
    ("a:view", 1),
    ("b:view", 2),
    ("b:edit", 2),
    ("c.view", 3),
    ("c:*", 3),
    ("d:view", 4),
];

const ORGANIZATIONS: usize = 2;
const MEMBERSHIPS: usize = 5;
const GROUPS: usize = 3;

#[derive(Debug, Clone)]
enum Op {
    Resource {
        organization: usize,
        ty: usize,
        parent: usize,
    },
    Role {
        organization: Option<usize>,
        ty: usize,
    },
    Carry {
        role: usize,
        permissions: u8,
    },
    Assign {
        membership: usize,
        role: usize,
        resource: usize,
    },
    Unassign {
        membership: usize,
        role: usize,
        resource: usize,
    },
    AssignGroup {
        group: usize,
        role: usize,
        resource: usize,
    },
    UnassignGroup {
        group: usize,
        role: usize,
        resource: usize,
    },
    Join {
        group: usize,
        membership: usize,
    },
    Leave {
        group: usize,
        membership: usize,
    },
    Status {
        membership: usize,
        active: bool,
    },
    Move {
        resource: usize,
        parent: usize,
    },
    Delete {
        resource: usize,
    },
    Forget {
        membership: usize,
    },
    DropPermission {
        permission: usize,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let any = || 0..64usize;
    let organization = 0..ORGANIZATIONS;
    prop_oneof![
        6 => (organization.clone(), 1..TYPES.len(), any())
            .prop_map(|(organization, ty, parent)| Op::Resource { organization, ty, parent }),
        3 => (proptest::option::of(organization), 0..TYPES.len())
            .prop_map(|(organization, ty)| Op::Role { organization, ty }),
        4 => (any(), 0..=255u8).prop_map(|(role, permissions)| Op::Carry { role, permissions }),
        8 => (any(), any(), any())
            .prop_map(|(membership, role, resource)| Op::Assign { membership, role, resource }),
        2 => (any(), any(), any())
            .prop_map(|(membership, role, resource)| Op::Unassign { membership, role, resource }),
        4 => (any(), any(), any()).prop_map(|(group, role, resource)| Op::AssignGroup { group, role, resource }),
        1 => (any(), any(), any()).prop_map(|(group, role, resource)| Op::UnassignGroup { group, role, resource }),
        4 => (any(), any()).prop_map(|(group, membership)| Op::Join { group, membership }),
        1 => (any(), any()).prop_map(|(group, membership)| Op::Leave { group, membership }),
        2 => (any(), proptest::bool::ANY).prop_map(|(membership, active)| Op::Status { membership, active }),
        2 => (any(), any()).prop_map(|(resource, parent)| Op::Move { resource, parent }),
        1 => any().prop_map(|resource| Op::Delete { resource }),
        1 => any().prop_map(|membership| Op::Forget { membership }),
        1 => (0..PERMISSIONS.len()).prop_map(|permission| Op::DropPermission { permission }),
    ]
}

struct PlainResource {
    organization: usize,
    ty: usize,
    parent: Option<usize>,
    id: String,
}

struct PlainRole {
    organization: Option<usize>,
    ty: usize,
    slug: String,
    permissions: BTreeSet<usize>,
}

struct PlainMembership {
    organization: usize,
    id: String,
    active: bool,
}

/// The same world as plain data. What is deleted leaves its place empty.
#[derive(Default)]
struct Plain {
    organizations: Vec<String>,
    resources: Vec<Option<PlainResource>>,
    roles: Vec<PlainRole>,
    memberships: Vec<Option<PlainMembership>>,
    groups: Vec<(usize, String)>,
    members: BTreeSet<(usize, usize)>,
    direct: BTreeSet<(usize, usize, usize)>,
    by_group: BTreeSet<(usize, usize, usize)>,
    permissions: BTreeSet<usize>,
}

impl Plain {
    /// A resource and everything above it.
    fn path(&self, resource: usize) -> Vec<usize> {
        let mut path = vec![resource];
        while let Some(parent) = path
            .last()
            .and_then(|at| self.resources[*at].as_ref())
            .and_then(|at| at.parent)
        {
            path.push(parent);
        }
        path
    }

    /// Whether a membership has a role on exactly this resource.
    fn holds(&self, membership: usize, role: usize, resource: usize) -> bool {
        let through = |group: &usize| {
            self.members.contains(&(*group, membership)) && self.by_group.contains(&(*group, role, resource))
        };
        self.direct.contains(&(membership, role, resource))
            || (0..self.groups.len()).any(|group| through(&group))
    }

    fn on(&self, membership: usize, permission: usize, resource: usize) -> bool {
        let active = self.memberships[membership]
            .as_ref()
            .is_some_and(|membership| membership.active);
        let carries = |role: &usize| self.roles[*role].permissions.contains(&permission);
        active
            && (0..self.roles.len())
                .filter(carries)
                .any(|role| self.holds(membership, role, resource))
    }

    fn may(&self, membership: usize, permission: usize, resource: usize) -> bool {
        self.path(resource)
            .into_iter()
            .any(|at| self.on(membership, permission, at))
    }

    fn reaches(role: usize, permission: usize) -> bool {
        let mut queue = vec![TYPES[permission].0];
        let mut above = BTreeSet::new();
        while let Some(slug) = queue.pop() {
            if above.insert(slug) {
                queue.extend(TYPES.iter().find(|(known, _)| *known == slug).unwrap().1);
            }
        }
        above.contains(TYPES[role].0)
    }
}

fn pick<T>(from: &[Option<T>], at: usize) -> Option<usize> {
    let there: Vec<usize> = (0..from.len()).filter(|at| from[*at].is_some()).collect();
    (!there.is_empty()).then(|| there[at % there.len()])
}

fn start() -> (World, Plain) {
    let mut world = World::new();
    world.types(&Types {
        types: TYPES[1..]
            .iter()
            .map(|(slug, parents)| ty(slug, parents))
            .collect(),
        permissions: PERMISSIONS
            .iter()
            .map(|(slug, at)| permission(slug, TYPES[*at].0))
            .collect(),
        ..Types::default()
    });
    let mut plain = Plain {
        permissions: (0..PERMISSIONS.len()).collect(),
        ..Plain::default()
    };
    plain.roles.push(PlainRole {
        organization: None,
        ty: 0,
        slug: "member".into(),
        permissions: BTreeSet::new(),
    });
    for number in 0..ORGANIZATIONS {
        let id = world.organization(&format!("Organization {number}"));
        let root = world.read().organization(&id).unwrap().root().wire_id();
        plain.resources.push(Some(PlainResource {
            organization: number,
            ty: 0,
            parent: None,
            id: root,
        }));
        plain.organizations.push(id);
    }
    for number in 0..MEMBERSHIPS {
        let organization = number % ORGANIZATIONS;
        let id = world.membership(
            &plain.organizations[organization],
            &format!("{number}@example.com"),
        );
        plain.direct.insert((number, 0, organization));
        plain.memberships.push(Some(PlainMembership {
            organization,
            id,
            active: true,
        }));
    }
    for number in 0..GROUPS {
        let organization = number % ORGANIZATIONS;
        let of = plain.organizations[organization].clone();
        let id = world
            .run(|draft| groups::create(draft, &of, "Group", None))
            .unwrap();
        plain.groups.push((organization, id));
    }
    (world, plain)
}

fn placed(plain: &Plain, role: usize, resource: usize) -> Placed {
    Placed {
        role: plain.roles[role].slug.clone(),
        target: Some(Target::Id(plain.resources[resource].as_ref().unwrap().id.clone())),
    }
}

/// Carries out an operation on both. What the definition forbids must be refused.
fn carry_out(world: &mut World, plain: &mut Plain, op: &Op) {
    match *op {
        Op::Resource {
            organization,
            ty,
            parent,
        } => {
            let Some(parent) = pick(&plain.resources, parent) else {
                return;
            };
            let up = plain.resources[parent].as_ref().unwrap();
            let allowed = up.organization == organization && TYPES[ty].1.contains(&TYPES[up.ty].0);
            let name = format!("r {}/%", plain.resources.len());
            let target = Some(Target::Id(up.id.clone()));
            let outcome = world.resource(&plain.organizations[organization], TYPES[ty].0, &name, target);
            assert_eq!(outcome.is_ok(), allowed, "{outcome:?}");
            if let Ok(id) = outcome {
                plain.resources.push(Some(PlainResource {
                    organization,
                    ty,
                    parent: Some(parent),
                    id,
                }));
            }
        }
        Op::Role { organization, ty } => {
            let number = plain.roles.len();
            let of = organization.map(|at| plain.organizations[at].clone());
            let new = roles::NewRole {
                slug: Some(if of.is_some() {
                    format!("org-r{number}")
                } else {
                    format!("r{number}")
                }),
                name: "Role".into(),
                description: None,
                resource_type: Some(TYPES[ty].0.into()),
            };
            let slug = match &of {
                Some(of) => world.run(|draft| roles::create_for_organization(draft, of, &new)),
                None => world.run(|draft| roles::create_for_environment(draft, &new)),
            };
            plain.roles.push(PlainRole {
                organization,
                ty,
                slug: slug.unwrap(),
                permissions: BTreeSet::new(),
            });
        }
        Op::Carry { role, permissions } => {
            let at = role % plain.roles.len();
            let role = &mut plain.roles[at];
            let chosen: BTreeSet<usize> = plain
                .permissions
                .iter()
                .copied()
                .filter(|number| {
                    permissions >> number & 1 == 1 && Plain::reaches(role.ty, PERMISSIONS[*number].1)
                })
                .collect();
            let slugs: Vec<String> = chosen
                .iter()
                .map(|number| PERMISSIONS[*number].0.to_owned())
                .collect();
            role.permissions = chosen;
            let slug = role.slug.clone();
            let of = role.organization.map(|at| plain.organizations[at].clone());
            world
                .run(|draft| {
                    let role = match &of {
                        Some(of) => roles::own(draft, of, &slug)?,
                        None => draft.read.environment_role(&slug)?,
                    };
                    role_permissions::set(draft, &role, &slugs)
                })
                .unwrap();
        }
        Op::Assign {
            membership,
            role,
            resource,
        } => {
            let (Some(membership), Some(resource)) = (
                pick(&plain.memberships, membership),
                pick(&plain.resources, resource),
            ) else {
                return;
            };
            let role = role % plain.roles.len();
            let of = plain.memberships[membership].as_ref().unwrap();
            let allowed = fits(plain, of.organization, role, resource);
            let (id, placed) = (of.id.clone(), placed(plain, role, resource));
            let outcome = world.run(|draft| assignments::assign(draft, &id, &placed, None));
            assert_eq!(outcome.is_ok(), allowed, "{outcome:?}");
            if allowed {
                plain.direct.insert((membership, role, resource));
            }
        }
        Op::Unassign {
            membership,
            role,
            resource,
        } => {
            let (Some(membership), Some(resource)) = (
                pick(&plain.memberships, membership),
                pick(&plain.resources, resource),
            ) else {
                return;
            };
            let role = role % plain.roles.len();
            let id = plain.memberships[membership].as_ref().unwrap().id.clone();
            let placed = placed(plain, role, resource);
            let outcome = world.run(|draft| assignments::unassign(draft, &id, &placed));
            let there = plain.direct.contains(&(membership, role, resource));
            let roots = plain
                .direct
                .iter()
                .filter(|(of, _, at)| *of == membership && *at < ORGANIZATIONS);
            let last = resource < ORGANIZATIONS && roots.count() == 1;
            // The last role on the organization is replaced by the default one.
            assert_eq!(outcome.is_ok(), there && !(last && role == 0), "{outcome:?}");
            if outcome.is_ok() {
                plain.direct.remove(&(membership, role, resource));
                if last {
                    plain.direct.insert((membership, 0, resource));
                }
            }
        }
        Op::AssignGroup {
            group,
            role,
            resource,
        } => {
            let Some(resource) = pick(&plain.resources, resource) else {
                return;
            };
            let (group, role) = (group % GROUPS, role % plain.roles.len());
            let (organization, id) = plain.groups[group].clone();
            let allowed = fits(plain, organization, role, resource)
                && !plain.by_group.contains(&(group, role, resource));
            let placed = placed(plain, role, resource);
            let outcome = world.run(|draft| group_assignments::assign(draft, &id, &placed));
            assert_eq!(outcome.is_ok(), allowed, "{outcome:?}");
            if allowed {
                plain.by_group.insert((group, role, resource));
            }
        }
        Op::UnassignGroup {
            group,
            role,
            resource,
        } => {
            let Some(resource) = pick(&plain.resources, resource) else {
                return;
            };
            let (group, role) = (group % GROUPS, role % plain.roles.len());
            let (id, placed) = (plain.groups[group].1.clone(), placed(plain, role, resource));
            let outcome = world.run(|draft| group_assignments::unassign(draft, &id, &placed));
            assert_eq!(
                outcome.is_ok(),
                plain.by_group.remove(&(group, role, resource)),
                "{outcome:?}"
            );
        }
        Op::Join { group, membership } | Op::Leave { group, membership } => {
            let Some(membership) = pick(&plain.memberships, membership) else {
                return;
            };
            let group = group % GROUPS;
            let (organization, id) = plain.groups[group].clone();
            let of = plain.memberships[membership].as_ref().unwrap();
            let (organization_id, member) = (plain.organizations[organization].clone(), vec![of.id.clone()]);
            let joins = matches!(op, Op::Join { .. });
            let (add, remove) = if joins { (member, vec![]) } else { (vec![], member) };
            let outcome =
                world.run(|draft| groups::patch_members(draft, &organization_id, &id, &add, &remove));
            assert_eq!(outcome.is_ok(), of.organization == organization, "{outcome:?}");
            if outcome.is_ok() && joins {
                plain.members.insert((group, membership));
            } else if outcome.is_ok() {
                plain.members.remove(&(group, membership));
            }
        }
        Op::Status { membership, active } => {
            let Some(membership) = pick(&plain.memberships, membership) else {
                return;
            };
            let of = plain.memberships[membership].as_mut().unwrap();
            of.active = active;
            let id = of.id.clone();
            world
                .run(|draft| memberships::change_status(draft, &id, active))
                .unwrap();
        }
        Op::Move { resource, parent } => {
            let (Some(resource), Some(parent)) =
                (pick(&plain.resources, resource), pick(&plain.resources, parent))
            else {
                return;
            };
            let this = plain.resources[resource].as_ref().unwrap();
            let up = plain.resources[parent].as_ref().unwrap();
            let allowed = this.ty != 0
                && this.organization == up.organization
                && TYPES[this.ty].1.contains(&TYPES[up.ty].0)
                && !plain.path(parent).contains(&resource);
            let (id, target) = (this.id.clone(), Target::Id(up.id.clone()));
            let outcome = world.run(|draft| {
                let resource = draft.read.resource(&id)?;
                let change = resources::ResourceChange {
                    parent: Some(target.clone()),
                    ..Default::default()
                };
                resources::update(draft, &resource, &change)
            });
            assert_eq!(outcome.is_ok(), allowed, "{outcome:?}");
            if allowed {
                plain.resources[resource].as_mut().unwrap().parent = Some(parent);
            }
        }
        Op::Delete { resource } => {
            let Some(resource) = pick(&plain.resources, resource) else {
                return;
            };
            let id = plain.resources[resource].as_ref().unwrap().id.clone();
            let outcome = world.run(|draft| {
                let resource = draft.read.resource(&id)?;
                resources::delete(draft, &resource, true)
            });
            assert_eq!(outcome.is_ok(), resource >= ORGANIZATIONS, "{outcome:?}");
            if outcome.is_ok() {
                let gone: BTreeSet<usize> = (0..plain.resources.len())
                    .filter(|at| plain.resources[*at].is_some() && plain.path(*at).contains(&resource))
                    .collect();
                for at in &gone {
                    plain.resources[*at] = None;
                }
                plain.direct.retain(|(_, _, at)| !gone.contains(at));
                plain.by_group.retain(|(_, _, at)| !gone.contains(at));
            }
        }
        Op::Forget { membership } => {
            let Some(membership) = pick(&plain.memberships, membership) else {
                return;
            };
            let id = plain.memberships[membership].take().unwrap().id;
            world.run(|draft| memberships::delete(draft, &id)).unwrap();
            plain.direct.retain(|(of, _, _)| *of != membership);
            plain.members.retain(|(_, of)| *of != membership);
        }
        Op::DropPermission { permission } => {
            let slug = PERMISSIONS[permission].0;
            let outcome = world.run(|draft| permissions::delete(draft, slug));
            assert_eq!(outcome.is_ok(), plain.permissions.remove(&permission));
            for role in &mut plain.roles {
                role.permissions.remove(&permission);
            }
        }
    }
}

fn fits(plain: &Plain, organization: usize, role: usize, resource: usize) -> bool {
    let (role, resource) = (&plain.roles[role], plain.resources[resource].as_ref().unwrap());
    role.ty == resource.ty
        && resource.organization == organization
        && role.organization.is_none_or(|of| of == organization)
}

/// All pages of a list of memberships, two rows at a time.
fn all_members(world: &World, permission: &str, resource: &str, reach: Reach, order: Order) -> Vec<String> {
    let mut page = Page {
        limit: 2,
        order,
        ..Page::default()
    };
    let mut all = Vec::new();
    loop {
        let (ids, next) = world.ask(|asker| {
            let resource = asker.read().resource(resource).unwrap();
            let listed = asker.memberships(permission, &resource, reach, &page).unwrap();
            let ids: Vec<String> = listed
                .rows
                .iter()
                .map(|membership| membership.id().to_owned())
                .collect();
            (ids, listed.cursors(|membership| membership.id().to_owned()).1)
        });
        all.extend(ids);
        let Some(next) = next else { return all };
        page.from = rowgate_rbac::page::From::After(rowgate_rbac::Key::of_id(&next).unwrap());
    }
}

fn compare(world: &World, plain: &Plain) {
    let there: Vec<(usize, &PlainResource)> = plain
        .resources
        .iter()
        .enumerate()
        .filter_map(|(at, resource)| Some((at, resource.as_ref()?)))
        .collect();
    let members: Vec<(usize, &PlainMembership)> = plain
        .memberships
        .iter()
        .enumerate()
        .filter_map(|(at, membership)| Some((at, membership.as_ref()?)))
        .collect();
    for (at, resource) in &there {
        for (number, membership) in members
            .iter()
            .filter(|(_, of)| of.organization == resource.organization)
        {
            let wanted: BTreeSet<&str> = plain
                .permissions
                .iter()
                .filter(|permission| plain.may(*number, **permission, *at))
                .map(|permission| PERMISSIONS[*permission].0)
                .collect();
            compare_membership(world, plain, (*at, resource), (*number, membership), &wanted);
        }
        for (permission, (slug, _)) in PERMISSIONS.iter().enumerate() {
            let who = |holds: &dyn Fn(usize) -> bool| -> Vec<String> {
                let mut ids: Vec<String> = members
                    .iter()
                    .filter(|(number, _)| holds(*number))
                    .map(|(_, of)| of.id.clone())
                    .collect();
                ids.sort();
                ids
            };
            let everybody = who(&|number| plain.may(number, permission, *at));
            assert_eq!(
                all_members(world, slug, &resource.id, Reach::Indirect, Order::Asc),
                everybody
            );
            let mut direct = who(&|number| plain.on(number, permission, *at));
            direct.reverse();
            assert_eq!(
                all_members(world, slug, &resource.id, Reach::Direct, Order::Desc),
                direct
            );
        }
    }
}

fn compare_membership(
    world: &World,
    plain: &Plain,
    (at, resource): (usize, &PlainResource),
    (number, membership): (usize, &PlainMembership),
    wanted: &BTreeSet<&str>,
) {
    world.ask(|asker| {
        let read: Reader<'_> = asker.read();
        let (of, on) = (
            read.membership(&membership.id).unwrap(),
            read.resource(&resource.id).unwrap(),
        );
        assert_eq!(on.wire_id(), resource.id);
        for (permission, (slug, _)) in PERMISSIONS.iter().enumerate() {
            let decision = asker.check(&of, slug, &on).unwrap();
            let target = Target::Id(resource.id.clone());
            assert_eq!(
                asker.check_named(&membership.id, slug, &target).unwrap(),
                decision
            );
            let yes = decision.value.grants();
            assert_eq!(yes, wanted.contains(slug), "{slug} {number} {at}");
            let reasons = asker.reasons(&of, slug, &on).unwrap();
            assert_eq!(!reasons.is_empty(), yes);
            let children: BTreeSet<String> = asker
                .children(&of, slug, &on)
                .unwrap()
                .iter()
                .map(|child| child.wire_id())
                .collect();
            let wanted: BTreeSet<String> = plain
                .resources
                .iter()
                .enumerate()
                .filter_map(|(child, resource)| Some((child, resource.as_ref()?)))
                .filter(|(child, resource)| {
                    resource.parent == Some(at) && plain.may(number, permission, *child)
                })
                .map(|(_, resource)| resource.id.clone())
                .collect();
            assert_eq!(children, wanted);
        }
        let effective = asker.effective(&of, &on).unwrap();
        let slugs: BTreeSet<String> = effective
            .iter()
            .map(|permission| permission.slug().into_owned())
            .collect();
        assert_eq!(slugs, wanted.iter().map(|slug| (*slug).to_owned()).collect());
        // The assignments that are shown are those that count.
        let shown: BTreeMap<(String, String), usize> =
            of.assignments().iter().fold(BTreeMap::new(), |mut all, one| {
                *all.entry((one.role.slug().into_owned(), one.resource.wire_id()))
                    .or_default() += 1;
                all
            });
        for (role, plain_role) in plain.roles.iter().enumerate() {
            let key = (plain_role.slug.clone(), resource.id.clone());
            assert_eq!(shown.contains_key(&key), plain.holds(number, role, at), "{key:?}");
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_answer_is_that_of_the_definition(ops in proptest::collection::vec(op(), 1..60)) {
        let (mut world, mut plain) = start();
        for op in &ops {
            carry_out(&mut world, &mut plain, op);
        }
        compare(&world, &plain);
        // No grant without a holder, none without a role or a resource.
        for resource in world.graph.state().all_resources() {
            if world.graph.state().name(resource.resource_type) == "authz--grant" {
                let edges = world.graph.state().subjects(resource.object);
                prop_assert!(edges.len() >= 2, "a grant nobody has");
                prop_assert_eq!(world.graph.state().resources(resource.object).len(), 1);
            }
        }
    }
}
