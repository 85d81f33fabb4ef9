//! How fast and how large: organizations with trees four levels deep, in memory.
//!
//! ```console
//! $ cargo run --release -p rowgate-rbac --example scale -- 1000
//! ```
//!
//! For each organization: 100 memberships, 1,000 resources, 500 role assignments, a role of its own.

#![allow(clippy::unwrap_used, reason = "a measurement ends at the first surprise")]

use std::time::{Duration, Instant};

use rowgate_engine::{Ambient, Program, View};
use rowgate_environment::State;
use rowgate_graph::{Graph, Tuple};
use rowgate_policy::{Context, Timestamp};
use rowgate_rbac::ask::{Asker, Reach};
use rowgate_rbac::change::assignments::{self, Placed};
use rowgate_rbac::change::types::{self, PermissionEntry, RoleEntry, TypeEntry, Types};
use rowgate_rbac::change::{memberships, organizations, resources, roles, setup, users};
use rowgate_rbac::page::Page;
use rowgate_rbac::{Draft, Result, Target};
use rowgate_schema::Model;
use rowgate_store::{Change, WarrantKey};

const MEMBERS: usize = 100;
const WORKSPACES: usize = 10;
const PROJECTS: usize = 9;
const APPS: usize = 10;

struct World {
    graph: Graph,
    model: Model,
    program: Program,
    now: i64,
}

impl World {
    fn run<T>(&mut self, change: impl Fn(&mut Draft<'_>) -> Result<T>) -> T {
        self.now += 1_000;
        let state = State {
            graph: self.graph.state(),
            model: &self.model,
            now: self.now,
        };
        let mut draft = Draft::new(&state);
        let outcome = change(&mut draft).unwrap();
        let edit = draft.finish();
        for change in &edit.changes {
            apply(&mut self.graph, change);
        }
        if let Some(schema) = edit.schema {
            self.model = rowgate_schema::resolve(schema).unwrap().0;
            self.program = Program::compile(&self.model, &mut self.graph).unwrap();
        }
        outcome
    }
}

fn apply(graph: &mut Graph, change: &Change) {
    match change {
        Change::PutResource {
            resource_type,
            resource_id,
            meta,
            created_at,
        } => {
            let meta = meta.as_deref().map(|text| serde_json::from_str(text).unwrap());
            graph
                .put_resource(resource_type, resource_id, meta, *created_at)
                .unwrap();
        }
        Change::CreateWarrant(warrant) => {
            graph
                .create_warrant(&tuple(&warrant.key), warrant.created_at)
                .unwrap();
        }
        Change::DeleteWarrant(key) => {
            graph.delete_warrant(&tuple(key));
        }
        Change::DeleteResource {
            resource_type,
            resource_id,
        } => {
            graph.delete_resource(resource_type, resource_id);
        }
        Change::Schema { .. } | Change::Bindings { .. } | Change::Audit { .. } => {}
    }
}

fn tuple(key: &WarrantKey) -> Tuple<'_> {
    Tuple {
        resource_type: &key.resource_type,
        resource_id: &key.resource_id,
        relation: &key.relation,
        subject_type: &key.subject_type,
        subject_id: &key.subject_id,
        subject_relation: key.subject_relation.as_deref(),
        policy: key.policy.as_deref(),
    }
}

/// Ten permissions on each type, and three roles that carry them.
fn document() -> Types {
    let levels = ["organization", "workspace", "project", "app"];
    let slugs = |ty: &str| {
        (0..10)
            .map(move |number| format!("{ty}:{number}"))
            .collect::<Vec<_>>()
    };
    let entry = |slug: &str, parent: &str| TypeEntry {
        slug: slug.into(),
        name: slug.into(),
        description: None,
        parents: vec![parent.into()],
    };
    let mut permissions = Vec::new();
    let mut roles = Vec::new();
    for (at, ty) in levels.iter().enumerate() {
        for slug in slugs(ty) {
            permissions.push(PermissionEntry {
                name: slug.clone(),
                slug,
                description: None,
                resource_type: (*ty).into(),
            });
        }
        for (name, share) in [("viewer", 3), ("editor", 6), ("owner", 10)] {
            let carried = levels[at..]
                .iter()
                .flat_map(|below| slugs(below).into_iter().take(share));
            roles.push(RoleEntry {
                slug: format!("{ty}-{name}"),
                name: name.into(),
                description: None,
                resource_type: (*ty).into(),
                permissions: carried.collect(),
            });
        }
    }
    Types {
        types: (1..4).map(|at| entry(levels[at], levels[at - 1])).collect(),
        permissions,
        roles,
        default_role: None,
        multiple_roles: None,
    }
}

fn build(organizations: usize) -> (World, Vec<(String, Vec<String>)>) {
    let (model, _) = rowgate_schema::resolve(rowgate_schema::default_environment()).unwrap();
    let mut graph = Graph::default();
    let program = Program::compile(&model, &mut graph).unwrap();
    let mut world = World {
        graph,
        model,
        program,
        now: 1_784_000_000_000_000,
    };
    world.run(setup::ensure);
    let document = document();
    world.run(|draft| types::apply(draft, &document, false));
    let all = (0..organizations)
        .map(|number| organization(&mut world, number))
        .collect();
    (world, all)
}

fn organization(world: &mut World, number: usize) -> (String, Vec<String>) {
    let organization = world.run(|draft| {
        let fields = organizations::OrganizationFields {
            name: Some(format!("Organization {number}")),
            ..Default::default()
        };
        organizations::create(draft, &fields, None)
    });
    world.run(|draft| {
        let new = roles::NewRole {
            slug: Some("org-own".into()),
            name: "Own".into(),
            description: None,
            resource_type: Some("workspace".into()),
        };
        roles::create_for_organization(draft, &organization, &new)
    });
    world.run(|draft| {
        let role = roles::own(draft, &organization, "org-own")?;
        roles::set_permissions(draft, &role, &["project:0".to_owned(), "app:0".to_owned()])
    });
    let mut resource = |ty: &str, id: String, parent: Option<(&str, &str)>| {
        let new = resources::NewResource {
            name: id.clone(),
            external_id: id,
            description: None,
            resource_type: ty.into(),
            organization: organization.clone(),
            parent: parent.map(|(ty, id)| external(ty, id)),
        };
        world.run(|draft| resources::create(draft, &new));
    };
    for w in 0..WORKSPACES {
        let workspace = format!("w{w}");
        resource("workspace", workspace.clone(), None);
        for p in 0..PROJECTS {
            let project = format!("{workspace}-p{p}");
            resource("project", project.clone(), Some(("workspace", &workspace)));
            for a in 0..APPS {
                resource("app", format!("{project}-a{a}"), Some(("project", &project)));
            }
        }
    }
    let members: Vec<String> = (0..MEMBERS)
        .map(|member| {
            let user = world.run(|draft| {
                let fields = users::UserFields {
                    email: Some(format!("{number}-{member}@example.com")),
                    ..Default::default()
                };
                users::create(draft, &fields, None)
            });
            world.run(|draft| memberships::create(draft, &user, &organization, None, None))
        })
        .collect();
    for (at, om) in members.iter().enumerate() {
        // Five roles each: one is that on the organization, the others are spread over the tree.
        let (w, p, a) = (at % WORKSPACES, at % PROJECTS, at % APPS);
        let workspace = format!("w{w}");
        let project = format!("w{}-p{p}", (w + 3) % WORKSPACES);
        let app = format!("w{}-p{p}-a{a}", (w + 5) % WORKSPACES);
        let placed = [
            ("workspace-viewer", "workspace", &workspace),
            ("org-own", "workspace", &workspace),
            ("project-editor", "project", &project),
            ("app-owner", "app", &app),
        ];
        for (role, ty, id) in placed {
            let placed = Placed {
                role: role.into(),
                target: Some(external(ty, id)),
            };
            world.run(|draft| assignments::assign(draft, om, &placed, None));
        }
    }
    (organization, members)
}

fn external(resource_type: &str, external_id: &str) -> Target {
    Target::External {
        resource_type: resource_type.into(),
        external_id: external_id.into(),
    }
}

fn report(what: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    println!(
        "{what:<44} median {:>9.2?}  p95 {:>9.2?}  p99 {:>9.2?}",
        at(0.5),
        at(0.95),
        at(0.99)
    );
}

fn main() {
    let organizations = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(100);
    let started = Instant::now();
    let (world, all) = build(organizations);
    let graph = world.graph.state();
    println!(
        "{organizations} organizations, {} resources and {} warrants in the graph, {} MiB, built in {:.1?}",
        graph.resource_count(),
        graph.warrant_count(),
        resident() >> 20,
        started.elapsed()
    );
    let context = Context::new();
    let ambient = Ambient {
        context: &context,
        claims: None,
        now: Timestamp(world.now),
    };
    let asker = Asker::new(View::new(&world.program, graph), &ambient);
    let read = asker.read();
    let mut state = 7u64;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let (mut took, mut yes) = (Vec::new(), 0);
    for _ in 0..200_000 {
        let (_, members) = &all[random(all.len())];
        let om = &members[random(members.len())];
        let (w, p, a) = (random(WORKSPACES), random(PROJECTS), random(APPS));
        let app = external("app", &format!("w{w}-p{p}-a{a}"));
        let slug = format!("app:{}", random(10));
        let from = Instant::now();
        // As a request does it: by membership, type and external id.
        let membership = read.membership(om).unwrap();
        let resource = read.target(&membership.organization().unwrap(), &app).unwrap();
        let granted = asker.check(&membership, &slug, &resource).unwrap().value.grants();
        took.push(from.elapsed());
        yes += usize::from(granted);
    }
    report(&format!("check, four levels deep ({yes} of 200000 yes)"), took);
    let (mut children, mut effective, mut members_of) = (Vec::new(), Vec::new(), Vec::new());
    let page = Page {
        limit: 10,
        ..Page::default()
    };
    for _ in 0..2_000 {
        let (organization, members) = &all[random(all.len())];
        let organization = read.organization(organization).unwrap();
        let membership = read.membership(&members[random(members.len())]).unwrap();
        let workspace = external("workspace", &format!("w{}", random(WORKSPACES)));
        let workspace = read.target(&organization, &workspace).unwrap();
        let from = Instant::now();
        let found = asker.children(&membership, "project:0", &workspace).unwrap();
        page.of(found.into_iter().map(|one| (one.created_at(), one)), |one| {
            one.key()
        });
        children.push(from.elapsed());
        let from = Instant::now();
        asker.effective(&membership, &workspace).unwrap();
        effective.push(from.elapsed());
        let from = Instant::now();
        asker
            .memberships("project:0", &workspace, Reach::Indirect, &page)
            .unwrap();
        members_of.push(from.elapsed());
    }
    report("resources of a membership under a parent", children);
    report("effective permissions (of 40)", effective);
    report("memberships of a resource, first page", members_of);
}

/// Bytes of memory that the process has.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap_or_default();
    let kib = line
        .split_whitespace()
        .nth(1)
        .and_then(|text| text.parse::<usize>().ok());
    kib.unwrap_or(0) * 1024
}
