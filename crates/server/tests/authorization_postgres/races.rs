//! Two servers on one database, and two requests at the same time that cannot both have their way: one outcome, the documented error for
//! the other, and nothing half done.

use std::sync::{Arc, Barrier};

use serde_json::{Value, json};

use super::support::{Answer, Served};
use super::{eventually, id};

/// How often each race is run: who is first differs.
const ROUNDS: usize = 6;

struct Two {
    one: Served,
    two: Served,
    org: String,
}

fn types() -> Value {
    json!({
        "types": [
            {"slug": "workspace", "parents": ["organization"]},
            {"slug": "project", "parents": ["workspace"]},
        ],
        "permissions": [{"slug": "p:r", "resource_type": "project"}],
        "roles": [
            {"slug": "member"},
            {"slug": "lead", "resource_type": "workspace", "permissions": ["p:r"]},
        ],
    })
}

impl Two {
    fn start() -> Self {
        let one = Served::start();
        let two = Served::start_on(Arc::clone(one.database()));
        one.put("/rowgate/v1/authorization/types", types()).ok();
        let org = id(&one.post("/organizations", json!({"name": "Acme"})));
        eventually("the organization", || {
            two.get(&format!("/organizations/{org}")).status == 200
        });
        Self { one, two, org }
    }

    /// Two requests at once, one on each server.
    fn race(
        &self,
        first: impl FnOnce(&Served) -> Answer + Send,
        second: impl FnOnce(&Served) -> Answer + Send,
    ) -> [Answer; 2] {
        let together = Barrier::new(2);
        std::thread::scope(|scope| {
            let first = scope.spawn(|| {
                together.wait();
                first(&self.one)
            });
            let second = scope.spawn(|| {
                together.wait();
                second(&self.two)
            });
            [first.join().unwrap(), second.join().unwrap()]
        })
    }

    /// The same request on both servers. One gets it, the other one is told so.
    fn only_one(&self, path: &str, body: &Value, status: u16, code: &str) {
        let outcome = self.race(
            |server| server.post(path, body.clone()),
            |server| server.post(path, body.clone()),
        );
        let [won, lost] = sorted(outcome);
        assert_eq!(won.status, 201, "{path}: {} and {}", won.text, lost.text);
        lost.error(status, code);
    }

    fn make(&self, path: &str, body: Value) -> String {
        id(&self.one.post(path, body))
    }

    fn workspace(&self, name: &str) -> String {
        self.make(
            "/authorization/resources",
            self.resource("workspace", name, &Value::Null),
        )
    }

    fn resource(&self, ty: &str, name: &str, parent: &Value) -> Value {
        json!({"organization_id": self.org, "resource_type_slug": ty, "external_id": name, "name": name,
               "parent_resource_id": parent})
    }

    fn member(&self, name: &str) -> (String, String) {
        let email = format!("{name}@example.com");
        let user = self.make("/user_management/users", json!({"email": email}));
        let membership = json!({"organization_id": self.org, "user_id": user});
        let om = self.make("/user_management/organization_memberships", membership);
        self.everywhere();
        (user, om)
    }

    /// Both servers have read everything.
    fn everywhere(&self) {
        let path = format!("/organizations/{}", self.org);
        let name = json!({"name": format!("Acme {}", self.exports().len())});
        let changed = self.one.put(&path, name).ok();
        eventually("the latest change", || self.two.get(&path).ok() == changed);
    }

    fn exports(&self) -> String {
        self.one.get("/rowgate/v1/export").text
    }

    /// Both servers come to have the same, and it is what an import takes: nothing of it is half done.
    fn agree(&self) {
        self.everywhere();
        eventually("the same data", || {
            self.two.get("/rowgate/v1/export").text == self.exports()
        });
        let copy = Served::start();
        let export = self.exports();
        let taken = copy.post_raw("/rowgate/v1/import", "application/x-ndjson", export.as_bytes());
        assert_eq!(taken.status, 200, "{}", taken.text);
    }
}

fn sorted([first, second]: [Answer; 2]) -> [Answer; 2] {
    if first.status <= second.status {
        [first, second]
    } else {
        [second, first]
    }
}

#[test]
fn of_two_that_want_the_same_name_one_gets_it() {
    let two = Two::start();
    let roles = format!("/authorization/organizations/{}/roles", two.org);
    for round in 0..ROUNDS {
        let slug = format!("s{round}");
        let named = json!({"slug": slug, "name": "N"});
        two.only_one("/authorization/roles", &named, 409, "role_slug_conflict");
        two.only_one(
            "/authorization/permissions",
            &named,
            409,
            "permission_slug_conflict",
        );
        let own = json!({"slug": format!("org-{slug}"), "name": "N"});
        two.only_one(&roles, &own, 409, "organization_role_slug_conflict");
        let resource = two.resource("workspace", &slug, &Value::Null);
        let code = "authorization_resource_external_id_conflict";
        two.only_one("/authorization/resources", &resource, 409, code);
        let organization = json!({"name": "N", "external_id": slug});
        two.only_one("/organizations", &organization, 400, "external_id_already_used");
        let user = json!({"email": format!("{slug}@example.com")});
        two.only_one("/user_management/users", &user, 400, "user_creation_error");
    }
    two.agree();
}

#[test]
fn a_user_becomes_a_member_once() {
    let two = Two::start();
    for round in 0..ROUNDS {
        let user = two.make(
            "/user_management/users",
            json!({"email": format!("u{round}@example.com")}),
        );
        two.everywhere();
        let membership = json!({"organization_id": two.org, "user_id": user});
        let (path, code) = (
            "/user_management/organization_memberships",
            "user_already_organization_member",
        );
        two.only_one(path, &membership, 409, code);
    }
    two.agree();
}

#[test]
fn a_role_that_both_assign_is_assigned_once() {
    let two = Two::start();
    let group = two.make(
        &format!("/organizations/{}/groups", two.org),
        json!({"name": "G"}),
    );
    for round in 0..ROUNDS {
        let (_, om) = two.member(&format!("m{round}"));
        let workspace = two.workspace(&format!("w{round}"));
        two.everywhere();
        let role = json!({"role_slug": "lead", "resource_id": workspace});
        let path = format!("/authorization/organization_memberships/{om}/role_assignments");
        let assign = |server: &Served| server.post(&path, role.clone());
        let [first, second] = two.race(assign, assign);
        assert_eq!(id(&first), id(&second), "one assignment");
        let log = format!("/rowgate/v1/authorization/audit?organization_membership_id={om}&role_slug=lead");
        assert_eq!(two.one.get(&log).ok()["data"].as_array().unwrap().len(), 1);
        // Of a group, the second one is told.
        let path = format!("/authorization/groups/{group}/role_assignments");
        two.only_one(&path, &role, 409, "duplicate_group_role_assignment");
    }
    two.agree();
}

#[test]
fn nothing_is_created_under_what_is_deleted() {
    let two = Two::start();
    for round in 0..ROUNDS {
        for cascade in [false, true] {
            let name = format!("{round}{cascade}");
            let workspace = two.workspace(&name);
            two.everywhere();
            let child = two.resource("project", &name, &json!(workspace));
            let path = format!("/authorization/resources/{workspace}?cascade_delete={cascade}");
            let [deleted, made] = two.race(
                |server| server.delete(&path),
                |server| server.post("/authorization/resources", child),
            );
            match (deleted.status, made.status) {
                (204, 404) => {
                    made.error(404, "entity_not_found");
                }
                (409, 201) if !cascade => {
                    deleted.error(409, "resource_has_dependents");
                }
                // It was there for a moment.
                (204, 201) if cascade => assert_eq!(deleted.header("rowgate-removed"), "resources=2"),
                _ => panic!("{} and {}", deleted.text, made.text),
            }
            let list = format!(
                "/authorization/resources?organization_id={}&resource_external_id={name}",
                two.org
            );
            let wanted = if deleted.status == 409 { 2 } else { 0 };
            for server in [&two.one, &two.two] {
                eventually("what is left", || {
                    server.get(&list).ok()["data"].as_array().unwrap().len() == wanted
                });
            }
        }
    }
    two.agree();
}

#[test]
fn a_role_that_is_deleted_is_assigned_to_nobody() {
    let two = Two::start();
    let (_, om) = two.member("ann");
    for round in 0..ROUNDS {
        let slug = format!("r{round}");
        two.make("/authorization/roles", json!({"slug": slug, "name": "R"}));
        two.everywhere();
        let role =
            json!({"role_slug": slug, "resource_external_id": two.org, "resource_type_slug": "organization"});
        let [deleted, assigned] = two.race(
            |server| server.delete(&format!("/rowgate/v1/authorization/roles/{slug}")),
            |server| {
                let path = format!("/authorization/organization_memberships/{om}/role_assignments");
                server.post(&path, role)
            },
        );
        match (deleted.status, assigned.status) {
            (204, 404) => assigned.error(404, "entity_not_found"),
            (409, 201) => deleted.error(409, "role_has_assignments"),
            _ => panic!("{} and {}", deleted.text, assigned.text),
        };
    }
    two.agree();
}

#[test]
fn a_membership_that_goes_leaves_nothing_and_one_that_rests_has_nothing() {
    let two = Two::start();
    let workspace = two.workspace("w");
    let role = json!({"role_slug": "lead", "resource_id": workspace});
    for round in 0..ROUNDS {
        let (_, om) = two.member(&format!("m{round}"));
        let assignments = format!("/authorization/organization_memberships/{om}/role_assignments");
        let membership = format!("/user_management/organization_memberships/{om}");
        let [assigned, rests] = two.race(
            |server| server.post(&assignments, role.clone()),
            |server| server.put(&format!("{membership}/deactivate"), json!({})),
        );
        assert_eq!((assigned.status, rests.status), (201, 200), "{}", assigned.text);
        let ask = json!({"permission_slug": "p:r", "resource_id": workspace});
        for server in [&two.one, &two.two] {
            eventually("it rests", || {
                server.get(&membership).ok()["status"] == "inactive"
            });
            let check = format!("/authorization/organization_memberships/{om}/check");
            assert_eq!(server.post(&check, ask.clone()).ok()["authorized"], false);
        }
        two.two.put(&format!("{membership}/reactivate"), json!({})).ok();
        let removed = two.two.call_as(&two.two.key, "DELETE", &assignments, Some(&role));
        assert_eq!(removed.status, 204, "it has come back with what it was assigned");
        two.everywhere();
        let [assigned, gone] = two.race(
            |server| server.post(&assignments, role.clone()),
            |server| server.delete(&membership),
        );
        assert!(matches!(assigned.status, 201 | 404), "{}", assigned.text);
        assert_eq!(gone.status, 200, "{}", gone.text);
    }
    two.agree();
    let left = format!("/authorization/resources/{workspace}/role_assignments");
    assert_eq!(two.one.get(&left).ok()["data"], json!([]));
}

#[test]
fn types_that_both_apply_are_both_there_or_one_is_refused() {
    let two = Two::start();
    let path = "/rowgate/v1/authorization/types";
    for round in 0..ROUNDS {
        let add =
            |ty: &str| json!({"types": [{"slug": format!("{ty}{round}"), "parents": ["organization"]}]});
        let [first, second] = two.race(
            |server| server.put(path, add("a")),
            |server| server.put(path, add("b")),
        );
        first.ok();
        second.ok();
        // The same permission on one type and on the other.
        let slug = format!("x{round}:do");
        let declare = |ty: &str| {
            let ty = format!("{ty}{round}");
            json!({"permissions": [{"slug": slug, "resource_type": ty}]})
        };
        let outcome = two.race(
            |server| server.put(path, declare("a")),
            |server| server.put(path, declare("b")),
        );
        let [won, lost] = sorted(outcome);
        won.ok();
        lost.error(409, "resource_type_in_use");
    }
    two.agree();
    let types = two.one.get(path).ok();
    let slugs: Vec<&str> = types["types"]
        .as_array()
        .unwrap()
        .iter()
        .map(|ty| ty["slug"].as_str().unwrap())
        .collect();
    for round in 0..ROUNDS {
        for ty in ["a", "b"] {
            assert!(slugs.contains(&format!("{ty}{round}").as_str()), "{slugs:?}");
        }
    }
}

#[test]
fn what_is_over_ends_once() {
    let mut two = Two::start();
    let often =
        |config: &mut rowgate_server::Config| config.limits.expiry = std::time::Duration::from_millis(20);
    two.one = two.one.start_again(often);
    two.two = two.two.start_again(often);
    let (_, om) = two.member("ann");
    let assignments = format!("/authorization/organization_memberships/{om}/role_assignments");
    for round in 0..ROUNDS {
        let workspace = two.workspace(&format!("w{round}"));
        let ended =
            json!({"role_slug": "lead", "resource_id": workspace, "expires_at": "2001-01-01T00:00:00Z"});
        // It may be gone before it is shown.
        let made = two.one.post(&assignments, ended);
        assert!(matches!(made.status, 201 | 404), "{}", made.text);
    }
    let log = format!("/rowgate/v1/authorization/audit?organization_membership_id={om}&role_slug=lead");
    let count = |action: &str| {
        let entries = two.two.get(&format!("{log}&action={action}")).ok();
        entries["data"].as_array().unwrap().len()
    };
    eventually("all of them are over", || {
        count("role_assignment.removed") == ROUNDS
    });
    two.everywhere();
    assert_eq!(count("role_assignment.created"), ROUNDS);
    assert_eq!(count("role_assignment.removed"), ROUNDS);
    two.agree();
}
