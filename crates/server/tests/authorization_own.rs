//! What Rowgate has beside `/authorization`: the audit log, people from a list, and what tokens say of roles.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Answer, Served};

struct World {
    server: Served,
    org: String,
    om: String,
    user: String,
}

fn id(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["id"].as_str().unwrap().to_owned()
}

const AUDIT: &str = "/rowgate/v1/authorization/audit";
const PEOPLE: &str = "/rowgate/v1/authorization/people";

impl World {
    fn start() -> Self {
        let server = Served::start();
        let types = json!({
            "types": [{"slug": "project", "parents": ["organization"]}],
            "permissions": [{"slug": "org:manage"}, {"slug": "org:bill"}, {"slug": "p:r", "resource_type": "project"}],
            "roles": [
                {"slug": "admin", "permissions": ["org:manage", "p:r"]},
                {"slug": "billing", "permissions": ["org:bill", "org:manage"]},
                {"slug": "member"},
                {"slug": "editor", "resource_type": "project", "permissions": ["p:r"]},
            ],
        });
        server.put("/rowgate/v1/authorization/types", types).ok();
        let org = id(&server.post("/organizations", json!({"name": "Acme", "external_id": "acme"})));
        let user = id(&server.post("/user_management/users", json!({"email": "ann@example.com"})));
        let om = id(&server.post(
            "/user_management/organization_memberships",
            json!({"organization_id": org, "user_id": user}),
        ));
        Self {
            server,
            org,
            om,
            user,
        }
    }

    fn assignments(&self) -> String {
        format!(
            "/authorization/organization_memberships/{}/role_assignments",
            self.om
        )
    }

    fn on_the_organization(&self, role: &str) -> Value {
        json!({"role_slug": role, "resource_external_id": self.org, "resource_type_slug": "organization"})
    }

    fn assign(&self, role: &str, more: &Value) -> Value {
        let mut body = self.on_the_organization(role);
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().cloned().unwrap_or_default());
        let answer = self.server.post(&self.assignments(), body);
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()
    }

    fn unassign(&self, role: &str) {
        let body = self.on_the_organization(role);
        let answer = self
            .server
            .call_as(&self.server.key, "DELETE", &self.assignments(), Some(&body));
        assert_eq!(answer.status, 204, "{}", answer.text);
    }

    fn audit(&self, query: &str) -> Vec<Value> {
        let list = self.server.get(&format!("{AUDIT}?{query}")).ok();
        list["data"].as_array().unwrap().clone()
    }

    /// The claims of a token for the user in the organization.
    fn claims(&self, more: &Value) -> Value {
        let mut body = json!({"user": self.user, "organization": self.org});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().cloned().unwrap_or_default());
        self.server.post("/rowgate/v1/tokens", body).ok()["claims"].clone()
    }

    fn may(&self, permission: &str) -> bool {
        let path = format!("/authorization/organization_memberships/{}/check", self.om);
        let body = json!({"permission_slug": permission, "resource_id": Value::Null,
                          "resource_external_id": self.org, "resource_type_slug": "organization"});
        self.server.post(&path, body).ok()["authorized"] == true
    }
}

fn actions(entries: &[Value]) -> Vec<&str> {
    entries
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect()
}

#[test]
fn a_grant_and_its_end_are_in_the_log_with_who_did_it() {
    let world = World::start();
    let key = format!("Bearer {}", world.server.key);
    let mut body = world.on_the_organization("admin");
    body["expires_at"] = "2099-01-01T00:00:00Z".into();
    let body = body.to_string();
    let headers = [
        ("Authorization", key.as_str()),
        ("Content-Type", "application/json"),
        ("X-Request-Id", "my-request-7"),
        ("Rowgate-On-Behalf-Of", "user_01ADMIN"),
    ];
    let made = world
        .server
        .send("POST", &world.assignments(), &headers, Some(body.as_bytes()));
    assert_eq!(made.status, 201, "{}", made.text);
    let entries = world.audit("limit=1");
    let [entry] = entries.as_slice() else {
        panic!("{entries:?}")
    };
    assert_eq!(entry["object"], "audit_entry");
    assert_eq!(entry["action"], "role_assignment.created");
    assert_eq!(entry["request_id"], "my-request-7");
    assert_eq!(entry["actor"]["type"], "api_key");
    assert_eq!(entry["actor"]["name"], "bootstrap");
    assert_eq!(entry["actor"]["on_behalf_of"], "user_01ADMIN");
    assert!(entry["actor"]["id"].as_str().unwrap().starts_with("key_"));
    assert!(!world.server.get(AUDIT).text.contains(&world.server.key));
    assert_eq!(entry["organization_id"], world.org.as_str());
    assert_eq!(entry["organization_membership_id"], world.om.as_str());
    assert_eq!(entry["user_id"], world.user.as_str());
    assert_eq!(entry["resource"]["type_slug"], "organization");
    assert_eq!(entry["resource"]["external_id"], "acme");
    assert_eq!(entry["before"], Value::Null);
    assert_eq!(
        entry["after"],
        json!({"expires_at": "2099-01-01T00:00:00Z", "condition": null})
    );
    assert!(entry["created_at"].as_str().unwrap().ends_with('Z'));
    world.unassign("admin");
    let entries = world.audit("role_slug=admin&action=role_assignment");
    assert_eq!(
        actions(&entries),
        ["role_assignment.removed", "role_assignment.created"]
    );
    // What is refused is not in it.
    let before = world.audit("limit=1");
    world
        .server
        .post(&world.assignments(), world.on_the_organization("nothing"))
        .error(404, "entity_not_found");
    assert_eq!(world.audit("limit=1"), before);
    let unreadable = [("Authorization", key.as_str()), ("Rowgate-On-Behalf-Of", "")];
    let body = world.on_the_organization("admin").to_string();
    let refused = world
        .server
        .send("POST", &world.assignments(), &unreadable, Some(body.as_bytes()));
    refused.error(400, "invalid_parameter");
}

#[test]
fn the_log_is_read_in_pages_and_by_filters() {
    let world = World::start();
    let resource = json!({"organization_id": world.org, "resource_type_slug": "project", "external_id": "p/1", "name": "P"});
    let project = id(&world.server.post("/authorization/resources", resource));
    let on_project = json!({"resource_external_id": "p/1", "resource_type_slug": "project"});
    world.assign("editor", &on_project);
    let group = id(&world.server.post(
        &format!("/organizations/{}/groups", world.org),
        json!({"name": "Team"}),
    ));
    let body = json!({"role_slug": "editor", "resource_id": project});
    id(&world
        .server
        .post(&format!("/authorization/groups/{group}/role_assignments"), body));
    let all = world.audit("order=asc&limit=1000");
    let mut walked: Vec<Value> = Vec::new();
    let mut after = String::new();
    loop {
        let page = world
            .server
            .get(&format!("{AUDIT}?order=asc&limit=3&after={after}"))
            .ok();
        walked.extend(page["data"].as_array().unwrap().clone());
        match page["list_metadata"]["after"].as_str() {
            Some(next) => next.clone_into(&mut after),
            None => break,
        }
    }
    assert_eq!(walked, all);
    let mut newest_first = world.audit("limit=1000");
    newest_first.reverse();
    assert_eq!(newest_first, all);
    for (query, expected) in [
        (
            format!("resource_id={project}"),
            vec!["group_role_assignment.created", "role_assignment.created"],
        ),
        (
            "resource_type_slug=project&resource_external_id=p/1&action=role_assignment".into(),
            vec!["role_assignment.created"],
        ),
        (
            format!("group_id={group}"),
            vec!["group_role_assignment.created", "group.created"],
        ),
        (
            format!("organization_membership_id={}&role_slug=editor", world.om),
            vec!["role_assignment.created"],
        ),
        (
            format!("user_id={}&action=user", world.user),
            vec!["user.created"],
        ),
        ("actor=somebody-else".into(), vec![]),
        (
            "actor=bootstrap&action=organization".into(),
            vec!["organization.created"],
        ),
    ] {
        assert_eq!(actions(&world.audit(&query)), expected, "{query}");
    }
    for query in ["limit=0", "limit=1001", "order=up", "after=x", "after=audit_1"] {
        world
            .server
            .get(&format!("{AUDIT}?{query}"))
            .error(422, "invalid_request_parameters");
    }
}

#[test]
fn the_log_outlives_a_restart_and_knows_what_a_cascade_took() {
    let world = World::start();
    world.assign("admin", &Value::Null);
    let before = world.audit("limit=1000");
    let World { server, org, .. } = world;
    let server = server.restart();
    let after = server.get(&format!("{AUDIT}?limit=1000")).ok();
    assert_eq!(after["data"].as_array().unwrap(), &before);
    let deleted = server.delete(&format!("/organizations/{org}"));
    assert!(deleted.status < 300, "{deleted:?}");
    let of = server
        .get(&format!("{AUDIT}?organization_id={org}&limit=1000"))
        .ok();
    let of = of["data"].as_array().unwrap().clone();
    let removed = of
        .iter()
        .filter(|entry| entry["action"] == "role_assignment.removed");
    assert_eq!(removed.count(), 2, "{of:?}");
    assert!(actions(&of).contains(&"organization.deleted"));
}

#[test]
fn entries_that_are_old_enough_are_removed() {
    let World { mut server, .. } = World::start();
    assert!(!server.get(AUDIT).ok()["data"].as_array().unwrap().is_empty());
    server.stop();
    let forgetful = |config: &mut rowgate_server::Config| config.audit_retention = Duration::ZERO;
    let server = server.start_again(forgetful);
    let since = Instant::now();
    while server.get(AUDIT).ok()["data"] != json!([]) {
        assert!(since.elapsed() < Duration::from_secs(20), "nothing was removed");
        std::thread::sleep(Duration::from_millis(10));
    }
    // What is granted stays granted.
    assert_eq!(server.get("/organizations").ok()["data"][0]["name"], "Acme");
}

#[test]
fn an_import_of_authorization_data_is_in_the_log() {
    let world = World::start();
    world.assign("admin", &Value::Null);
    let exported = world.server.get("/rowgate/v1/export");
    assert_eq!(exported.status, 200);
    let other = Served::start();
    let imported = other.post_raw(
        "/rowgate/v1/import",
        "application/x-ndjson",
        exported.text.as_bytes(),
    );
    imported.ok();
    let list = other.get(AUDIT).ok();
    assert_eq!(list["data"][0]["action"], "environment.imported");
    assert_eq!(list["data"][0]["actor"]["name"], "bootstrap");
    assert!(list["data"][0]["warrants"].as_u64().unwrap() > 5);
    // It works as before, under the same ids.
    let path = format!("/authorization/organization_memberships/{}/check", world.om);
    let body = json!({"permission_slug": "org:manage", "resource_external_id": "acme", "resource_type_slug": "organization"});
    assert_eq!(other.post(&path, body).ok()["authorized"], true);
    // Bringing in what is there already changes nothing, and says nothing.
    other
        .post_raw(
            "/rowgate/v1/import",
            "application/x-ndjson",
            exported.text.as_bytes(),
        )
        .ok();
    assert_eq!(other.get(AUDIT).ok()["data"].as_array().unwrap().len(), 1);
}

#[test]
fn people_come_from_a_list_as_a_plan_first() {
    let world = World::start();
    let list = |more: &Value| {
        let mut body = json!({"people": [
            {"email": "ann@example.com", "organization": "acme", "roles": ["admin"], "first_name": "Ann"},
            {"email": "bob@example.com", "organization": "acme"},
            {"external_id": "7", "email": "cid@example.com", "organization": "beta", "organization_name": "Beta",
             "metadata": {"team": "x"}},
        ]});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        world.server.put(PEOPLE, body).ok()
    };
    let before = world.audit("limit=1000");
    let planned = list(&json!({"dry_run": true}));
    assert_eq!(planned["applied"], false);
    assert_eq!(world.audit("limit=1000"), before, "a plan changes nothing");
    let applied = list(&json!({}));
    assert_eq!(applied["applied"], true);
    assert_eq!(applied["plan"], planned["plan"]);
    let steps = applied["plan"].as_array().unwrap();
    assert_eq!(steps.len(), 7, "{steps:?}");
    assert!(world.may("org:manage"), "admin since the list");
    assert_eq!(list(&json!({}))["plan"], json!([]));
    // Without the others, if that is asked for.
    let body =
        json!({"people": [{"email": "ann@example.com", "organization": "acme"}], "gone": "deactivate"});
    let plan = world.server.put(PEOPLE, body).ok();
    assert_eq!(plan["plan"].as_array().unwrap().len(), 1, "{plan}");
    assert_eq!(plan["plan"][0]["slug"], "bob@example.com in acme");
    let wrong = json!({"people": [
        {"email": "dan@example.com", "organization": "acme", "line": 12},
        {"email": "no address", "line": 13},
        {"emial": "x", "line": 14},
        {"email": "e@example.com", "roles": "admin", "line": 15},
    ]});
    let refused = world
        .server
        .put(PEOPLE, wrong)
        .error(422, "invalid_request_parameters");
    let messages = refused["errors"].to_string();
    for what in [
        "line 13: email must be",
        "line 14: `emial`",
        "line 15: roles must be a list",
    ] {
        assert!(messages.contains(what), "{messages}");
    }
    let users = world
        .server
        .get("/user_management/users?email=dan@example.com")
        .ok();
    assert_eq!(users["data"], json!([]), "nothing of it was brought in");
    for body in [
        json!({}),
        json!({"people": [{}]}),
        json!({"people": {}}),
        json!({"people": [], "gone": "burn"}),
    ] {
        world
            .server
            .put(PEOPLE, body)
            .error(422, "invalid_request_parameters");
    }
}

#[test]
fn a_token_says_the_roles_that_the_user_has_there_now() {
    let world = World::start();
    let claims = world.claims(&json!({}));
    assert_eq!(claims["roles"], json!(["member"]));
    assert_eq!(
        (&claims["role"], &claims["org_id"]),
        (&json!("member"), &json!(world.org))
    );
    world.assign("billing", &Value::Null);
    world.assign("admin", &Value::Null);
    let claims = world.claims(&json!({}));
    assert_eq!(claims["role"], "admin", "the one with the highest priority");
    assert_eq!(claims["roles"], json!(["admin", "billing", "member"]));
    assert_eq!(claims["permissions"], json!(["org:manage", "p:r", "org:bill"]));
    assert!(world.may("org:manage"));
    // Revoked: gone from the next token, and at once from a check.
    world.unassign("admin");
    let claims = world.claims(&json!({}));
    assert_eq!(claims["roles"], json!(["billing", "member"]));
    assert_eq!(claims["permissions"], json!(["org:bill", "org:manage"]));
    world.unassign("billing");
    assert!(!world.may("org:manage"));
    assert_eq!(world.claims(&json!({}))["permissions"], json!([]));
    // What the request says goes first.
    world.assign("admin", &Value::Null);
    let claims = world.claims(&json!({"roles": ["billing"]}));
    assert_eq!(claims["roles"], json!(["billing"]));
    assert_eq!(claims["permissions"], json!(["org:bill", "org:manage"]));
    let claims = world.claims(&json!({"roles": [], "permissions": ["x"]}));
    assert!(claims.get("role").is_none(), "{claims}");
    assert_eq!(claims["permissions"], json!(["x"]));
    let claims = world.claims(&json!({"claims": {"role": "guest"}}));
    assert_eq!(claims["role"], "guest");
}

#[test]
fn a_token_has_no_role_that_does_not_count() {
    let world = World::start();
    world.assign("admin", &json!({"expires_at": "2001-01-01T00:00:00Z"}));
    world.assign("billing", &json!({"condition": "at_work"}));
    let claims = world.claims(&json!({}));
    assert_eq!(
        claims["roles"],
        json!(["member"]),
        "one is over, of the other it is not known"
    );
    world.assign("admin", &json!({"expires_at": "2099-01-01T00:00:00Z"}));
    assert_eq!(world.claims(&json!({}))["role"], "admin");
    // By way of a group it counts as well.
    world.unassign("admin");
    let group = id(&world.server.post(
        &format!("/organizations/{}/groups", world.org),
        json!({"name": "Team"}),
    ));
    id(&world.server.post(
        &format!("/authorization/groups/{group}/role_assignments"),
        json!({"role_slug": "admin", "resource_external_id": world.org, "resource_type_slug": "organization"}),
    ));
    let members = format!(
        "/organizations/{}/groups/{group}/organization-memberships",
        world.org
    );
    let added = world
        .server
        .post(&members, json!({"organization_membership_id": world.om}));
    assert!(added.status < 300, "{added:?}");
    assert_eq!(world.claims(&json!({}))["role"], "admin");
    // A membership that is not active has nothing.
    let om = format!("/user_management/organization_memberships/{}", world.om);
    world.server.put(&format!("{om}/deactivate"), json!({})).ok();
    let claims = world.claims(&json!({}));
    for claim in ["role", "roles"] {
        assert!(claims.get(claim).is_none(), "{claims}");
    }
    // Nothing is said of users and organizations that are not known here.
    let token = world
        .server
        .post(
            "/rowgate/v1/tokens",
            json!({"user": "ann", "organization": "acme"}),
        )
        .ok();
    assert_eq!(token["claims"]["org_id"], "acme");
    assert!(token["claims"].get("roles").is_none(), "{token}");
}

/// The server looks every tenth of a second for what is over.
fn soon(config: &mut rowgate_server::Config) {
    config.limits.expiry = Duration::from_millis(100);
}

#[test]
fn an_assignment_that_is_over_is_gone_wherever_one_looks() {
    let mut world = World::start();
    world.server = world.server.start_again(soon);
    let server = &world.server;
    let project = json!({"organization_id": world.org, "resource_type_slug": "project", "external_id": "p1", "name": "P"});
    let project = id(&server.post("/authorization/resources", project));
    let ends = jiff::Timestamp::now() + Duration::from_secs(6);
    let editor = json!({"role_slug": "editor", "resource_id": project, "expires_at": ends.to_string()});
    id(&server.post(&world.assignments(), editor));
    world.assign("admin", &json!({"expires_at": ends.to_string()}));
    let om = &world.om;
    let count = |path: &str| server.get(path).ok()["data"].as_array().unwrap().len();
    let lists = [
        format!(
            "/authorization/organization_memberships/{om}/resources?permission_slug=p:r&parent_resource_type_slug=organization&parent_resource_external_id={}",
            world.org
        ),
        format!("/authorization/organization_memberships/{om}/resources/{project}/permissions"),
        format!(
            "/authorization/resources/{project}/organization_memberships?permission_slug=p:r&assignment=direct"
        ),
        format!(
            "/authorization/resources/{project}/organization_memberships?permission_slug=p:r&assignment=indirect"
        ),
        format!("/authorization/resources/{project}/role_assignments"),
        format!("/authorization/organization_memberships/{om}/role_assignments?role_slug=editor"),
        format!(
            "/rowgate/v1/authorization/resources?organization_membership_id={om}&permission_slug=p:r&resource_type_slug=project"
        ),
    ];
    let membership = format!("/user_management/organization_memberships/{om}");
    let question =
        json!({"permission_slug": "p:r", "resource_id": project, "organization_membership_id": om});
    let check = || {
        server
            .post(
                &format!("/authorization/organization_memberships/{om}/check"),
                question.clone(),
            )
            .ok()
    };
    let explain = || {
        server
            .post("/rowgate/v1/authorization/explain", question.clone())
            .ok()
    };
    let many = || {
        server
            .post("/rowgate/v1/authorization/check", json!({"checks": [question]}))
            .ok()
    };
    assert_eq!(check()["authorized"], true);
    assert_eq!(explain()["reasons"].as_array().unwrap().len(), 2);
    assert_eq!(world.claims(&json!({}))["role"], "admin");
    assert_eq!(server.get(&membership).ok()["role"]["slug"], "admin");
    for list in &lists {
        assert!(count(list) > 0, "{list}");
    }
    assert!(
        jiff::Timestamp::now() < ends,
        "the machine was too slow for this test"
    );
    while jiff::Timestamp::now() <= ends {
        std::thread::sleep(Duration::from_millis(20));
    }
    // What decides knows at once.
    assert_eq!(check()["authorized"], false);
    assert_eq!(many()["results"][0]["authorized"], false);
    assert_eq!(explain()["reasons"], json!([]));
    assert_eq!(world.claims(&json!({}))["roles"], json!(["member"]));
    assert_eq!(server.get(&membership).ok()["role"]["slug"], "member");
    for list in lists.iter().filter(|list| !list.contains("role_assignments")) {
        assert_eq!(count(list), 0, "{list}");
    }
    // Soon it is taken away, which the log says, and nothing waits for it any more.
    let since = Instant::now();
    let log = || {
        world.audit(&format!(
            "action=role_assignment.removed&organization_membership_id={om}"
        ))
    };
    while log().len() < 2 {
        assert!(since.elapsed() < Duration::from_secs(20), "{:?}", log());
        std::thread::sleep(Duration::from_millis(20));
    }
    let entries = log();
    assert_eq!(entries.len(), 2);
    for entry in &entries {
        assert_eq!(entry["actor"], json!({"type": "process", "name": "expiry"}));
        let at: jiff::Timestamp = entry["created_at"].as_str().unwrap().parse().unwrap();
        assert!(at >= ends, "{entry}");
        assert_eq!(
            (&entry["before"]["expires_at"], &entry["after"]),
            (&json!(ends.to_string()), &Value::Null)
        );
    }
    for list in &lists {
        assert_eq!(count(list), 0, "{list}");
    }
    let gone = server.delete(&format!("/authorization/resources/{project}"));
    assert_eq!(gone.status, 204, "{}", gone.text);
    let gone = server.delete("/rowgate/v1/authorization/roles/editor");
    assert_eq!(gone.status, 204, "{}", gone.text);
}

#[test]
fn what_only_looks_like_a_permission_is_answered_as_one_that_does_not_exist() {
    let world = World::start();
    let server = &world.server;
    let project = json!({"organization_id": world.org, "resource_type_slug": "project", "external_id": "p1", "name": "P"});
    let project = id(&server.post("/authorization/resources", project));
    let om = &world.om;
    id(&server.post(
        &world.assignments(),
        json!({"role_slug": "editor", "resource_id": project}),
    ));
    let asked = |slug: &str| {
        let question =
            json!({"permission_slug": slug, "resource_id": project, "organization_membership_id": om});
        let own = "/rowgate/v1/authorization";
        let answers = [
            server.post(&format!("/authorization/organization_memberships/{om}/check"), question.clone()),
            server.post(&format!("{own}/check"), json!({"checks": [question]})),
            server.post(&format!("{own}/explain"), question.clone()),
            server.get(&format!("{own}/resources?organization_membership_id={om}&permission_slug={slug}&resource_type_slug=project")),
            server.get(&format!("/authorization/resources/{project}/organization_memberships?permission_slug={slug}&assignment=indirect")),
            server.get(&format!("/authorization/organization_memberships/{om}/resources?permission_slug={slug}&parent_resource_type_slug=organization&parent_resource_external_id={}", world.org)),
        ];
        answers.map(|answer| answer.ok().to_string().replace(slug, "SLUG"))
    };
    let (real, unknown, looks) = (asked("p:r"), asked("p:zzz"), asked("pCr"));
    for (at, (real, unknown)) in real.iter().zip(&unknown).enumerate() {
        assert_ne!(real, unknown, "{at}");
    }
    assert_eq!(looks, unknown);
}

#[test]
fn what_is_misspelt_is_not_taken_for_absent() {
    let world = World::start();
    let types = "/rowgate/v1/authorization/types";
    let before = world.server.get(types).ok();
    let permission = json!({"slug": "x:y", "resource_type_slug": "project"});
    let twice = json!({"slug": "t", "parents": ["organization", "organization"]});
    for (body, field) in [
        (json!({"rols": [], "prune": true}), "rols"),
        (
            json!({"types": [{"slug": "t", "parent": "organization"}]}),
            "types[0].parent",
        ),
        (
            json!({"permissions": [permission]}),
            "permissions[0].resource_type_slug",
        ),
        (
            json!({"roles": [{"slug": "r", "permission": []}]}),
            "roles[0].permission",
        ),
        (json!({"types": [twice]}), "types[0].parents[1]"),
        (
            json!({"roles": [{"slug": "admin", "permissions": ["p:r", "p:r"]}]}),
            "roles[0].permissions[1]",
        ),
    ] {
        let error = world
            .server
            .put(types, body)
            .error(422, "invalid_request_parameters");
        assert_eq!(error["errors"][0]["field"], field, "{error}");
    }
    assert_eq!(world.server.get(types).ok(), before);
    let people = json!({"people": [], "gon": "remove"});
    let error = world
        .server
        .put(PEOPLE, people)
        .error(422, "invalid_request_parameters");
    assert_eq!(error["errors"][0]["field"], "gon");
    // Without its organization it would be the order of the environment.
    let order = json!({"organisation_id": world.org, "role_slugs": ["member"]});
    let path = "/rowgate/v1/authorization/role_priority";
    world
        .server
        .put(path, order)
        .error(422, "invalid_request_parameters");
    assert_eq!(world.server.get(types).ok(), before);
}
