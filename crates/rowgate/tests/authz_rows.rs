//! What is under a resource of the authorization API, where some of it is stored and the rest are rows of tables, which can be under rows.

// Helpers of tests may say what must hold by panicking.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::{Duration, Instant};

use rowgate_pgtest::{Database, Version};
use serde_json::{Value, json};
use support::postgres::{KEY, Serving, apply_bindings, installed};

const BINDINGS: &str = r#"
roles = ["ROLE"]
[subject]
type = "organization_membership"
[[table]]
name = "public.folder"
type = "folder"
id = "id"
organization = "org"
parent = { type = "project", column = "project" }
policies.select = "doc:read"
[[table]]
name = "public.doc"
type = "doc"
id = "id"
organization = "org"
parent = [{ type = "project", column = "project" }, { type = "folder", column = "folder" }]
policies.select = "doc:read"
"#;

const TABLES: &str = "
create table folder (id text primary key, org text not null, project text);
create table doc (id integer primary key, org text not null, project text, folder text);
create index on folder (project);
create index on doc (project); create index on doc (folder);";

struct World {
    database: Database,
    server: Serving,
    org: String,
    /// Has a role on the organization.
    all: String,
    /// Has a role on the project `two`.
    some: String,
}

fn answered(request: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> (u16, Value) {
    let response = request.unwrap();
    let status = response.status().as_u16();
    (status, response.into_body().read_json().unwrap_or(Value::Null))
}

impl World {
    fn start() -> Self {
        let database = installed(Version::V18);
        let role = format!("app_{}", database.name());
        let sql = format!("create role {role} login; grant rowgate_app to {role}; {TABLES}");
        database.client().batch_execute(&sql).unwrap();
        let server = Serving::start(&database);
        let mut world = Self {
            database,
            server,
            org: String::new(),
            all: String::new(),
            some: String::new(),
        };
        let under = |slug: &str, parents: &[&str]| json!({"slug": slug, "parents": parents});
        let types = json!({
            "types": [
                under("project", &["organization"]),
                under("board", &["project"]),
                under("folder", &["project"]),
                under("doc", &["project", "folder"]),
            ],
            "permissions": [{"slug": "doc:read", "resource_type": "project"}],
            "roles": [
                {"slug": "member"},
                {"slug": "reader", "permissions": ["doc:read"]},
                {"slug": "project-reader", "resource_type": "project", "permissions": ["doc:read"]},
            ],
        });
        let request = ureq::put(format!("{}/rowgate/v1/authorization/types", world.server.url));
        let applied = answered(
            request
                .header("authorization", format!("Bearer {KEY}"))
                .send_json(types),
        );
        assert_eq!(applied.0, 200, "{applied:?}");
        world.org = world.made("/organizations", json!({"name": "Acme"}));
        world.all = world.member("ann", "reader");
        world.some = world.member("bob", "member");
        for project in ["one", "two"] {
            world.made(
                "/authorization/resources",
                world.resource("project", project, None),
            );
        }
        for board in ["b1", "b2"] {
            world.made(
                "/authorization/resources",
                world.resource("board", board, Some("one")),
            );
        }
        let assignments = format!(
            "/authorization/organization_memberships/{}/role_assignments",
            world.some
        );
        let on_two = json!({"role_slug": "project-reader", "resource_type_slug": "project", "resource_external_id": "two"});
        world.made(&assignments, on_two);
        apply_bindings(&world.database, &BINDINGS.replace("ROLE", &role), None);
        // The server follows the database.
        let since = Instant::now();
        while !world.knows_tables() {
            assert!(
                since.elapsed() < Duration::from_secs(30),
                "the bindings do not arrive"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        world
    }

    fn made(&self, path: &str, body: Value) -> String {
        let request = ureq::post(format!("{}{path}", self.server.url));
        let request = request.header("authorization", format!("Bearer {KEY}"));
        let (status, answer) = answered(request.send_json(body));
        assert_eq!(status, 201, "{path}: {answer}");
        answer["id"].as_str().unwrap().to_owned()
    }

    fn member(&self, name: &str, role: &str) -> String {
        let user = json!({"email": format!("{name}@example.com")});
        let user = self.made("/user_management/users", user);
        let member = json!({"user_id": user, "organization_id": self.org, "role_slug": role});
        self.made("/user_management/organization_memberships", member)
    }

    fn resource(&self, of: &str, id: &str, project: Option<&str>) -> Value {
        let mut body =
            json!({"organization_id": self.org, "resource_type_slug": of, "external_id": id, "name": id});
        if let Some(project) = project {
            body["parent_resource_type_slug"] = "project".into();
            body["parent_resource_external_id"] = project.into();
        }
        body
    }

    fn knows_tables(&self) -> bool {
        let url = format!(
            "{}/authorization/resources?resource_type_slug=doc",
            self.server.url
        );
        let request = ureq::get(url).config().http_status_as_error(false).build();
        let (_, answer) = answered(request.header("authorization", format!("Bearer {KEY}")).call());
        answer["code"] == "resource_is_a_row"
    }

    fn sql(&self, sql: &str) {
        self.database
            .client()
            .batch_execute(&sql.replace("ORG", &self.org))
            .unwrap();
    }

    fn get(&self, om: &str, parent: (&str, &str), more: &str) -> (u16, Value) {
        let url = format!(
            "{}/authorization/organization_memberships/{om}/resources?permission_slug=doc:read\
             &parent_resource_type_slug={}&parent_resource_external_id={}{more}",
            self.server.url, parent.0, parent.1
        );
        let request = ureq::get(url).config().http_status_as_error(false).build();
        answered(request.header("authorization", format!("Bearer {KEY}")).call())
    }

    /// Everything under a resource, page by page.
    fn under(&self, om: &str, parent: (&str, &str), limit: usize, order: &str) -> Vec<String> {
        let (mut found, mut after) = (Vec::new(), String::new());
        for _ in 0..2_000 {
            let (status, page) = self.get(om, parent, &format!("&limit={limit}&order={order}{after}"));
            assert_eq!(status, 200, "{page}");
            let data = page["data"].as_array().unwrap();
            assert!(data.len() <= limit);
            found.extend(data.iter().map(|one| {
                let text = |field: &str| one[field].as_str().unwrap().to_owned();
                format!("{}:{}", text("resource_type_slug"), text("external_id"))
            }));
            match page["list_metadata"]["after"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return found,
            }
        }
        panic!("it does not end");
    }
}

#[test]
fn stored_resources_come_first_and_then_rows() {
    let world = World::start();
    world.sql(
        "insert into folder values ('f1', 'ORG', 'one'), ('f2', 'ORG', 'two');
         insert into doc values (1, 'ORG', 'one', null), (2, 'ORG', 'one', 'f2'), (3, 'ORG', null, 'f1'),
            (10, 'ORG', 'one', null), (4, 'elsewhere', 'one', null)",
    );
    let whole = ["board:b1", "board:b2", "doc:1", "doc:2", "doc:10", "folder:f1"];
    let back = ["board:b2", "board:b1", "doc:10", "doc:2", "doc:1", "folder:f1"];
    for limit in [1, 2, 3, 6, 100] {
        assert_eq!(
            world.under(&world.all, ("project", "one"), limit, "asc"),
            whole,
            "{limit} to a page"
        );
        assert_eq!(
            world.under(&world.all, ("project", "one"), limit, "desc"),
            back,
            "{limit} to a page"
        );
    }
    // Who may see another project sees what is in both, and nothing else of this one.
    assert_eq!(world.under(&world.some, ("project", "one"), 1, "asc"), ["doc:2"]);
    assert_eq!(
        world.under(&world.some, ("project", "two"), 10, "asc"),
        ["folder:f2"]
    );
    // Under a row, which has to be there.
    assert_eq!(world.under(&world.all, ("folder", "f1"), 1, "asc"), ["doc:3"]);
    assert_eq!(world.under(&world.some, ("folder", "f1"), 10, "asc"), [""; 0]);
    assert_eq!(world.under(&world.some, ("folder", "f2"), 10, "asc"), ["doc:2"]);
    assert_eq!(world.get(&world.all, ("folder", "f9"), "").0, 404);
    assert_eq!(
        world.under(&world.all, ("doc", "1"), 10, "asc"),
        [""; 0],
        "nothing can be under it"
    );
    let (status, answer) = world.get(&world.all, ("project", "one"), "&order=normal");
    assert_eq!(
        (status, &answer["code"]),
        (422, &json!("invalid_request_parameters")),
        "{answer}"
    );
}

#[test]
fn many_rows_that_are_not_shown_end_in_a_cursor() {
    let world = World::start();
    world.sql(
        "insert into folder values ('f2', 'ORG', 'two');
         insert into doc select n, 'ORG', 'one', case when n in (700, 1050) then 'f2' end from generate_series(1, 1100) n",
    );
    let (status, page) = world.get(&world.some, ("project", "one"), "&order=asc");
    assert_eq!(status, 200, "{page}");
    assert_eq!(
        (&page["data"][0]["external_id"], &page["list_metadata"]["after"]),
        (&json!("700"), &json!("doc:1000"))
    );
    assert_eq!(
        world.under(&world.some, ("project", "one"), 10, "asc"),
        ["doc:700", "doc:1050"]
    );
    assert_eq!(
        world.under(&world.all, ("project", "one"), 100, "asc").len(),
        1102
    );
}

impl World {
    /// A request that names a row of `doc`, which is `doc:1`. It is refused with the table, and nothing is changed by it.
    fn refused(&self, method: &str, path: &str, body: Option<Value>) {
        let url = format!("{}{path}", self.server.url);
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .build()
            .into();
        let text = body.map(|body| body.to_string()).unwrap_or_default();
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(url)
            .header("authorization", format!("Bearer {KEY}"))
            .header("content-type", "application/json")
            .body(text)
            .unwrap();
        let (status, answer) = answered(agent.run(request));
        assert_eq!(
            (status, &answer["code"]),
            (400, &json!("resource_is_a_row")),
            "{method} {path}: {answer}"
        );
        assert_eq!(answer["errors"][0]["code"], "resource_is_a_row", "{answer}");
        let message = answer["message"].as_str().unwrap();
        assert!(
            message.starts_with("Resources of type 'doc' are the rows of table 'public.doc': "),
            "{message}"
        );
    }
}

#[test]
fn no_role_is_assigned_on_a_row_and_no_row_is_changed() {
    let world = World::start();
    world.sql("insert into doc values (1, 'ORG', 'two', null)");
    let group = world.made(
        &format!("/organizations/{}/groups", world.org),
        json!({"name": "Team"}),
    );
    let before = world.export();
    let om = format!("/authorization/organization_memberships/{}", world.some);
    let groups = format!("/authorization/groups/{group}/role_assignments");
    let named = format!("/authorization/organizations/{}/resources/doc/1", world.org);
    let row =
        json!({"role_slug": "project-reader", "resource_type_slug": "doc", "resource_external_id": "1"});
    let plain = json!({"role_slug": "reader"});
    // Roles: of memberships, of groups, one by one, as a whole and as a change.
    for method in ["POST", "DELETE"] {
        world.refused(method, &format!("{om}/role_assignments"), Some(row.clone()));
        world.refused(method, &groups, Some(row.clone()));
    }
    world.refused("PUT", &groups, Some(json!({"role_assignments": [plain, row]})));
    world.refused("PATCH", &groups, Some(json!({"add": [plain, row]})));
    world.refused("PATCH", &groups, Some(json!({"add": [plain], "remove": [row]})));
    world.refused("GET", &format!("{named}/role_assignments"), None);
    let filter = "resource_type_slug=doc&resource_external_id=1";
    world.refused("GET", &format!("{om}/role_assignments?{filter}"), None);
    // The row itself, what is under it, and who has access.
    world.refused("GET", &named, None);
    world.refused("PATCH", &named, Some(json!({"name": "N"})));
    world.refused("DELETE", &format!("{named}?cascade_delete=true"), None);
    world.refused(
        "POST",
        "/authorization/resources",
        Some(world.resource("doc", "2", Some("two"))),
    );
    let mut under = world.resource("board", "b9", None);
    under["parent_resource_type_slug"] = "doc".into();
    under["parent_resource_external_id"] = "1".into();
    world.refused("POST", "/authorization/resources", Some(under));
    let board = format!("/authorization/organizations/{}/resources/board/b1", world.org);
    let moved = json!({"parent_resource_type_slug": "doc", "parent_resource_external_id": "1"});
    world.refused("PATCH", &board, Some(moved));
    let parent = "parent_resource_type_slug=doc&parent_external_id=1";
    let list = format!("/authorization/resources?organization_id={}&{parent}", world.org);
    world.refused("GET", &list, None);
    world.refused("GET", "/authorization/resources?resource_type_slug=doc", None);
    let members = format!("{named}/organization_memberships?permission_slug=doc:read");
    world.refused("GET", &members, None);
    let why = json!({"organization_membership_id": world.some, "permission_slug": "doc:read", "resource_type_slug": "doc",
                     "resource_external_id": "1"});
    world.refused("POST", "/rowgate/v1/authorization/explain", Some(why.clone()));
    assert_eq!(world.export(), before, "nothing was changed");
    // What is assigned above it counts on it, one by one, among several, and in the permissions.
    let check = |om: &str| {
        let ask =
            json!({"permission_slug": "doc:read", "resource_type_slug": "doc", "resource_external_id": "1"});
        let path = format!(
            "{}/authorization/organization_memberships/{om}/check",
            world.server.url
        );
        let request = ureq::post(path).header("authorization", format!("Bearer {KEY}"));
        answered(request.send_json(ask)).1["authorized"].clone()
    };
    assert_eq!(
        (check(&world.some), check(&world.all)),
        (json!(true), json!(true))
    );
    let none = world.member("carl", "member");
    assert_eq!(check(&none), false);
    let mut other = why.clone();
    other["organization_membership_id"] = none.as_str().into();
    let mut missing = why.clone();
    missing["resource_external_id"] = "9".into();
    let request = ureq::post(format!("{}/rowgate/v1/authorization/check", world.server.url));
    let request = request.header("authorization", format!("Bearer {KEY}"));
    let (_, many) = answered(request.send_json(json!({"checks": [why, other, missing]})));
    assert_eq!(many["results"][0], json!({"authorized": true}));
    assert_eq!(many["results"][1], json!({"authorized": false}));
    assert_eq!(many["results"][2]["error"]["code"], "entity_not_found", "{many}");
    let path = format!("{}{om}/resources/doc/1/permissions", world.server.url);
    let request = ureq::get(path).header("authorization", format!("Bearer {KEY}"));
    let (_, held) = answered(request.call());
    assert_eq!(held["data"][0]["slug"], "doc:read", "{held}");
}

impl World {
    /// Everything that is stored.
    fn export(&self) -> String {
        let request = ureq::get(format!("{}/rowgate/v1/export", self.server.url));
        let response = request
            .header("authorization", format!("Bearer {KEY}"))
            .call()
            .unwrap();
        response.into_body().read_to_string().unwrap()
    }
}
