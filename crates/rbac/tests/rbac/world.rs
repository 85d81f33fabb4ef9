//! An environment in memory: what the writer would do with a draft, without queue and store.

use rowgate_engine::{Ambient, Program};
use rowgate_environment::State;
use rowgate_graph::{Graph, Tuple};
use rowgate_policy::{Context, Timestamp};
use rowgate_rbac::ask::Asker;
use rowgate_rbac::change::types::{PermissionEntry, RoleEntry, TypeEntry, Types};
use rowgate_rbac::change::{self, organizations, resources, setup, users};
use rowgate_rbac::{Draft, Error, Reader, Result, Target};
use rowgate_schema::Model;
use rowgate_store::{Change, WarrantKey};
use serde_json::Value;

pub struct World {
    pub graph: Graph,
    pub model: Model,
    program: Program,
    pub now: i64,
    /// What was said to the audit log.
    pub said: Vec<Value>,
}

impl World {
    pub fn new() -> Self {
        let (model, _) = rowgate_schema::resolve(rowgate_schema::default_environment()).unwrap();
        let mut graph = Graph::default();
        let program = Program::compile(&model, &mut graph).unwrap();
        let mut world = Self {
            graph,
            model,
            program,
            now: 1_784_000_000_000_000,
            said: Vec::new(),
        };
        world.run(setup::ensure).unwrap();
        world
    }

    /// Runs a change as the writer does.
    pub fn run<T>(&mut self, change: impl Fn(&mut Draft<'_>) -> Result<T>) -> Result<T> {
        self.now += 1_000_000;
        let state = State {
            graph: self.graph.state(),
            model: &self.model,
            now: self.now,
        };
        let mut draft = Draft::new(&state);
        let outcome = change(&mut draft)?;
        let edit = draft.finish();
        for change in &edit.changes {
            if let Change::Audit { entry } = change {
                self.said.push(serde_json::from_str(entry).unwrap());
            }
            apply(&mut self.graph, change);
        }
        if let Some(schema) = edit.schema {
            self.model = rowgate_schema::resolve(schema).unwrap().0;
            self.program = Program::compile(&self.model, &mut self.graph).unwrap();
        }
        Ok(outcome)
    }

    pub fn read(&self) -> Reader<'_> {
        Reader::new(self.graph.state())
    }

    pub fn ask<T>(&self, question: impl FnOnce(Asker<'_>) -> T) -> T {
        self.ask_in(&Context::new(), question)
    }

    pub fn ask_in<T>(&self, context: &Context, question: impl FnOnce(Asker<'_>) -> T) -> T {
        let ambient = Ambient {
            context,
            claims: None,
            now: Timestamp(self.now),
        };
        let view = rowgate_engine::View::new(&self.program, self.graph.state());
        question(Asker::new(view, &ambient))
    }

    pub fn may(&self, membership: &str, permission: &str, resource: &Target) -> bool {
        self.ask(|asker| {
            let named = asker.check_named(membership, permission, resource).unwrap();
            let membership = asker.read().membership(membership).unwrap();
            let organization = membership.organization().unwrap();
            let resource = asker.read().target(&organization, resource).unwrap();
            assert_eq!(asker.check(&membership, permission, &resource).unwrap(), named);
            named.value.grants()
        })
    }

    pub fn organization(&mut self, name: &str) -> String {
        self.run(|draft| {
            let fields = organizations::OrganizationFields {
                name: Some(name.into()),
                ..Default::default()
            };
            organizations::create(draft, &fields, None)
        })
        .unwrap()
    }

    pub fn membership(&mut self, organization: &str, email: &str) -> String {
        self.run(|draft| {
            let fields = users::UserFields {
                email: Some(email.into()),
                ..Default::default()
            };
            users::create(draft, &fields, None)
        })
        .and_then(|user| {
            self.run(|draft| change::memberships::create(draft, &user, organization, None, None))
        })
        .unwrap()
    }

    pub fn resource(
        &mut self,
        organization: &str,
        ty: &str,
        id: &str,
        parent: Option<Target>,
    ) -> Result<String> {
        let new = resources::NewResource {
            external_id: id.into(),
            name: id.into(),
            description: None,
            resource_type: ty.into(),
            organization: organization.into(),
            parent,
        };
        self.run(|draft| resources::create(draft, &new))
    }

    pub fn types(&mut self, types: &Types) {
        self.run(|draft| change::types::apply(draft, types, false))
            .unwrap();
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
            assert!(rowgate_engine::names::is_name(resource_type), "{resource_type}");
            assert!(rowgate_engine::names::is_id(resource_id), "{resource_id}");
            let meta = meta.as_deref().map(|text| serde_json::from_str(text).unwrap());
            graph
                .put_resource(resource_type, resource_id, meta, *created_at)
                .unwrap();
        }
        Change::DeleteResource {
            resource_type,
            resource_id,
        } => assert!(
            graph.delete_resource(resource_type, resource_id),
            "{resource_type}:{resource_id}"
        ),
        Change::CreateWarrant(warrant) => {
            graph
                .create_warrant(&tuple(&warrant.key), warrant.created_at)
                .unwrap();
        }
        Change::DeleteWarrant(key) => {
            graph.delete_warrant(&tuple(key));
        }
        Change::Schema { .. } | Change::Bindings { .. } => unreachable!(),
        Change::Audit { .. } => {}
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

pub fn external(resource_type: &str, external_id: &str) -> Target {
    Target::External {
        resource_type: resource_type.into(),
        external_id: external_id.into(),
    }
}

pub fn ty(slug: &str, parents: &[&str]) -> TypeEntry {
    TypeEntry {
        slug: slug.into(),
        name: slug.into(),
        description: None,
        parents: parents.iter().map(|parent| (*parent).into()).collect(),
    }
}

pub fn permission(slug: &str, resource_type: &str) -> PermissionEntry {
    PermissionEntry {
        slug: slug.into(),
        name: slug.into(),
        description: None,
        resource_type: resource_type.into(),
    }
}

pub fn role(slug: &str, resource_type: &str, permissions: &[&str]) -> RoleEntry {
    RoleEntry {
        slug: slug.into(),
        name: slug.into(),
        description: None,
        resource_type: resource_type.into(),
        permissions: permissions.iter().map(|slug| (*slug).into()).collect(),
    }
}

/// The example of the hosted product's guide: organization, workspace, project, app.
pub fn guide() -> Types {
    Types {
        types: vec![
            ty("workspace", &["organization"]),
            ty("project", &["workspace"]),
            ty("app", &["project", "workspace"]),
        ],
        permissions: vec![
            permission("org:manage", "organization"),
            permission("workspace:view", "workspace"),
            permission("project:view", "project"),
            permission("project:edit", "project"),
            permission("app:deploy", "app"),
        ],
        roles: vec![
            role(
                "admin",
                "organization",
                &["org:manage", "project:edit", "project:view"],
            ),
            role(
                "workspace-editor",
                "workspace",
                &["workspace:view", "project:view", "project:edit"],
            ),
            role("viewer", "project", &["project:view"]),
            role("deployer", "app", &["app:deploy"]),
        ],
        default_role: None,
        multiple_roles: None,
    }
}

#[track_caller]
pub fn refused<T: std::fmt::Debug>(outcome: Result<T>, code: &str) -> Error {
    let error = outcome.expect_err("it should be refused");
    assert_eq!(error.code(), code, "{error:?}");
    error
}
