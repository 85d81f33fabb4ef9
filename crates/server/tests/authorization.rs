//! `/authorization`: the requests that the published clients were seen to send, byte by byte, and the shapes that they need.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use serde_json::{Value, json};
use support::{Answer, Served};

/// A server with the types of the guide, an organization, a member and a small tree.
struct World {
    server: Served,
    org: String,
    om: String,
    user: String,
    workspace: String,
    project: String,
}

fn types() -> Value {
    json!({
        "types": [
            {"slug": "workspace", "parents": ["organization"]},
            {"slug": "project", "parents": ["workspace"]},
        ],
        "permissions": [
            {"slug": "org:manage"},
            {"slug": "p:r", "resource_type": "project"},
            {"slug": "w:r", "resource_type": "workspace"},
        ],
        "roles": [
            {"slug": "admin", "permissions": ["org:manage", "p:r"]},
            {"slug": "member"},
            {"slug": "lead", "resource_type": "workspace", "permissions": ["w:r", "p:r"]},
            {"slug": "editor", "resource_type": "project", "permissions": ["p:r"]},
        ],
    })
}

fn id(answer: &Value) -> String {
    answer["id"].as_str().unwrap().to_owned()
}

impl Answer {
    #[track_caller]
    fn made(&self) -> Value {
        assert_eq!(self.status, 201, "{}", self.text);
        self.json()
    }

    #[track_caller]
    fn gone(&self) {
        assert_eq!((self.status, self.text.as_str()), (204, ""), "{self:?}");
    }
}

impl World {
    fn start() -> Self {
        let server = Served::start();
        server.put("/rowgate/v1/authorization/types", types()).ok();
        let org = id(&server
            .post("/organizations", json!({"name": "Acme", "external_id": "cust-1"}))
            .made());
        let user = server.post(
            "/user_management/users",
            json!({"email": "a@b.c", "external_id": "x"}),
        );
        let user = id(&user.made());
        let om = server.post(
            "/user_management/organization_memberships",
            json!({"organization_id": org, "user_id": user}),
        );
        let om = id(&om.made());
        let mut world = Self {
            server,
            org,
            om,
            user,
            workspace: String::new(),
            project: String::new(),
        };
        world.workspace = id(&world.resource("workspace", "w1", json!({})).made());
        let parent = json!({"parent_resource_external_id": "w1", "parent_resource_type_slug": "workspace"});
        world.project = id(&world.resource("project", "a:b/c d", parent).made());
        world
    }

    fn resource(&self, ty: &str, external_id: &str, more: Value) -> Answer {
        let mut body = json!({
            "organization_id": self.org,
            "resource_type_slug": ty,
            "external_id": external_id,
            "name": "N",
        });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        self.server.post("/authorization/resources", body)
    }

    fn of(&self, rest: &str) -> String {
        format!("/authorization/organization_memberships/{}/{rest}", self.om)
    }

    fn may(&self, permission: &str, resource: &str) -> bool {
        let asked = json!({"permission_slug": permission, "resource_id": resource});
        self.server.post(&self.of("check"), asked).ok()["authorized"] == true
    }

    fn send(&self, method: &str, path: &str, body: Value) -> Answer {
        self.server.call_as(&self.server.key, method, path, Some(&body))
    }
}

#[test]
fn an_environment_begins_with_the_role_that_members_have() {
    let server = Served::start();
    let roles = server.get("/authorization/roles").ok();
    assert_eq!(roles["data"][0]["slug"], "member");
    assert!(roles.get("list_metadata").is_none());
    let permissions = server.get("/authorization/permissions?order=desc").ok();
    assert_eq!(permissions["data"], json!([]));
    assert_eq!(
        permissions["list_metadata"],
        json!({"before": null, "after": null})
    );
}

#[test]
fn a_role_as_the_clients_send_it() {
    let world = World::start();
    let body = json!({"slug": "e2", "name": "Editor", "resource_type_slug": "project"});
    let made = world.server.post("/authorization/roles", body.clone()).made();
    assert_eq!(made["object"], "role");
    assert_eq!(made["permissions"], json!([]));
    assert_eq!(
        made["created_at"].as_str().unwrap().len(),
        "2026-01-15T12:00:00.000Z".len()
    );
    world
        .server
        .post("/authorization/roles", body)
        .error(409, "role_slug_conflict");
    let changed = world
        .send(
            "PATCH",
            "/authorization/roles/e2",
            json!({"name": "E2", "description": null}),
        )
        .ok();
    assert_eq!(changed["name"], "E2");
    let set = world
        .server
        .put(
            "/authorization/roles/e2/permissions",
            json!({"permissions": ["p:r"]}),
        )
        .ok();
    assert_eq!(set["permissions"], json!(["p:r"]));
    let added = world
        .server
        .post("/authorization/roles/e2/permissions", json!({"slug": "p:r"}))
        .ok();
    assert_eq!(added["permissions"], json!(["p:r"]));
    let roles = format!("/authorization/organizations/{}/roles", world.org);
    let own = world.server.post(&roles, json!({"name": "Billing"})).made();
    let slug = own["slug"].as_str().unwrap();
    assert!(slug.starts_with("org-billing-"), "{slug}");
    world
        .server
        .put(
            &format!("{roles}/{slug}/permissions"),
            json!({"permissions": ["p:r"]}),
        )
        .ok();
    // Python escapes the colon, Node does not.
    let removed = world
        .server
        .delete(&format!("{roles}/{slug}/permissions/p%3Ar"))
        .ok();
    assert_eq!(removed["permissions"], json!([]));
    world
        .server
        .delete(&format!("{roles}/{slug}/permissions/p:r"))
        .error(404, "entity_not_found");
    world
        .server
        .delete(&format!("{roles}/admin"))
        .error(400, "bad_request");
    world.server.delete(&format!("{roles}/{slug}")).gone();
    let legacy = world
        .server
        .get(&format!("/organizations/{}/roles", world.org))
        .ok();
    assert_eq!(legacy, world.server.get(&roles).ok());
}

#[test]
fn a_permission_is_found_with_and_without_its_colon_escaped() {
    let world = World::start();
    let plain = world.server.get("/authorization/permissions/p:r").ok();
    assert_eq!(world.server.get("/authorization/permissions/p%3Ar").ok(), plain);
    assert_eq!(plain["resource_type_slug"], "project");
    assert_eq!(plain["system"], false);
}

#[test]
fn resources_by_id_and_by_an_external_id_with_a_slash() {
    let world = World::start();
    let by_id = world
        .server
        .get(&format!("/authorization/resources/{}", world.project))
        .ok();
    assert_eq!(by_id["external_id"], "a:b/c d");
    assert_eq!(by_id["parent_resource_id"], world.workspace.as_str());
    for path in ["a:b%2Fc%20d", "a%3Ab%2Fc%20d"] {
        let path = format!(
            "/authorization/organizations/{}/resources/project/{path}",
            world.org
        );
        assert_eq!(world.server.get(&path).ok(), by_id);
    }
    // An organization goes by its id and by its external id, and is only listed when asked for.
    for name in [world.org.as_str(), "cust-1"] {
        let path = format!(
            "/authorization/organizations/{}/resources/organization/{name}",
            world.org
        );
        let root = world.server.get(&path).ok();
        assert_eq!(
            (&root["external_id"], &root["parent_resource_id"]),
            (&json!("cust-1"), &Value::Null)
        );
    }
    let list = |query: &str| {
        world
            .server
            .get(&format!("/authorization/resources?{query}"))
            .ok()["data"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(
        list(&format!("organization_id={}&limit=50&order=desc", world.org)),
        2
    );
    assert_eq!(
        list(&format!(
            "organization_id={}&resource_type_slug=organization",
            world.org
        )),
        1
    );
    assert_eq!(
        list("resource_type_slug=project&resource_external_id=a:b%2Fc%20d"),
        1
    );
    let under = format!(
        "organization_id={}&parent_resource_type_slug=workspace&parent_external_id=w1&order=desc",
        world.org
    );
    assert_eq!(list(&under), 1);
    // As it is called everywhere else.
    assert_eq!(
        list(&under.replace("parent_external_id", "parent_resource_external_id")),
        1
    );
    let half = format!(
        "/authorization/resources?organization_id={}&parent_resource_external_id=w1",
        world.org
    );
    world.server.get(&half).error(422, "invalid_request_parameters");
    let both = format!("/authorization/resources?{under}&parent_resource_external_id=w1");
    world.server.get(&both).error(422, "invalid_request_parameters");
    let unfiltered = world.server.get("/authorization/resources");
    unfiltered.error(400, "missing_organization_id_or_resource_type_slug");
}

#[test]
fn a_deletion_with_dependents_is_refused_unless_it_cascades() {
    let world = World::start();
    let path = format!("/authorization/resources/{}", world.workspace);
    world.server.delete(&path).error(409, "resource_has_dependents");
    world
        .server
        .delete(&format!("{path}?cascade_delete=false"))
        .error(409, "resource_has_dependents");
    let gone = world.server.delete(&format!("{path}?cascade_delete=true"));
    gone.gone();
    assert_eq!(gone.header("rowgate-removed"), "resources=2");
    world
        .server
        .get(&format!("/authorization/resources/{}", world.project))
        .error(404, "entity_not_found");
}

#[test]
fn roles_are_assigned_and_removed_with_a_body() {
    let world = World::start();
    let body =
        json!({"role_slug": "editor", "resource_external_id": "a:b/c d", "resource_type_slug": "project"});
    assert!(!world.may("p:r", &world.project));
    let made = world
        .server
        .post(&world.of("role_assignments"), body.clone())
        .made();
    assert_eq!(
        made["source"],
        json!({"type": "direct", "group_role_assignment_id": null, "group": null})
    );
    assert_eq!(made["organization_membership_id"], world.om.as_str());
    assert_eq!(
        id(&world
            .server
            .post(&world.of("role_assignments"), body.clone())
            .made()),
        id(&made)
    );
    assert!(world.may("p:r", &world.project));
    let on_resource = format!(
        "/authorization/resources/{}/role_assignments?role_slug=editor&order=desc",
        world.project
    );
    assert_eq!(world.server.get(&on_resource).ok()["data"][0], made);
    world
        .send("DELETE", &world.of("role_assignments"), body.clone())
        .gone();
    world
        .send("DELETE", &world.of("role_assignments"), body)
        .error(404, "entity_not_found");
    assert!(!world.may("p:r", &world.project));
    let mine = world.server.get(&world.of("role_assignments?order=desc")).ok();
    assert_eq!(mine["data"][0]["role"]["slug"], "member");
    assert_eq!(mine["data"][0]["resource"]["resource_type_slug"], "organization");
}

#[test]
fn checks_refuse_as_documented() {
    let world = World::start();
    let check = |body: Value| world.server.post(&world.of("check"), body);
    let both = json!({"permission_slug": "p:r", "resource_id": world.project, "resource_external_id": "x", "resource_type_slug": "project"});
    for body in [
        json!({}),
        json!({"permission_slug": "p:r"}),
        json!({"resource_id": world.project}),
        json!({"permission_slug": "p:r", "resource_external_id": "x"}),
        json!({"permission_slug": "p:r", "resource_id": 7}),
        both,
    ] {
        let error = check(body).error(422, "invalid_request_parameters");
        assert!(error["errors"][0]["code"].is_string(), "{error}");
    }
    let missing =
        json!({"permission_slug": "p:r", "resource_external_id": "missing", "resource_type_slug": "project"});
    let error = check(missing).error(404, "entity_not_found");
    assert_eq!(error["entity_id"], "missing");
    let nobody = world.server.post(
        "/authorization/organization_memberships/om_nobody/check",
        json!({}),
    );
    nobody.error(404, "entity_not_found");
    // What is not JSON, whatever it says it is.
    for body in [
        "<html>",
        "[]",
        "{\"permission_slug\": \"a\", \"permission_slug\": \"b\"}",
    ] {
        let answer = world
            .server
            .post_raw(&world.of("check"), "text/html", body.as_bytes());
        answer.error(422, "invalid_request_parameters");
    }
    let without = world.server.send("POST", &world.of("check"), &[], Some(b"{}"));
    assert_eq!(without.status, 401);
    assert!(without.json()["message"].is_string());
}

#[test]
fn a_parameter_counts_once_unless_it_is_a_list() {
    let world = World::start();
    let resources = format!("/authorization/resources?organization_id={}", world.org);
    for twice in [
        "limit=1&limit=2",
        "order=asc&order=asc",
        "%6Cimit=1&limit=1",
        "unknown=1&unknown=2",
    ] {
        let error = world.server.get(&format!("{resources}&{twice}"));
        let error = error.error(422, "invalid_request_parameters");
        let name = twice.split_once('=').unwrap().0.replace("%6C", "l");
        assert_eq!(error["errors"][0]["field"], name, "{error}");
        assert_eq!(error["errors"][0]["code"], "invalid");
    }
    let path = world.of("resources?permission_slug=p:r&permission_slug=w:r&parent_resource_id=x");
    world.server.get(&path).error(422, "invalid_request_parameters");
    // Some send lists like this.
    let memberships = format!("/user_management/organization_memberships?user_id={}", world.user);
    for statuses in [
        "statuses=active,inactive",
        "statuses=inactive&statuses=active",
        "statuses[]=inactive&statuses%5B%5D=active",
    ] {
        let found = world.server.get(&format!("{memberships}&{statuses}")).ok();
        assert_eq!(found["data"].as_array().unwrap().len(), 1, "{statuses}");
    }
    let none = world
        .server
        .get(&format!("{memberships}&statuses=inactive&statuses=pending"));
    assert_eq!(none.ok()["data"], json!([]));
    // Every 400 has what clients recognise it by.
    let path = format!("{resources}&search=%FF");
    let error = world.server.get(&path).error(422, "invalid_request_parameters");
    assert_eq!(error["errors"][0]["field"], "search");
    let key = format!("Bearer {}", world.server.key);
    let headers = [("Authorization", key.as_str()), ("Rowgate-On-Behalf-Of", "")];
    let answer = world.server.send("GET", &resources, &headers, None);
    let error = answer.error(400, "invalid_parameter");
    assert_eq!(error["errors"][0]["code"], "invalid_parameter");
}

#[test]
fn lists_and_texts_have_bounds() {
    let world = World::start();
    let user = format!("/user_management/users/{}", world.user);
    let organization = format!("/organizations/{}", world.org);
    let wrong = |path: &str, body: Value| {
        let error = world
            .server
            .put(path, body)
            .error(422, "invalid_request_parameters");
        error["errors"][0]["code"].as_str().unwrap().to_owned()
    };
    for field in ["first_name", "last_name", "name", "locale"] {
        assert_eq!(wrong(&user, json!({field: "x".repeat(257)})), "too_long");
    }
    let domains: Vec<String> = (0..101).map(|n| format!("{n}.example.com")).collect();
    assert_eq!(wrong(&organization, json!({"domains": domains})), "too_many");
    assert_eq!(
        wrong(&organization, json!({"domains": ["x".repeat(254)]})),
        "too_long"
    );
    let roles: Vec<String> = (0..101).map(|n| format!("r{n}")).collect();
    let membership = format!("/user_management/organization_memberships/{}", world.om);
    assert_eq!(wrong(&membership, json!({"role_slugs": roles})), "too_many");
    // Metadata has at most fifty keys, in however many requests they come.
    let keys = |range: std::ops::Range<usize>| -> Value {
        let all = range.map(|n| (format!("k{n}"), json!("v")));
        json!({"metadata": all.collect::<serde_json::Map<String, Value>>()})
    };
    for path in [&user, &organization] {
        world.server.put(path, keys(0..50)).ok();
        world.server.put(path, keys(25..50)).ok();
        world
            .server
            .put(path, keys(50..51))
            .error(400, "invalid_metadata");
        let long = json!({"metadata": {"k".repeat(129): "v"}});
        world.server.put(path, long).error(400, "invalid_metadata");
        let kept = world.server.get(path).ok();
        assert_eq!(kept["metadata"].as_object().unwrap().len(), 50);
        world
            .server
            .put(path, json!({"metadata": {"k1": null, "more": "v"}}))
            .ok();
    }
}

#[test]
fn lists_of_what_can_be_reached_and_by_whom() {
    let world = World::start();
    let body = json!({"role_slug": "lead", "resource_id": world.workspace});
    world.server.post(&world.of("role_assignments"), body).made();
    let children = |parent: &str| {
        let path = world.of(&format!("resources?permission_slug=p%3Ar&{parent}&order=desc"));
        world.server.get(&path).ok()["data"].as_array().unwrap().len()
    };
    assert_eq!(children(&format!("parent_resource_id={}", world.workspace)), 1);
    assert_eq!(
        children("parent_resource_type_slug=workspace&parent_resource_external_id=w1"),
        1
    );
    assert_eq!(
        children("parent_resource_type_slug=organization&parent_resource_external_id=cust-1"),
        1
    );
    let members = |rest: &str| {
        let path = format!(
            "/authorization/resources/{}/organization_memberships?permission_slug=p%3Ar&order=desc{rest}",
            world.project
        );
        world.server.get(&path).ok()["data"].clone()
    };
    assert_eq!(members(""), json!([]));
    let everybody = members("&assignment=indirect");
    assert_eq!(everybody[0]["id"], world.om.as_str());
    assert_eq!(everybody[0]["user"]["email"], "a@b.c");
    assert!(everybody[0].get("role").is_none());
    let slugs = |path: String| -> Vec<String> {
        let list = world.server.get(&path).ok();
        list["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["slug"].as_str().unwrap().to_owned())
            .collect()
    };
    let wanted = ["w:r", "p:r"];
    let (om, project) = (&world.om, &world.project);
    assert_eq!(
        slugs(world.of(&format!("resources/{project}/permissions?order=desc"))),
        wanted
    );
    assert_eq!(
        slugs(world.of("resources/project/a:b%2Fc%20d/permissions?order=desc")),
        wanted
    );
    assert_eq!(
        slugs(format!(
            "/authorization/resources/{project}/organization_memberships/{om}/permissions?order=desc"
        )),
        wanted
    );
}

#[test]
fn group_role_assignments_as_the_clients_send_them() {
    let world = World::start();
    let groups = format!("/organizations/{}/groups", world.org);
    let group = id(&world
        .server
        .post(&groups, json!({"name": "Eng", "description": null}))
        .made());
    let member = json!({"organization_membership_id": world.om});
    let joined = world
        .server
        .post(&format!("{groups}/{group}/organization-memberships"), member)
        .ok();
    assert_eq!(joined["object"], "group");
    let path = format!("/authorization/groups/{group}/role_assignments");
    let made = world.server.post(&path, json!({"role_slug": "admin"})).made();
    assert_eq!(made["resource"]["resource_type_slug"], "organization");
    world
        .server
        .post(&path, json!({"role_slug": "admin"}))
        .error(409, "duplicate_group_role_assignment");
    assert!(world.may("p:r", &world.project));
    let membership = world
        .server
        .get(&format!("/user_management/organization_memberships/{}", world.om))
        .ok();
    assert_eq!(membership["role"], json!({"slug": "admin"}));
    let entries = json!({"role_assignments": [
        {"role_slug": "admin"},
        {"role_slug": "editor", "resource_external_id": "a:b/c d", "resource_type_slug": "project"},
    ]});
    let replaced = world.server.put(&path, entries).ok();
    assert_eq!(replaced["data"].as_array().unwrap().len(), 2);
    assert!(replaced["list_metadata"].is_object());
    let patch = json!({"add": [{"role_slug": "admin"}], "remove": [{"role_slug": "editor", "resource_id": world.project}]});
    world.send("PATCH", &path, patch).gone();
    let overlap = json!({"add": [{"role_slug": "admin"}], "remove": [{"role_slug": "admin"}]});
    world
        .send("PATCH", &path, overlap)
        .error(422, "group_role_assignment_update_overlap");
    world.send("DELETE", &path, json!({"role_slug": "admin"})).gone();
    world
        .send("DELETE", &path, json!({"role_slug": "admin"}))
        .error(404, "entity_not_found");
    assert!(!world.may("p:r", &world.project));
}

#[test]
fn what_groups_are_assigned_is_replaced_and_changed_as_a_whole() {
    let world = World::start();
    let group = format!("/organizations/{}/groups", world.org);
    let group = id(&world.server.post(&group, json!({"name": "Eng"})).made());
    let path = format!("/authorization/groups/{group}/role_assignments");
    let roles = || -> Vec<String> {
        let list = world.server.get(&format!("{path}?order=asc")).ok();
        let slugs = list["data"].as_array().unwrap().iter();
        slugs
            .map(|one| one["role"]["slug"].as_str().unwrap().to_owned())
            .collect()
    };
    let put = |all: Value| world.server.put(&path, json!({"role_assignments": all}));
    let patch = |body: Value| world.send("PATCH", &path, body);
    let (admin, member) = (json!({"role_slug": "admin"}), json!({"role_slug": "member"}));
    let lead = json!({"role_slug": "lead", "resource_id": world.workspace});
    let editor =
        json!({"role_slug": "editor", "resource_external_id": "a:b/c d", "resource_type_slug": "project"});
    let twice = put(json!([admin, lead, admin, editor])).ok();
    assert_eq!(twice["data"].as_array().unwrap().len(), 3, "each once: {twice}");
    let before = roles();
    let kept = world.server.get(&path).ok();
    // What is wrong with one changes none.
    let elsewhere = id(&world
        .server
        .post("/organizations", json!({"name": "Other"}))
        .made());
    let root = format!("/authorization/organizations/{elsewhere}/resources/organization/{elsewhere}");
    let elsewhere = json!({"role_slug": "admin", "resource_id": world.server.get(&root).ok()["id"]});
    let wrong_type = json!({"role_slug": "editor", "resource_id": world.workspace});
    let unknown = json!({"role_slug": "nobody"});
    for (entry, status, code) in [
        (&elsewhere, 404, "entity_not_found"),
        (&unknown, 404, "entity_not_found"),
        (&wrong_type, 422, "invalid_role"),
        (&json!({}), 422, "invalid_request_parameters"),
        (
            &json!({"role_slug": "admin", "resource_type_slug": "project"}),
            422,
            "invalid_request_parameters",
        ),
        (&json!("admin"), 422, "invalid_request_parameters"),
    ] {
        put(json!([member, entry])).error(status, code);
        patch(json!({"add": [member, entry], "remove": [admin]})).error(status, code);
        assert_eq!(roles(), before, "{entry}");
    }
    let many: Vec<&Value> = std::iter::repeat_n(&admin, 101).collect();
    put(json!(many)).error(422, "invalid_request_parameters");
    patch(json!({"add": many[..60], "remove": many[..41]})).error(422, "invalid_request_parameters");
    world
        .server
        .put(&path, json!({}))
        .error(422, "invalid_request_parameters");
    for nothing in [json!({}), json!({"add": [], "remove": []}), json!({"add": null})] {
        patch(nothing).error(422, "invalid_request_parameters");
    }
    assert_eq!(world.server.get(&path).ok(), kept);
    // What is there is not added, what is not there is not removed, and what stays keeps its id.
    patch(json!({"add": [admin, admin, member], "remove": [editor, editor]})).gone();
    patch(json!({"remove": [editor]})).gone();
    assert_eq!(roles(), ["admin", "lead", "member"]);
    let first = |list: &Value| list["data"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(first(&world.server.get(&path).ok()), first(&kept));
    assert_eq!(put(json!([])).ok()["data"], json!([]));
    assert_eq!(roles(), [""; 0]);
}

#[test]
fn members_of_a_group_come_and_go_together() {
    let world = World::start();
    let groups = format!("/organizations/{}/groups", world.org);
    let group = id(&world.server.post(&groups, json!({"name": "Eng"})).made());
    let path = format!("{groups}/{group}/organization-memberships");
    let member = |email: &str, org: &str| {
        let user = id(&world
            .server
            .post("/user_management/users", json!({"email": email}))
            .made());
        let body = json!({"organization_id": org, "user_id": user});
        id(&world
            .server
            .post("/user_management/organization_memberships", body)
            .made())
    };
    let bob = member("bob@example.com", &world.org);
    let other = id(&world
        .server
        .post("/organizations", json!({"name": "Other"}))
        .made());
    let stranger = member("carl@example.com", &other);
    let count = || world.server.get(&path).ok()["data"].as_array().unwrap().len();
    let patch = |body: Value| world.send("PATCH", &path, body);
    patch(json!({"add": [world.om, bob, bob]})).ok();
    assert_eq!(count(), 2);
    let joined = format!("/rowgate/v1/authorization/audit?group_id={group}&action=group_member.added");
    assert_eq!(
        world.server.get(&joined).ok()["data"].as_array().unwrap().len(),
        2
    );
    patch(json!({"add": [bob], "remove": [bob]})).error(422, "group_membership_update_overlap");
    patch(json!({"add": [stranger], "remove": [bob]})).error(404, "entity_not_found");
    patch(json!({"add": vec![&bob; 60], "remove": vec!["om_x"; 41]}))
        .error(422, "invalid_request_parameters");
    for nothing in [json!({}), json!({"add": "om"}), json!({"add": [7]})] {
        patch(nothing).error(422, "invalid_request_parameters");
    }
    assert_eq!(count(), 2, "nothing was changed");
    patch(json!({"remove": [bob, bob]})).ok();
    patch(json!({"remove": [bob]})).ok();
    assert_eq!(count(), 1);
    world
        .server
        .delete(&format!("{path}/{bob}"))
        .error(404, "entity_not_found");
}

#[test]
fn memberships_as_the_clients_send_them() {
    let world = World::start();
    let path = "/user_management/organization_memberships";
    let one = format!("{path}/{}", world.om);
    let updated = world
        .server
        .put(&one, json!({"role_slugs": ["admin", "member"]}))
        .ok();
    assert_eq!(updated["roles"], json!([{"slug": "admin"}, {"slug": "member"}]));
    let again = world.server.post(
        path,
        json!({"organization_id": world.org, "user_id": world.user, "role_slug": "admin"}),
    );
    again.error(409, "user_already_organization_member");
    assert_eq!(
        world.server.put(&format!("{one}/deactivate"), json!({})).ok()["status"],
        "inactive"
    );
    assert!(!world.may("org:manage", &world.workspace));
    let count = |query: &str| {
        world.server.get(&format!("{path}?{query}")).ok()["data"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(
        count(&format!("user_id={}&order=desc", world.user)),
        0,
        "active ones only"
    );
    assert_eq!(
        count(&format!(
            "user_id={}&statuses=active%2Cinactive&order=desc",
            world.user
        )),
        1
    );
    world
        .server
        .get(path)
        .error(400, "missing_user_id_or_organization_id");
    // Python sends no body.
    let back = world.server.send(
        "PUT",
        &format!("{one}/reactivate"),
        &[("Authorization", &format!("Bearer {}", world.server.key))],
        None,
    );
    assert_eq!(back.ok()["status"], "active");
    let scoped = world.server.put(&one, json!({"role_slug": "editor"}));
    let error = scoped.error(422, "sub_resource_scoped_role_not_allowed");
    assert_eq!(error["role_slug"], "editor");
    let removed = world.server.delete(&one);
    assert_eq!((removed.status, removed.text.as_str()), (200, ""));
}

#[test]
fn a_request_that_is_sent_again_gets_the_same_answer() {
    let world = World::start();
    let key = format!("Bearer {}", world.server.key);
    let headers = [("Authorization", key.as_str()), ("Idempotency-Key", "retry-1")];
    let body = json!({"organization_id": world.org, "resource_type_slug": "workspace", "external_id": "w9", "name": "N"});
    let send = || {
        world.server.send(
            "POST",
            "/authorization/resources",
            &headers,
            Some(body.to_string().as_bytes()),
        )
    };
    let (first, second) = (send(), send());
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(first.text, second.text);
    assert_eq!(second.header("idempotent-replayed"), "true");
    world
        .resource("workspace", "w9", json!({}))
        .error(409, "authorization_resource_external_id_conflict");
    // The same key of a check says nothing about the next one.
    let asked = json!({"permission_slug": "w:r", "resource_id": world.workspace}).to_string();
    let check = || {
        world
            .server
            .send("POST", &world.of("check"), &headers, Some(asked.as_bytes()))
            .ok()
    };
    assert_eq!(check()["authorized"], false);
    world
        .server
        .post(
            &world.of("role_assignments"),
            json!({"role_slug": "lead", "resource_id": world.workspace}),
        )
        .made();
    assert_eq!(check()["authorized"], true);
}

#[test]
fn of_two_requests_for_one_name_one_wins() {
    let world = World::start();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let sending: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| world.resource("workspace", "same", json!({})).status))
            .collect();
        sending.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(
        statuses.iter().filter(|status| **status == 201).count(),
        1,
        "{statuses:?}"
    );
    assert_eq!(
        statuses.iter().filter(|status| **status == 409).count(),
        7,
        "{statuses:?}"
    );
}

#[test]
fn beyond_the_api_reasons_several_checks_conditions_and_lists_without_a_parent() {
    let world = World::start();
    let lead =
        json!({"role_slug": "lead", "resource_id": world.workspace, "expires_at": "2999-01-01T00:00:00Z"});
    let made = world.server.post(&world.of("role_assignments"), lead).made();
    assert_eq!(made["expires_at"], "2999-01-01T00:00:00Z");
    let question = json!({"organization_membership_id": world.om, "permission_slug": "p:r", "resource_id": world.project});
    let why = world
        .server
        .post("/rowgate/v1/authorization/explain", question.clone())
        .ok();
    assert_eq!(why["authorized"], true);
    assert_eq!(why["reasons"][0]["role_assignment"]["id"], made["id"]);
    assert_eq!(why["reasons"][0]["inherited"], true);
    let mut unknown = question.clone();
    unknown["resource_id"] = "authz_resource_x".into();
    let many = world
        .server
        .post(
            "/rowgate/v1/authorization/check",
            json!({"checks": [question, unknown]}),
        )
        .ok();
    assert_eq!(many["results"][0], json!({"authorized": true}));
    assert_eq!(many["results"][1]["error"]["code"], "entity_not_found");
    let everywhere = format!(
        "/rowgate/v1/authorization/resources?organization_membership_id={}&permission_slug=p:r&resource_type_slug=project",
        world.om
    );
    assert_eq!(
        world.server.get(&everywhere).ok()["data"][0]["id"],
        world.project.as_str()
    );
    let conditional = json!({"role_slug": "admin", "resource_external_id": "cust-1", "resource_type_slug": "organization", "condition": "ip == \"10.0.0.1\""});
    world
        .server
        .post(&world.of("role_assignments"), conditional)
        .made();
    let check = |context: Value| {
        let asked =
            json!({"permission_slug": "org:manage", "resource_id": world.project, "context": context});
        world.server.post(&world.of("check"), asked).ok()
    };
    assert_eq!(check(json!({"ip": "10.0.0.1"})), json!({"authorized": true}));
    assert_eq!(
        check(json!({})),
        json!({"authorized": false, "missing_context_keys": ["ip"]})
    );
    world
        .server
        .delete("/rowgate/v1/authorization/roles/member")
        .error(400, "bad_request");
    let order = json!({"role_slugs": ["editor", "lead"]});
    let ordered = world
        .server
        .put("/rowgate/v1/authorization/role_priority", order)
        .ok();
    assert_eq!(ordered["data"][0]["slug"], "editor");
}

#[test]
fn what_is_stored_is_there_after_a_restart_and_after_an_import() {
    let world = World::start();
    world
        .server
        .post(
            &world.of("role_assignments"),
            json!({"role_slug": "lead", "resource_id": world.workspace}),
        )
        .made();
    let export = world.server.get("/rowgate/v1/export").text;
    let (om, project) = (world.om.clone(), world.project.clone());
    let check = json!({"permission_slug": "p:r", "resource_id": project});
    let path = format!("/authorization/organization_memberships/{om}/check");
    let again = world.server.restart();
    assert_eq!(again.post(&path, check.clone()).ok()["authorized"], true);
    let copy = Served::start();
    copy.post_raw("/rowgate/v1/import", "application/x-ndjson", export.as_bytes())
        .ok();
    assert_eq!(copy.post(&path, check).ok()["authorized"], true);
}

#[test]
fn both_faces_live_in_one_environment() {
    let world = World::start();
    let server = &world.server;
    // A type of one's own can name what this API keeps.
    server.apply("version 0.3\ntype user\ntype document\n    relation owner [user]\n");
    assert_eq!(
        server.get("/authorization/roles").ok()["data"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
    world
        .server
        .post(
            &world.of("role_assignments"),
            json!({"role_slug": "lead", "resource_id": world.workspace}),
        )
        .made();
    assert!(world.may("p:r", &world.project));
    let schema = server.get("/fga/v1/schema").ok();
    let mut types: Vec<Value> = schema["resource_types"].as_array().unwrap().clone();
    types.push(json!({"type": "file", "relations": {
        "project": {"allowed_types": ["authz-project"]},
        "viewer": {"inherit_if": "may_pCr", "of_type": "authz-project", "with_relation": "project"},
    }}));
    let applied = server.post(
        "/fga/v1/schema",
        json!({"version": "0.3", "resource_types": types, "policies": {}}),
    );
    applied.ok();
    let id = server.get("/fga/v1/resources?resource_type=authz-project").ok()["data"][0]["resource_id"]
        .as_str()
        .unwrap()
        .to_owned();
    server.grant(&format!("file:f1#project@authz-project:{id}"));
    assert!(server.allows(
        &format!("file:f1#viewer@authz--membership:{}", world.om),
        json!({})
    ));
    // But it cannot change it.
    let warrant = json!({"resource_type": "authz--role", "resource_id": "admin", "relation": "may_pCr", "subject": {"resource_type": "authz--membership", "resource_id": "*"}});
    server
        .post("/fga/v1/warrants", warrant)
        .error(400, "reserved_type");
    server
        .delete("/fga/v1/resources/authz--role/admin")
        .error(400, "reserved_type");
    server
        .delete("/fga/v1/resource-types/authz--role")
        .error(400, "reserved_type");
}
