//! An environment with organizations on a real database, and the tables of an application under it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use postgres::Client;
use rowgate_binding::Bindings;
use rowgate_engine::Ambient;
use rowgate_environment::{Environment, Registry};
use rowgate_pgtest::{Cluster, Database, Version};
use rowgate_policy::{Context, Timestamp};
use rowgate_rbac::ask::Asker;
use rowgate_rbac::change::types::{PermissionEntry, RoleEntry, TypeEntry, Types};
use rowgate_rbac::change::{memberships, organizations, resources, setup, types, users};
use rowgate_rbac::{Draft, Result, Target};
use rowgate_rls::Request;
use rowgate_store::postgres::install::{Grants, install};
use rowgate_store::postgres::{Postgres, PostgresOptions};

pub const TABLES: &str = "
create table page (id KEY primary key, organization_id text, project_id PROJECT, touched boolean not null default false);
create table folder (id integer primary key, organization_id text, project_id PROJECT, parent_id integer);
create table note (id integer primary key, folder_id integer, touched boolean not null default false);
create table memo (id integer primary key, project text);
create table notice (id integer primary key, organization_id text);
";

pub const BINDINGS: &str = r#"
roles = ["ROLE"]
[subject]
type = "organization_membership"

[[table]]
name = "public.page"
type = "page"
id = "id"
organization = "organization_id"
parent = { type = "project", column = "project_id" }
policies = { select = "page:view", update = "page:edit", delete = "page:edit", insert = "page:edit" }

[[table]]
name = "public.folder"
type = "binder"
id = "id"
organization = "organization_id"
parent = [{ type = "project", column = "project_id" }, { type = "binder", column = "parent_id" }]
policies = { select = "project:view" }

[[table]]
name = "public.note"
type = "note"
id = "id"
parent = { type = "binder", column = "folder_id" }
policies = { select = "project:view", update = "workspace:edit" }

[[table]]
name = "public.memo"
type = "memo"
id = "id"
parent = { type = "project", column = "project", by = "resource_id" }
policies = { select = "project:view" }

[[table]]
name = "public.notice"
type = "notice"
id = "id"
parent = { type = "organization", column = "organization_id" }
policies = { select = "org:read" }
"#;

pub const PERMISSIONS: [(&str, &str); 6] = [
    ("org:read", "organization"),
    ("workspace:edit", "workspace"),
    ("project:view", "project"),
    ("page:view", "page"),
    ("page:edit", "page"),
    ("other:thing", "project"),
];

pub struct World {
    pub environment: Environment,
    pub database: Database,
    pub admin: Client,
    pub role: String,
    _registry: Registry,
}

fn entry(slug: &str, parents: &[&str]) -> TypeEntry {
    TypeEntry {
        slug: slug.into(),
        name: slug.into(),
        description: None,
        parents: parents.iter().map(|parent| (*parent).into()).collect(),
    }
}

/// Types and permissions, and roles as given: slug, type and permissions.
pub fn model(roles: &[(String, &str, Vec<&str>)]) -> Types {
    Types {
        types: vec![
            entry("workspace", &["organization"]),
            entry("project", &["workspace", "organization"]),
            entry("page", &["project"]),
        ],
        permissions: PERMISSIONS
            .iter()
            .map(|(slug, resource_type)| PermissionEntry {
                slug: (*slug).into(),
                name: (*slug).into(),
                description: None,
                resource_type: (*resource_type).into(),
            })
            .collect(),
        roles: roles
            .iter()
            .map(|(slug, resource_type, permissions)| RoleEntry {
                slug: slug.clone(),
                name: slug.clone(),
                description: None,
                resource_type: (*resource_type).into(),
                permissions: permissions.iter().map(|slug| (*slug).into()).collect(),
            })
            .collect(),
        default_role: None,
        multiple_roles: Some(true),
    }
}

impl World {
    /// A database with these tables and no organizations.
    pub fn new(version: Version, tables: &str) -> Self {
        let database = Cluster::shared(version).database("permissions");
        install(database.url(), &Grants::default()).unwrap();
        let mut admin = database.client();
        let role = format!("app_{}", database.name());
        admin
            .batch_execute(&format!(
                "create role {role} login; grant rowgate_app to {role}; {tables}"
            ))
            .unwrap();
        admin
            .batch_execute(&format!(
                "grant select, insert, update, delete on all tables in schema public to {role}"
            ))
            .unwrap();
        let store = Postgres::connect(database.url(), PostgresOptions::default()).unwrap();
        let registry = Registry::with_store(Arc::new(store)).unwrap();
        let environment = registry.environment("default").unwrap();
        let world = Self {
            environment,
            database,
            admin,
            role,
            _registry: registry,
        };
        world.run(setup::ensure).unwrap();
        world
    }

    pub fn run<T: Send + 'static>(
        &self,
        change: impl Fn(&mut Draft<'_>) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        rowgate_rbac::apply(&self.environment, change)
    }

    pub fn types(&self, wanted: Types) {
        self.run(move |draft| types::apply(draft, &wanted, false))
            .unwrap();
    }

    pub fn bindings(&self, text: &str) -> Bindings {
        Bindings::parse_toml(&text.replace("ROLE", &self.role)).unwrap()
    }

    pub fn try_guard(&mut self, text: &str) -> std::result::Result<rowgate_rls::Applied, rowgate_rls::Error> {
        let bindings = self.bindings(text);
        let request = Request {
            bindings: &bindings,
            schema: None,
            keep_existing: false,
        };
        rowgate_rls::apply(&mut self.admin, &request)
    }

    /// Applies bindings and waits until the server knows.
    pub fn guard(&mut self, text: &str) {
        let applied = self.try_guard(text).unwrap_or_else(|error| panic!("{error}"));
        if std::env::var("ROWGATE_SHOW").is_ok() {
            applied
                .plan
                .steps
                .iter()
                .for_each(|step| println!("{};", step.sql));
            println!("{:#?}", applied.plan.explanations);
        }
        let bindings = self.bindings(text);
        let since = Instant::now();
        let known = || {
            let published = self.environment.read();
            published
                .bound
                .as_ref()
                .is_some_and(|bound| *bound.bindings.written() == bindings)
        };
        while !known() {
            assert!(
                since.elapsed() < Duration::from_secs(20),
                "the server does not follow"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn organization(&self, name: &str) -> String {
        let name = name.to_owned();
        self.run(move |draft| {
            let fields = organizations::OrganizationFields {
                name: Some(name.clone()),
                ..Default::default()
            };
            organizations::create(draft, &fields, None)
        })
        .unwrap()
    }

    pub fn user(&self, email: &str) -> String {
        let email = email.to_owned();
        self.run(move |draft| {
            let fields = users::UserFields {
                email: Some(email.clone()),
                ..Default::default()
            };
            users::create(draft, &fields, None)
        })
        .unwrap()
    }

    pub fn membership(&self, user: &str, organization: &str) -> String {
        let (user, organization) = (user.to_owned(), organization.to_owned());
        self.run(move |draft| memberships::create(draft, &user, &organization, None, None))
            .unwrap()
    }

    pub fn resource(&self, organization: &str, ty: &str, id: &str, parent: Option<Target>) -> String {
        let new = resources::NewResource {
            external_id: id.into(),
            name: id.into(),
            description: None,
            resource_type: ty.into(),
            organization: organization.into(),
            parent,
        };
        self.run(move |draft| resources::create(draft, &new)).unwrap()
    }

    /// Whether the API says yes to a permission on a stored resource; no where there is none.
    pub fn may(&self, membership: &str, permission: &str, target: &Target) -> bool {
        let published = self.environment.read();
        let context = Context::new();
        let ambient = Ambient {
            context: &context,
            claims: None,
            now: Timestamp(rowgate_environment::now()),
        };
        let asker = Asker::new(published.view(), &ambient);
        let Ok(membership) = asker.read().membership(membership) else {
            return false;
        };
        let Ok(organization) = membership.organization() else {
            return false;
        };
        let Ok(resource) = asker.read().target(&organization, target) else {
            return false;
        };
        asker
            .check(&membership, permission, &resource)
            .unwrap()
            .value
            .grants()
    }
}

pub fn external(resource_type: &str, external_id: &str) -> Target {
    Target::External {
        resource_type: resource_type.into(),
        external_id: external_id.into(),
    }
}

/// What a token says of a user in an organization.
pub fn claims(user: &str, organization: &str) -> BTreeMap<&'static str, String> {
    BTreeMap::from([("sub", user.to_owned()), ("org_id", organization.to_owned())])
}
