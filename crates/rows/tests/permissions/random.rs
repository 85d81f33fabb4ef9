//! Random organizations, resources, roles, groups and assignments, rows under them, and changes of all of it.

use rowgate_rbac::Target;
use rowgate_rbac::change::assignments::{self, Placed};
use rowgate_rbac::change::{
    group_assignments, groups, memberships, organizations, resources, role_permissions,
};

use crate::world::{PERMISSIONS, World, external, model};

/// A small generator, the same on every machine.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }

    pub fn chance(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len()))
    }
}

/// What the columns that name projects hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    Text,
    Integer,
    Uuid,
}

impl Keys {
    pub fn sql(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Uuid => "uuid",
        }
    }

    /// The external id of the project of a number. Some of the texts need encoding, and one is too long to be anything but a hash.
    pub fn project(self, number: usize) -> String {
        match self {
            Self::Text => match number {
                0 => "budget".to_owned(),
                1 => "a b/c%41".to_owned(),
                2 => "\u{10d}esk\u{fd} \u{1f980}'\"\\".to_owned(),
                3 => "\u{8bf7}".repeat(40),
                number => format!("p-{number}"),
            },
            Self::Integer => (number * 7).to_string(),
            Self::Uuid => format!("00000000-0000-4000-8000-{number:012}"),
        }
    }

    /// The key of a page.
    pub fn page(self, number: usize) -> String {
        match self {
            Self::Text => format!("page {number}/%"),
            other => other.project(number),
        }
    }
}

/// What was made, to name it again.
pub struct Made {
    pub keys: Keys,
    pub organizations: Vec<String>,
    pub users: Vec<String>,
    /// User, organization and id.
    pub memberships: Vec<(String, String, String)>,
    /// Organization and id.
    pub groups: Vec<(String, String)>,
    /// Organization and external id.
    pub workspaces: Vec<(String, String)>,
    /// Organization, external id and the id of the API.
    pub projects: Vec<(String, String, String)>,
}

const ROLES: [(&str, &str); 5] = [
    ("boss", "organization"),
    ("clerk", "organization"),
    ("keeper", "workspace"),
    ("reader", "project"),
    ("writer", "project"),
];

impl Made {
    pub fn new(world: &World, dice: &mut Dice, keys: Keys) -> Self {
        let mut roles = vec![("member".to_owned(), "organization", Vec::new())];
        for (slug, of) in ROLES {
            let carried = PERMISSIONS
                .iter()
                .filter(|(_, on)| reaches(of, on) && dice.below(2) == 0);
            roles.push((slug.to_owned(), of, carried.map(|(slug, _)| *slug).collect()));
        }
        world.types(model(&roles));
        let mut made = Self {
            keys,
            organizations: ["Acme", "Bolt"].map(|name| world.organization(name)).into(),
            users: (0..4).map(|n| world.user(&format!("u{n}@example.com"))).collect(),
            memberships: Vec::new(),
            groups: Vec::new(),
            workspaces: Vec::new(),
            projects: Vec::new(),
        };
        for organization in made.organizations.clone() {
            for user in made.users.clone() {
                if dice.below(4) > 0 {
                    let id = world.membership(&user, &organization);
                    made.memberships.push((user, organization.clone(), id));
                }
            }
            made.group(world, &organization);
            for number in 0..2 {
                let id = format!("w {number}");
                world.resource(&organization, "workspace", &id, None);
                made.workspaces.push((organization.clone(), id));
            }
            // The same external ids in both organizations.
            for number in 0..5 {
                if dice.below(5) > 0 {
                    made.project(world, dice, &organization, number);
                }
            }
        }
        for _ in 0..14 {
            made.change(world, dice);
        }
        made
    }

    fn group(&mut self, world: &World, organization: &str) {
        let of = organization.to_owned();
        let id = world
            .run(move |draft| groups::create(draft, &of, "team", None))
            .unwrap();
        self.groups.push((organization.to_owned(), id));
    }

    fn project(&mut self, world: &World, dice: &mut Dice, organization: &str, number: usize) {
        let name = self.keys.project(number);
        let known = |(of, id, _): &(String, String, String)| of == organization && *id == name;
        if self.projects.iter().any(known) {
            return;
        }
        let parent = self.workspace(dice, organization);
        let id = world.resource(organization, "project", &name, parent);
        self.projects.push((organization.to_owned(), name, id));
    }

    /// A workspace, or the organization itself.
    fn workspace(&self, dice: &mut Dice, organization: &str) -> Option<Target> {
        let own: Vec<_> = self
            .workspaces
            .iter()
            .filter(|(of, _)| of == organization)
            .collect();
        let (_, id) = dice.pick(&own)?;
        (dice.below(4) > 0).then(|| external("workspace", id))
    }

    /// A role and a place for it, within an organization.
    fn placed(&self, dice: &mut Dice, organization: &str) -> Option<Placed> {
        let (role, of) = ROLES[dice.below(ROLES.len())];
        let target = match of {
            "organization" => None,
            "workspace" => {
                let own: Vec<_> = self
                    .workspaces
                    .iter()
                    .filter(|(of, _)| of == organization)
                    .collect();
                Some(external("workspace", &dice.pick(&own)?.1))
            }
            _ => {
                let own: Vec<_> = self
                    .projects
                    .iter()
                    .filter(|(of, ..)| of == organization)
                    .collect();
                Some(external("project", &dice.pick(&own)?.1))
            }
        };
        Some(Placed {
            role: role.to_owned(),
            target,
        })
    }

    /// Changes something. What is refused changes nothing, and that is fine.
    pub fn change(&mut self, world: &World, dice: &mut Dice) -> Option<()> {
        let (_, organization, membership) = dice.pick(&self.memberships)?.clone();
        match dice.below(24) {
            0..=7 => {
                let placed = self.placed(dice, &organization)?;
                let until = match dice.below(5) {
                    0 => Some("now() < date(\"2001-02-03T04:05:06.7Z\")"),
                    1 => Some("now() < date(\"2999-12-31T23:59:59Z\")"),
                    _ => None,
                };
                world
                    .run(move |draft| assignments::assign(draft, &membership, &placed, until))
                    .ok()
            }
            8..=9 => {
                let placed = self.placed(dice, &organization)?;
                world
                    .run(move |draft| assignments::unassign(draft, &membership, &placed))
                    .ok()
            }
            10..=12 => {
                let own: Vec<_> = self.groups.iter().filter(|(of, _)| *of == organization).collect();
                let group = dice.pick(&own)?.1.clone();
                let placed = self.placed(dice, &organization)?;
                world
                    .run(move |draft| group_assignments::assign(draft, &group, &placed))
                    .ok()
            }
            13..=15 => {
                let own: Vec<_> = self.groups.iter().filter(|(of, _)| *of == organization).collect();
                let group = dice.pick(&own)?.1.clone();
                let add = dice.below(3) > 0;
                world
                    .run(move |draft| {
                        let one = [membership.clone()];
                        let (add, remove) = if add {
                            (&one[..], &[][..])
                        } else {
                            (&[][..], &one[..])
                        };
                        groups::patch_members(draft, &organization, &group, add, remove)
                    })
                    .ok()
                    .map(|_| ())
            }
            16..=17 => {
                let active = dice.below(3) > 0;
                world
                    .run(move |draft| memberships::change_status(draft, &membership, active))
                    .ok()
            }
            18..=19 => {
                let (slug, of) = ROLES[dice.below(ROLES.len())];
                let (permission, on) = PERMISSIONS[dice.below(PERMISSIONS.len())];
                let add = reaches(of, on) && dice.below(2) == 0;
                world
                    .run(move |draft| {
                        let role = draft.read.environment_role(slug)?;
                        if add {
                            role_permissions::add(draft, &role, permission)
                        } else {
                            role_permissions::remove(draft, &role, permission)
                        }
                    })
                    .ok()
            }
            20 => {
                let (of, name, _) = dice.pick(&self.projects)?.clone();
                let parent = self.workspace(dice, &of);
                world
                    .run(move |draft| {
                        let organization = draft.read.organization(&of)?;
                        let project = draft.read.target(&organization, &external("project", &name))?;
                        let change = resources::ResourceChange {
                            parent: parent.clone(),
                            ..Default::default()
                        };
                        resources::update(draft, &project, &change)
                    })
                    .ok()
            }
            21 => {
                let at = dice.below(self.projects.len());
                let (of, name, _) = self.projects.get(at)?.clone();
                self.projects.remove(at);
                world
                    .run(move |draft| {
                        let organization = draft.read.organization(&of)?;
                        let project = draft.read.target(&organization, &external("project", &name))?;
                        resources::delete(draft, &project, true)
                    })
                    .ok()
            }
            22 => {
                let number = dice.below(6);
                self.project(world, dice, &organization, number);
                Some(())
            }
            _ => {
                if self.organizations.len() > 1 && dice.chance(4) {
                    let gone = self.organizations.pop()?;
                    self.memberships.retain(|(_, of, _)| *of != gone);
                    self.projects.retain(|(of, ..)| *of != gone);
                    self.workspaces.retain(|(of, _)| *of != gone);
                    self.groups.retain(|(of, _)| *of != gone);
                    world.run(move |draft| organizations::delete(draft, &gone)).ok()?;
                }
                Some(())
            }
        }
    }
}

fn reaches(role: &str, permission: &str) -> bool {
    let level = |slug: &str| {
        ["organization", "workspace", "project", "page"]
            .iter()
            .position(|one| *one == slug)
    };
    level(role) <= level(permission)
}
