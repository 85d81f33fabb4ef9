//! The data: for each organization 100 memberships, a tree of 1,000 resources, 500 role assignments and a role of its own. It is made as
//! the server would make it, change by change, on a graph in memory, and stored as one commit for each organization: a million durable
//! writes one after the other would take hours.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};
use rowgate_environment::{Registry, State};
use rowgate_graph::{Graph, Tuple};
use rowgate_rbac::change::assignments::{self, Placed};
use rowgate_rbac::change::types::{self, PermissionEntry, RoleEntry, TypeEntry, Types};
use rowgate_rbac::change::{memberships, organizations, resources, role_permissions, roles, setup, users};
use rowgate_rbac::{Draft, Target};
use rowgate_schema::Model;
use rowgate_store::{Change, Commit, Embedded, EnvironmentId, Options, Revision, Store, WarrantKey};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const MEMBERS: usize = 100;
pub const WORKSPACES: usize = 10;
pub const PROJECTS: usize = 9;
pub const APPS: usize = 10;

/// The file beside the store that says what is in it.
const NAMES: &str = "names.json";

/// An organization of the data: its id, and those of its memberships.
#[derive(Debug, Serialize, Deserialize)]
pub struct Organization {
    pub id: String,
    pub members: Vec<String>,
}

/// What a store has.
pub fn names(directory: &Path) -> Result<Vec<Organization>> {
    let text = std::fs::read_to_string(directory.join(NAMES))?;
    Ok(serde_json::from_str(&text)?)
}

/// A resource by type and external id.
pub fn external(resource_type: &str, external_id: &str) -> Target {
    Target::External {
        resource_type: resource_type.into(),
        external_id: external_id.into(),
    }
}

/// The external id of an app.
pub fn app(workspace: usize, project: usize, app: usize) -> String {
    format!("w{workspace}-p{project}-a{app}")
}

struct World {
    graph: Graph,
    model: Model,
    now: i64,
    store: Embedded,
    environment: EnvironmentId,
    revision: Revision,
    /// What is not stored yet.
    changes: Vec<Change>,
}

/// Writes the data into a new store.
pub fn build(directory: &Path, organizations: u32) -> Result<Value> {
    // The store gets its default environment.
    Registry::open(directory)?.close()?;
    let store = Embedded::open(directory, Options::default())?;
    let environment = store.environments()?.first().context("no environment")?.id;
    let (model, _) = rowgate_schema::resolve(rowgate_schema::default_environment())
        .map_err(|errors| anyhow::anyhow!("{errors:?}"))?;
    let revision = store.head(environment)?;
    let started = Instant::now();
    let mut world = World {
        graph: Graph::default(),
        model,
        now: rowgate_environment::now() - 1_000_000_000_000,
        store,
        environment,
        revision,
        changes: Vec::new(),
    };
    world.run(setup::ensure)?;
    let document = document();
    world.run(|draft| types::apply(draft, &document, false))?;
    world.flush()?;
    let mut names = Vec::new();
    for number in 0..organizations {
        names.push(organization(&mut world, number)?);
        world.flush()?;
    }
    std::fs::write(directory.join(NAMES), serde_json::to_vec(&names)?)?;
    let (resources, warrants) = (
        world.graph.state().resource_count(),
        world.graph.state().warrant_count(),
    );
    world.store.close()?;
    drop(world);
    // With a snapshot, as a store has that was in use.
    let registry = Registry::open(directory)?;
    registry.close()?;
    Ok(json!({
        "organizations": organizations,
        "memberships": organizations as usize * MEMBERS,
        "resources": organizations as usize * (WORKSPACES * (1 + PROJECTS * (1 + APPS))),
        "assignments": organizations as usize * MEMBERS * 5,
        "graph_resources": resources,
        "graph_warrants": warrants,
        "seconds": started.elapsed().as_secs_f64(),
    }))
}

impl World {
    fn run<T>(&mut self, change: impl Fn(&mut Draft<'_>) -> rowgate_rbac::Result<T>) -> Result<T> {
        self.now += 1_000;
        let state = State {
            graph: self.graph.state(),
            model: &self.model,
            now: self.now,
        };
        let mut draft = Draft::new(&state);
        let outcome = change(&mut draft)?;
        let edit = draft.finish();
        if let Some(schema) = edit.schema {
            let (model, _) =
                rowgate_schema::resolve(schema).map_err(|errors| anyhow::anyhow!("{errors:?}"))?;
            let json = rowgate_schema::to_json(model.schema()).to_string();
            self.changes.push(Change::Schema { json });
            self.model = model;
        }
        for change in edit.changes {
            apply(&mut self.graph, &change)?;
            self.changes.push(change);
        }
        Ok(outcome)
    }

    /// Makes what was changed since the last time durable, as one commit.
    fn flush(&mut self) -> Result<()> {
        self.revision = self.revision.next();
        self.store.append(&[Commit {
            environment: self.environment,
            revision: self.revision,
            at: self.now,
            changes: std::mem::take(&mut self.changes),
        }])?;
        Ok(())
    }
}

fn apply(graph: &mut Graph, change: &Change) -> Result<()> {
    match change {
        Change::PutResource {
            resource_type,
            resource_id,
            meta,
            created_at,
        } => {
            let meta = meta.as_deref().map(serde_json::from_str).transpose()?;
            graph.put_resource(resource_type, resource_id, meta, *created_at)?;
        }
        Change::CreateWarrant(warrant) => {
            graph.create_warrant(&tuple(&warrant.key), warrant.created_at)?;
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
    Ok(())
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
    let slugs = |ty: &str| (0..10).map(|number| format!("{ty}:{number}")).collect::<Vec<_>>();
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

fn organization(world: &mut World, number: u32) -> Result<Organization> {
    let id = world.run(|draft| {
        let fields = organizations::OrganizationFields {
            name: Some(format!("Organization {number}")),
            ..Default::default()
        };
        organizations::create(draft, &fields, None)
    })?;
    world.run(|draft| {
        let new = roles::NewRole {
            slug: Some("org-own".into()),
            name: "Own".into(),
            description: None,
            resource_type: Some("workspace".into()),
        };
        roles::create_for_organization(draft, &id, &new)
    })?;
    world.run(|draft| {
        let role = roles::own(draft, &id, "org-own")?;
        role_permissions::set(draft, &role, &["project:0".to_owned(), "app:0".to_owned()])
    })?;
    tree(world, &id)?;
    let mut members = Vec::with_capacity(MEMBERS);
    for at in 0..MEMBERS {
        members.push(member(world, &id, number, at)?);
    }
    Ok(Organization { id, members })
}

/// Ten workspaces, nine projects in each, ten apps in each of those.
fn tree(world: &mut World, organization: &str) -> Result<()> {
    let mut resource = |ty: &str, id: String, parent: Option<(&str, &str)>| {
        let new = resources::NewResource {
            name: id.clone(),
            external_id: id,
            description: None,
            resource_type: ty.into(),
            organization: organization.into(),
            parent: parent.map(|(ty, id)| external(ty, id)),
        };
        world.run(|draft| resources::create(draft, &new)).map(drop)
    };
    for w in 0..WORKSPACES {
        let workspace = format!("w{w}");
        resource("workspace", workspace.clone(), None)?;
        for p in 0..PROJECTS {
            let project = format!("{workspace}-p{p}");
            resource("project", project.clone(), Some(("workspace", &workspace)))?;
            for a in 0..APPS {
                resource("app", app(w, p, a), Some(("project", &project)))?;
            }
        }
    }
    Ok(())
}

/// A membership with five roles: one is that on the organization, the others are spread over the tree.
fn member(world: &mut World, organization: &str, number: u32, at: usize) -> Result<String> {
    let user = world.run(|draft| {
        let fields = users::UserFields {
            email: Some(format!("{number}-{at}@example.com")),
            ..Default::default()
        };
        users::create(draft, &fields, None)
    })?;
    let om = world.run(|draft| memberships::create(draft, &user, organization, None, None))?;
    let (w, p, a) = (at % WORKSPACES, at % PROJECTS, at % APPS);
    let workspace = format!("w{w}");
    let placed = [
        ("workspace-viewer", "workspace", workspace.clone()),
        ("org-own", "workspace", workspace),
        (
            "project-editor",
            "project",
            format!("w{}-p{p}", (w + 3) % WORKSPACES),
        ),
        ("app-owner", "app", app((w + 5) % WORKSPACES, p, a)),
    ];
    for (role, ty, id) in placed {
        let placed = Placed {
            role: role.into(),
            target: Some(external(ty, &id)),
        };
        world.run(|draft| assignments::assign(draft, &om, &placed, None))?;
    }
    Ok(om)
}
