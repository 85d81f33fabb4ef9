//! Exports of environments that use `/authorization`: they come back whole, and no import can put in what the API would not have stored.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use support::{Answer, Served};

fn import(server: &Served, lines: &[String]) -> Answer {
    server.post_raw(
        "/rowgate/v1/import",
        "application/x-ndjson",
        lines.join("\n").as_bytes(),
    )
}

fn export(server: &Served) -> Vec<String> {
    let text = server.get("/rowgate/v1/export").text;
    text.lines().map(str::to_owned).collect()
}

fn id(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["id"].as_str().unwrap().to_owned()
}

/// Two organizations with something of every kind.
struct World {
    server: Served,
    om: String,
    project: String,
}

impl World {
    fn start() -> Self {
        let server = Served::start();
        let types = json!({
            "types": [
                {"slug": "workspace", "parents": ["organization"]},
                {"slug": "project", "parents": ["workspace", "organization"]},
            ],
            "permissions": [
                {"slug": "org:manage"},
                {"slug": "p:r", "resource_type": "project"},
            ],
            "roles": [
                {"slug": "admin", "permissions": ["org:manage", "p:r"]},
                {"slug": "member"},
                {"slug": "editor", "resource_type": "project", "permissions": ["p:r"]},
            ],
        });
        server.put("/rowgate/v1/authorization/types", types).ok();
        let (mut om, mut project) = (String::new(), String::new());
        for name in ["acme", "globex"] {
            let org = id(&server.post("/organizations", json!({"name": name, "external_id": name})));
            let user = json!({"email": format!("{name}@example.com"), "external_id": name});
            let user = id(&server.post("/user_management/users", user));
            let member = json!({"organization_id": org, "user_id": user});
            om = id(&server.post("/user_management/organization_memberships", member));
            let own = json!({"slug": "org-own", "name": "Own", "resource_type_slug": "workspace"});
            id(&server.post(&format!("/authorization/organizations/{org}/roles"), own));
            let at = format!("/authorization/organizations/{org}/roles/org-own/permissions");
            server.post(&at, json!({"slug": "p:r"})).ok();
            let resource = |ty: &str, external_id: &str, parent: Value| {
                let mut body = json!({
                    "organization_id": org, "resource_type_slug": ty, "external_id": external_id, "name": "N",
                });
                body.as_object_mut()
                    .unwrap()
                    .extend(parent.as_object().unwrap().clone());
                id(&server.post("/authorization/resources", body))
            };
            let workspace = resource("workspace", &"/".repeat(120), json!({}));
            project = resource("project", "p/1", json!({"parent_resource_id": workspace}));
            let assignments = format!("/authorization/organization_memberships/{om}/role_assignments");
            let until = json!({"role_slug": "org-own", "resource_id": workspace, "expires_at": "2099-01-01T00:00:00Z"});
            id(&server.post(&assignments, until));
            let group = id(&server.post(&format!("/organizations/{org}/groups"), json!({"name": "G"})));
            let members = format!("/organizations/{org}/groups/{group}/organization-memberships");
            server
                .post(&members, json!({"organization_membership_id": om}))
                .ok();
            let editor = json!({"role_slug": "editor", "resource_id": project});
            let of_group = format!("/authorization/groups/{group}/role_assignments");
            id(&server.post(&of_group, editor));
        }
        let path = format!("/user_management/organization_memberships/{om}/deactivate");
        server.put(&path, json!({})).ok();
        Self { server, om, project }
    }
}

#[test]
fn an_export_comes_back_in_pieces_and_whole() {
    let world = World::start();
    world
        .server
        .put(
            &format!(
                "/user_management/organization_memberships/{}/reactivate",
                world.om
            ),
            json!({}),
        )
        .ok();
    let lines = export(&world.server);
    assert!(
        lines.last().unwrap().contains("authz--environment"),
        "the settings come last"
    );
    let copy = Served::start();
    let mut created = 0;
    for piece in lines.chunks(7) {
        created += import(&copy, piece).ok()["created"].as_u64().unwrap();
        if piece.last() != lines.last() {
            copy.get("/authorization/roles").error(409, "import_unfinished");
        }
        // A piece that is sent again is no error.
        import(&copy, piece).ok();
    }
    let counts: Value = serde_json::from_str(&lines[0]).unwrap();
    let there = counts["resources"].as_u64().unwrap() + counts["warrants"].as_u64().unwrap();
    assert!(created <= there, "{created} of {there}");
    let check = json!({"permission_slug": "p:r", "resource_id": world.project});
    let path = format!("/authorization/organization_memberships/{}/check", world.om);
    assert_eq!(copy.post(&path, check).ok()["authorized"], true);
    for path in [
        "/organizations".to_owned(),
        "/user_management/users".to_owned(),
        "/authorization/roles".to_owned(),
        "/authorization/resources?resource_type_slug=project".to_owned(),
        "/rowgate/v1/authorization/types".to_owned(),
        format!(
            "/authorization/organization_memberships/{}/role_assignments",
            world.om
        ),
    ] {
        assert_eq!(copy.get(&path).ok(), world.server.get(&path).ok(), "{path}");
    }
    assert_eq!(export(&copy)[1..lines.len() - 1], lines[1..lines.len() - 1]);
    // The whole again changes nothing, in the copy and where it comes from.
    assert_eq!(import(&copy, &lines).ok()["created"], 0);
    assert_eq!(import(&world.server, &lines).ok()["created"], 0);
}

#[test]
fn an_environment_in_use_takes_nothing_that_is_new() {
    let world = World::start();
    let before = export(&world.server);
    let project = before
        .iter()
        .find(|line| line.contains("\"authz-project\"") && line.contains("globex-") || line.contains("p%2F1"))
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["resource"]["resource_id"].clone())
        .unwrap();
    let warrant = |resource_type: &str, id: &Value, relation: &str, subject: Value| {
        json!({"warrant": {"resource_type": resource_type, "resource_id": id, "relation": relation, "subject": subject}})
            .to_string()
    };
    let member = json!({"resource_type": "authz--membership", "resource_id": world.om});
    let everybody = json!({"resource_type": "authz--membership", "resource_id": "*"});
    let mut leftover: Value =
        serde_json::from_str(&warrant("authz-project", &project, "may_pCr", member.clone())).unwrap();
    leftover["warrant"]["leftover"] = json!(true);
    for line in [
        warrant("authz--role", &json!("member"), "may_pCr", everybody),
        warrant("authz--grant", &json!("grant_x"), "member", member),
        leftover.to_string(),
        json!({"resource": {"resource_type": "authz--role", "resource_id": "ghost"}}).to_string(),
        json!({"resource": {"resource_type": "authz--role", "resource_id": "member", "meta": {"name": "X"}}}).to_string(),
        json!({"resource": {"resource_type": "authz--environment", "resource_id": "self", "meta": {"default_role": "admin"}}})
            .to_string(),
    ] {
        import(&world.server, std::slice::from_ref(&line)).error(400, "reserved_type");
    }
    let schema = before[1].replacen("may_pCr", "may_pCw", 1);
    assert_eq!(import(&world.server, &[schema]).status, 400);
    assert_eq!(export(&world.server), before);
    // What is the application's own comes in beside it.
    let note = json!({"resource": {"resource_type": "note", "resource_id": "n1"}}).to_string();
    import(&world.server, &[note]).ok();
}

/// An export with one thing changed.
fn tampered(lines: &[String], wanted: impl Fn(&str) -> bool, change: impl Fn(&str) -> String) -> Vec<String> {
    let at = lines.iter().position(|line| wanted(line)).unwrap();
    let mut lines = lines.to_vec();
    lines[at] = change(&lines[at]);
    lines
}

#[test]
fn an_export_that_was_changed_makes_no_environment_ready() {
    let world = World::start();
    let lines = export(&world.server);
    let organizations = world.server.get("/organizations").ok();
    let ids: Vec<&str> = [0, 1]
        .map(|at| organizations["data"][at]["id"].as_str().unwrap())
        .to_vec();
    let (globex, acme) = (ids[0], ids[1]);
    let is = |what: &'static str| move |line: &str| line.contains(what);
    let subject_moved = |relation: &'static str| {
        tampered(
            &lines,
            |line| line.contains(&format!("\"relation\":\"{relation}\"")) && line.matches(acme).count() == 2,
            |line| {
                let (before, after) = line.rsplit_once(acme).unwrap();
                format!("{before}{globex}{after}")
            },
        )
    };
    // Before the last line, which makes the environment ready.
    let with = |resource: String, relation: &str| {
        let warrant = format!(
            r#"{{"warrant":{{"resource_type":"{resource}","relation":"{relation}","subject":{{"resource_type":"authz--membership","resource_id":"*"}},"leftover":true}}}}"#
        );
        let mut lines = lines.clone();
        lines.insert(lines.len() - 1, warrant);
        lines
    };
    let cases: Vec<(&str, Vec<String>)> = vec![
        ("a parent in another organization", subject_moved("parent")),
        (
            "an inactive membership that holds a role",
            tampered(&lines, is("\"relation\":\"parked\""), |line| {
                line.replace("parked", "member")
            }),
        ),
        (
            "a membership with a status that is none",
            tampered(&lines, is("\"status\":\"inactive\""), |line| {
                line.replace("\"inactive\"", "\"Inactive\"")
            }),
        ),
        (
            "a membership with a status that is no text",
            tampered(&lines, is("\"status\":\"inactive\""), |line| {
                line.replace("\"inactive\"", "0")
            }),
        ),
        (
            "an inactive membership that holds a role, by a status that is none",
            tampered(&lines, is("\"status\":\"inactive\""), |line| {
                line.replace("\"inactive\"", "null")
            })
            .into_iter()
            .map(|line| line.replace("\"relation\":\"parked\"", "\"relation\":\"member\""))
            .collect(),
        ),
        (
            "a role that carries what it cannot reach",
            tampered(
                &lines,
                |line| line.contains("may_pCr") && line.contains("\"editor\"") && line.contains("warrant"),
                |line| line.replace("may_pCr", "may_orgCmanage"),
            ),
        ),
        (
            "a rule of the schema that gives more",
            tampered(&lines, is("\"schema\""), |line| {
                line.replacen("\"inherit_if\":\"all_of\"", "\"inherit_if\":\"any_of\"", 1)
            }),
        ),
        (
            "a name of something else",
            tampered(&lines, is("{\"name\":\"acme\""), |line| {
                line.replace("\"external_id\":\"acme\"", "\"external_id\":\"other\"")
            }),
        ),
        (
            "access to what is of no type yet",
            with(format!("authz-zzz\",\"resource_id\":\"{acme}/x"), "may_pCr"),
        ),
        (
            "access to the environment",
            with("authz--environment\",\"resource_id\":\"self".into(), "member"),
        ),
        (
            "access to an unknown kind",
            with("authz--other\",\"resource_id\":\"x".into(), "member"),
        ),
        (
            "a missing edge",
            lines
                .iter()
                .filter(|line| !line.contains("\"relation\":\"user\""))
                .cloned()
                .collect(),
        ),
    ];
    for (what, lines) in cases {
        let copy = Served::start();
        let answer = import(&copy, &lines);
        assert_eq!(answer.status, 400, "{what}: {}", answer.text);
        assert_eq!(
            answer.json()["code"],
            "restore_refused",
            "{what}: {}",
            answer.text
        );
        copy.get("/authorization/roles").error(409, "import_unfinished");
    }
    let sound = Served::start();
    import(&sound, &lines).ok();
}

#[test]
fn what_was_brought_in_counts_as_begun_whatever_it_is() {
    let copy = Served::start();
    let planted = r#"{"warrant":{"resource_type":"authz--grant","resource_id":"g","relation":"member","subject":{"resource_type":"user","resource_id":"eve"},"leftover":true}}"#;
    import(&copy, &[planted.to_owned()]);
    copy.post("/organizations", json!({"name": "acme"}))
        .error(409, "import_unfinished");
}
