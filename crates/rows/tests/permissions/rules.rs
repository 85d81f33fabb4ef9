//! What can be changed while tables are guarded by permissions, what is refused, and who asks.

use rowgate_environment::Environment;
use rowgate_pgtest::{Version, versions};
use rowgate_rbac::change::assignments::{self, Placed};
use rowgate_rbac::change::{memberships, permissions, resources, role_permissions, types};
use rowgate_schema::Model;

use crate::world::{World, claims, external, model};

const FILES: &str = "create table file (id integer primary key, organization_id text, project_id text);";

const BINDINGS: &str = r#"
roles = ["ROLE"]
[subject]
type = "organization_membership"
[[table]]
name = "public.file"
type = "page"
id = "id"
organization = "organization_id"
parent = { type = "project", column = "project_id" }
policies = { select = "page:view" }
"#;

/// An organization with the project `p`, file 1 in it, and a user whose role there is `reader`.
struct Small {
    world: World,
    user: String,
    organization: String,
    membership: String,
    project: String,
}

fn placed(role: &str) -> Placed {
    Placed {
        role: role.into(),
        target: Some(external("project", "p")),
    }
}

impl Small {
    fn new(version: Version) -> Self {
        Self::with(version, FILES)
    }

    fn with(version: Version, tables: &str) -> Self {
        let mut world = World::new(version, tables);
        let roles = [
            ("member".to_owned(), "organization", vec![]),
            ("reader".to_owned(), "project", vec!["page:view"]),
        ];
        world.types(model(&roles));
        let organization = world.organization("Acme");
        let user = world.user("ann@example.com");
        let membership = world.membership(&user, &organization);
        let project = world.resource(&organization, "project", "p", None);
        world
            .admin
            .execute(
                "insert into file (id, organization_id, project_id) values (1, $1, 'p')",
                &[&organization],
            )
            .unwrap();
        let small = Self {
            world,
            user,
            organization,
            membership,
            project,
        };
        small.assign("reader", None).unwrap();
        small
    }

    fn assign(&self, role: &str, policy: Option<&'static str>) -> rowgate_rbac::Result<()> {
        let (membership, placed) = (self.membership.clone(), placed(role));
        self.world
            .run(move |draft| assignments::assign(draft, &membership, &placed, policy))
    }

    /// How many files a session with these claims sees.
    fn sees(&self, claims: &serde_json::Value) -> i64 {
        let mut client = self.world.database.client_as(&self.world.role);
        let mut transaction = client.transaction().unwrap();
        let text = claims.to_string();
        transaction
            .execute("select set_config('request.jwt.claims', $1, true)", &[&text])
            .unwrap();
        transaction
            .query_one("select count(*) from file", &[])
            .unwrap()
            .get(0)
    }

    /// A session of the user.
    fn signed_in(&self) -> postgres::Client {
        let mut client = self.world.database.client_as(&self.world.role);
        client
            .execute(
                "select set_config('request.jwt.claims', $1, false)",
                &[&self.token().to_string()],
            )
            .unwrap();
        client
    }

    fn token(&self) -> serde_json::Value {
        serde_json::to_value(claims(&self.user, &self.organization)).unwrap()
    }
}

fn said<T: std::fmt::Debug>(outcome: rowgate_rbac::Result<T>) -> (String, String) {
    match outcome.unwrap_err() {
        rowgate_rbac::Error::Environment(error) => (error.code().to_owned(), error.to_string()),
        other => (other.code().to_owned(), other.to_string()),
    }
}

/// Columns that hold an id of the API, or the key of another row, say nothing of organizations: the row's own column does.
#[test]
fn a_row_of_another_organization_is_never_shown_or_written() {
    let bindings = r#"
roles = ["ROLE"]
[subject]
type = "organization_membership"
[[table]]
name = "public.shelf"
type = "shelf"
id = "id"
organization = "organization_id"
parent = { type = "project", column = "project", by = "resource_id" }
policies = { select = "project:view", insert = "project:view", update = "project:view" }
[[table]]
name = "public.file"
type = "binder"
id = "id"
organization = "organization_id"
parent = { type = "shelf", column = "shelf_id" }
policies = { select = "project:view", insert = "project:view", update = "project:view" }
"#;
    let tables = "create table shelf (id integer primary key, organization_id text, project text);
        create table file (id integer primary key, organization_id text, project_id text, shelf_id integer)";
    for version in versions() {
        let mut small = Small::with(version, tables);
        let project = small.project.clone();
        let carried = small.world.run(|draft| {
            let role = draft.read.environment_role("reader")?;
            role_permissions::add(draft, &role, "project:view")
        });
        carried.unwrap();
        let other = small.world.organization("Bolt");
        small
            .world
            .admin
            .execute("insert into shelf select n, o, $1 from unnest(array[$2, $3, null, 'nowhere']) with ordinality s (o, n)", &[&project, &small.organization, &other])
            .unwrap();
        small
            .world
            .admin
            .execute("update file set shelf_id = 1", &[])
            .unwrap();
        small
            .world
            .admin
            .execute("insert into file select n + 1, o, null, 1 from unnest(array[$1, null, 'nowhere']) with ordinality s (o, n)", &[&other])
            .unwrap();
        small.world.guard(bindings);
        assert_eq!(small.sees(&small.token()), 1, "of its own organization");
        let mut client = small.signed_in();
        let seen = |client: &mut postgres::Client, table: &str| -> i64 {
            client
                .query_one(&format!("select count(*) from {table}"), &[])
                .unwrap()
                .get(0)
        };
        assert_eq!(seen(&mut client, "shelf"), 1);
        for statement in [
            format!("insert into shelf values (9, '{other}', '{project}')"),
            format!("insert into shelf values (9, null, '{project}')"),
            format!("insert into file values (9, '{other}', null, 1)"),
            format!("update file set organization_id = '{other}'"),
            "update shelf set organization_id = null".to_owned(),
        ] {
            let error = client.batch_execute(&statement).unwrap_err();
            assert_eq!(
                error.code().map(|code| code.code()),
                Some("42501"),
                "{statement}: {error}"
            );
        }
        let own = format!(
            "insert into file values (9, '{}', null, 1); update file set organization_id = organization_id",
            small.organization
        );
        client.batch_execute(&own).unwrap();
        assert_eq!(seen(&mut client, "file"), 2);
    }
}

#[test]
fn a_role_that_changes_counts_at_once_and_a_guard_that_would_change_is_refused() {
    for version in versions() {
        let mut small = Small::new(version);
        small.world.guard(BINDINGS);
        assert_eq!(small.sees(&small.token()), 1);
        let edit = |add: bool| {
            small.world.run(move |draft| {
                let role = draft.read.environment_role("reader")?;
                if add {
                    role_permissions::add(draft, &role, "page:view")
                } else {
                    role_permissions::remove(draft, &role, "page:view")
                }
            })
        };
        edit(false).unwrap();
        assert_eq!(small.sees(&small.token()), 0);
        edit(true).unwrap();
        assert_eq!(small.sees(&small.token()), 1);
        // Types and permissions that the guard does not rest on come and go.
        let mut more = types::Types::of(small.world.environment_reader());
        more.types.push(types::TypeEntry {
            slug: "note".into(),
            name: "note".into(),
            description: None,
            parents: vec!["page".into()],
        });
        more.permissions.push(types::PermissionEntry {
            slug: "note:view".into(),
            name: "note:view".into(),
            description: None,
            resource_type: "note".into(),
        });
        small.world.types(more.clone());
        assert_eq!(small.sees(&small.token()), 1);
        // What it rests on does not.
        let (code, message) = said(small.world.run(|draft| permissions::delete(draft, "page:view")));
        assert_eq!(code, "rls_would_change", "{message}");
        assert!(message.contains("public.file"), "{message}");
        let project = more
            .types
            .iter_mut()
            .find(|entry| entry.slug == "project")
            .unwrap();
        project.parents = vec!["organization".into()];
        let (code, message) = said(small.world.run(move |draft| types::apply(draft, &more, false)));
        assert_eq!(code, "rls_would_change", "{message}");
        assert!(message.contains("`page:view`"), "{message}");
        assert_eq!(small.sees(&small.token()), 1);
    }
}

#[test]
fn assignments_end_and_conditions_are_refused() {
    let mut small = Small::new(Version::V15);
    small.assign("reader", Some("amount > 3")).unwrap();
    let error = small.world.try_guard(BINDINGS).unwrap_err();
    assert_eq!(error.code(), "conditional_warrants", "{error}");
    assert!(error.to_string().contains(&small.membership), "{error}");
    small
        .assign("reader", Some("now() < date(\"2001-01-01T00:00:00Z\")"))
        .unwrap();
    small.world.guard(BINDINGS);
    assert_eq!(small.sees(&small.token()), 0, "it has ended");
    small
        .assign("reader", Some("now() < date(\"2999-01-01T00:00:00Z\")"))
        .unwrap();
    assert_eq!(small.sees(&small.token()), 1);
    let (code, message) = said(small.assign("reader", Some("amount > 3")));
    assert!(
        message.contains("condition") && message.contains("public.file"),
        "{code}: {message}"
    );
    assert_eq!(small.sees(&small.token()), 1);
    let soon = jiff_seconds_from_now(2);
    small.assign("reader", Some(soon)).unwrap();
    assert_eq!(small.sees(&small.token()), 1);
    std::thread::sleep(std::time::Duration::from_millis(2100));
    assert_eq!(small.sees(&small.token()), 0, "it ends while nothing is written");
}

/// The policy of an assignment that ends in so many seconds.
fn jiff_seconds_from_now(seconds: i64) -> &'static str {
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
    format!("now() < date(\"{at}\")").leak()
}

#[test]
fn who_asks_is_an_active_membership() {
    for version in versions() {
        let mut small = Small::new(version);
        small.world.guard(BINDINGS);
        let (user, organization) = (small.user.clone(), small.organization.clone());
        let other = small.world.organization("Bolt");
        small.world.membership(&user, &other);
        small.world.resource(&other, "project", "p", None);
        use serde_json::json;
        assert_eq!(small.sees(&json!({"sub": user, "org_id": organization})), 1);
        for nobody in [
            json!({"sub": user, "org_id": other}),
            json!({"sub": user}),
            json!({"org_id": organization}),
            json!({"sub": small.membership, "org_id": organization}),
            json!({"sub": "*", "org_id": organization}),
            json!({"sub": user, "org_id": "*"}),
            json!({"sub": [user], "org_id": organization}),
            json!([]),
            json!(null),
        ] {
            assert_eq!(small.sees(&nobody), 0, "{nobody}");
        }
        let set = |active: bool| {
            let id = small.membership.clone();
            small
                .world
                .run(move |draft| memberships::change_status(draft, &id, active))
                .unwrap();
        };
        set(false);
        assert_eq!(small.sees(&small.token()), 0);
        set(true);
        assert_eq!(small.sees(&small.token()), 1);
        // The functions are for the one who asks: nobody else's membership can be had from them.
        let mut client = small.world.database.client_as(&small.world.role);
        for call in [
            "select rowgate_rls.membership()",
            "select rowgate_rls.external_id('authz-project', 'org/x')",
            "select rowgate_rls.id_within('authz-project', 'org', 'x')",
            "select count(*)::text from rowgate.warrant",
        ] {
            let error = client.query(call, &[]).unwrap_err();
            let code = error.code().unwrap().code().to_owned();
            assert_eq!(code, "42501", "{call}");
        }
    }
}

#[test]
fn the_membership_can_be_a_claim() {
    let mut small = Small::new(Version::V18);
    let text = BINDINGS.replace(
        "type = \"organization_membership\"\n",
        "type = \"organization_membership\"\nclaim = \"om\"\n",
    );
    small.world.guard(&text);
    let other = small.world.organization("Bolt");
    use serde_json::json;
    assert_eq!(small.sees(&json!({"om": small.membership})), 1);
    assert_eq!(
        small.sees(&json!({"om": small.membership, "org_id": small.organization})),
        1
    );
    assert_eq!(small.sees(&json!({"om": small.membership, "org_id": other})), 0);
    assert_eq!(small.sees(&small.token()), 0);
    let id = small.membership.clone();
    small
        .world
        .run(move |draft| memberships::change_status(draft, &id, false))
        .unwrap();
    assert_eq!(small.sees(&json!({"om": small.membership})), 0);
}

#[test]
fn resources_of_a_type_are_stored_or_rows_and_not_both() {
    let mut small = Small::new(Version::V15);
    small
        .world
        .resource(&small.organization, "page", "1", Some(external("project", "p")));
    let error = small.world.try_guard(BINDINGS).unwrap_err();
    assert_eq!(error.code(), "stored_resources", "{error}");
    let organization = small.organization.clone();
    small
        .world
        .run(move |draft| {
            let found = draft.read.organization(&organization)?;
            let page = draft.read.target(&found, &external("page", "1"))?;
            resources::delete(draft, &page, false)
        })
        .unwrap();
    small.world.guard(BINDINGS);
    let new = resources::NewResource {
        external_id: "2".into(),
        name: "2".into(),
        description: None,
        resource_type: "page".into(),
        organization: small.organization.clone(),
        parent: Some(external("project", "p")),
    };
    let (_, message) = said(small.world.run(move |draft| resources::create(draft, &new)));
    assert!(message.contains("public.file"), "{message}");
}

#[test]
fn what_does_not_fit_is_said_with_its_place() {
    let small = Small::new(Version::V15);
    let schema = &small.world.environment.read().model.clone();
    for (from, to, code, path) in [
        (
            "\"page:view\"",
            "\"page:veiw\"",
            "unknown_permission",
            "table[0].policies.select",
        ),
        (
            "type = \"project\"",
            "type = \"projekt\"",
            "unknown_type",
            "table[0].parent.type",
        ),
        (
            "type = \"project\"",
            "type = \"workspace\"",
            "not_a_parent",
            "table[0].parent.type",
        ),
        (
            "organization = \"organization_id\"\n",
            "",
            "missing_organization",
            "table[0].type",
        ),
        (
            "\"organization_membership\"",
            "\"user\"",
            "membership_needed",
            "subject.type",
        ),
        (
            "id = \"id\"",
            "id = [\"id\", \"project_id\"]",
            "column_count",
            "table[0].type",
        ),
        (
            "column = \"project_id\"",
            "column = \"project_id\", by = \"resource_id\"",
            "resource_id_not_possible",
            "table[0].parent.by",
        ),
        (
            "column = \"project_id\"",
            "column = \"project_id\", by = \"name\"",
            "wrong_shape",
            "table[0].parent.by",
        ),
        (
            "type = \"page\"",
            "type = \"folder\"",
            "type_taken",
            "table[0].type",
        ),
        (
            "type = \"page\"",
            "type = \"leaf\"",
            "permission_of_other_type",
            "table[0].policies.select",
        ),
        (
            "policies = {",
            "relations.parent = { column = \"x\", type = \"y\" }\npolicies = {",
            "relations_with_parent",
            "table[0].relations",
        ),
        (
            "parent = { type = \"project\", column = \"project_id\" }\n",
            "",
            "missing_parent",
            "table[0].organization",
        ),
    ] {
        let text = BINDINGS.replace(from, to);
        assert_ne!(text, BINDINGS, "{from}");
        let found = diagnostics(&text, schema);
        let first = found.first().unwrap_or_else(|| panic!("{to} is fine"));
        assert_eq!(
            (first.code, first.path.as_deref()),
            (code, Some(path)),
            "{found:#?}"
        );
        assert!(first.span.is_some(), "{first:?}");
        assert_eq!(found.len(), 1, "{found:#?}");
    }
}

fn diagnostics(text: &str, model: &Model) -> Vec<rowgate_schema::Diagnostic> {
    match rowgate_binding::Bindings::parse_toml(text) {
        Ok(bindings) => bindings.resolve(model).err().unwrap_or_default(),
        Err(found) => found,
    }
}

impl World {
    fn environment_reader(&self) -> rowgate_rbac::Reader<'static> {
        // The revision is kept for the rest of the test.
        let published: &'static _ = Box::leak(Box::new(Environment::read(&self.environment)));
        rowgate_rbac::Reader::new(&published.graph)
    }
}
