//! Every operation of the authorization API, with every status that `/openapi.json` gives it, held against that document.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use support::Served;
use support::document::{Document, Part};

/// A server, and the document that it gives.
struct Session {
    server: Served,
    document: Document,
}

impl Session {
    fn start() -> Self {
        let server = Served::start();
        let document = Document::of(&server);
        Self { server, document }
    }

    /// Asks with a key or a token, and holds the answer against the document.
    #[track_caller]
    fn ask_as(&mut self, key: &str, method: &str, path: &str, body: &[u8], status: u16) -> String {
        self.ask_with(key, &[], (method, path, body), status)
    }

    /// The same with further headers.
    #[track_caller]
    fn ask_with(
        &mut self,
        key: &str,
        more: &[(&str, &str)],
        (method, path, body): (&str, &str, &[u8]),
        status: u16,
    ) -> String {
        let key = format!("Bearer {key}");
        let mut headers = vec![
            ("Authorization", key.as_str()),
            ("Content-Type", "application/json"),
        ];
        headers.extend(more);
        let body = (!body.is_empty()).then_some(body);
        let answer = self.server.send(method, path, &headers, body);
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
        self.document.check(method, path, &answer);
        answer.text
    }

    #[track_caller]
    fn ask(&mut self, method: &str, path: &str, body: Value, status: u16) -> Value {
        let bytes = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let key = self.server.key.clone();
        let text = self.ask_as(&key, method, path, &bytes, status);
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// The id of what a request makes.
    #[track_caller]
    fn make(&mut self, path: &str, body: Value) -> String {
        let made = self.ask("POST", path, body, 201);
        made["id"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    fn get(&mut self, path: &str) -> Value {
        self.ask("GET", path, Value::Null, 200)
    }

    #[track_caller]
    fn delete(&mut self, path: &str, status: u16) {
        self.ask("DELETE", path, Value::Null, status);
    }

    fn types(&mut self) {
        let own = "/rowgate/v1/authorization";
        let types = json!({
            "types": [{"slug": "workspace", "parents": ["organization"]}],
            "permissions": [{"slug": "org:manage"}, {"slug": "w:r", "resource_type": "workspace"}],
            "roles": [
                {"slug": "admin", "permissions": ["org:manage"]},
                {"slug": "member"},
                {"slug": "lead", "resource_type": "workspace", "permissions": ["w:r"]},
            ],
        });
        self.ask("PUT", &format!("{own}/types"), types, 200);
        self.get(&format!("{own}/types"));
        let order = json!({"role_slugs": ["member", "admin", "lead"]});
        self.ask("PUT", &format!("{own}/role_priority"), order, 200);
        let nowhere = json!({"organization_id": "org_x", "role_slugs": []});
        self.ask("PUT", &format!("{own}/role_priority"), nowhere, 404);
    }

    fn permissions(&mut self) {
        let path = "/authorization/permissions";
        let new = json!({"slug": "w:x", "name": "X", "resource_type_slug": "workspace"});
        self.make(path, new.clone());
        self.ask("POST", path, new, 409);
        let nowhere = json!({"slug": "y", "name": "Y", "resource_type_slug": "none"});
        self.ask("POST", path, nowhere, 404);
        self.get(path);
        self.get(&format!("{path}/w:x"));
        self.ask("PATCH", &format!("{path}/w:x"), json!({"name": "X 2"}), 200);
    }

    fn environment_roles(&mut self) {
        let path = "/authorization/roles";
        let new = json!({"slug": "e", "name": "E", "resource_type_slug": "workspace"});
        self.make(path, new.clone());
        self.ask("POST", path, new, 409);
        let nowhere = json!({"slug": "f", "name": "F", "resource_type_slug": "none"});
        self.ask("POST", path, nowhere, 404);
        self.get(path);
        self.get(&format!("{path}/e"));
        self.ask("PATCH", &format!("{path}/e"), json!({"description": null}), 200);
        let permissions = format!("{path}/e/permissions");
        self.ask("PUT", &permissions, json!({"permissions": ["w:r"]}), 200);
        self.ask("POST", &permissions, json!({"slug": "w:x"}), 200);
        let own = "/rowgate/v1/authorization/roles/e";
        self.delete(&format!("{own}/permissions/w:x"), 200);
        self.delete(own, 204);
        self.delete("/authorization/permissions/w:x", 204);
    }

    fn organization_roles(&mut self, org: &str) {
        let path = format!("/authorization/organizations/{org}/roles");
        let new = json!({"slug": "org-e", "name": "E"});
        self.make(&path, new.clone());
        self.ask("POST", &path, new, 409);
        self.get(&path);
        self.get(&format!("/organizations/{org}/roles"));
        let one = format!("{path}/org-e");
        self.get(&one);
        self.ask("PATCH", &one, json!({"name": "E 2"}), 200);
        let permissions = format!("{one}/permissions");
        self.ask("PUT", &permissions, json!({"permissions": ["w:r"]}), 200);
        self.ask("POST", &permissions, json!({"slug": "org:manage"}), 200);
        self.delete(&format!("{permissions}/w:r"), 200);
    }

    fn resources(&mut self, org: &str) -> String {
        let path = "/authorization/resources";
        let new = json!({"organization_id": org, "resource_type_slug": "workspace", "external_id": "w1", "name": "W"});
        let id = self.make(path, new.clone());
        self.ask("POST", path, new.clone(), 409);
        let mut nowhere = new;
        nowhere["organization_id"] = "org_x".into();
        self.ask("POST", path, nowhere, 404);
        self.get(&format!("{path}?resource_type_slug=workspace"));
        self.ask("GET", &format!("{path}?organization_id=org_x"), Value::Null, 404);
        let named = format!("/authorization/organizations/{org}/resources/workspace/w1");
        for one in [format!("{path}/{id}"), named] {
            self.get(&one);
            self.ask("PATCH", &one, json!({"name": "W 2"}), 200);
            self.get(&format!("{one}/organization_memberships?permission_slug=w:r"));
            self.get(&format!("{one}/role_assignments"));
        }
        id
    }

    fn decisions(&mut self, om: &str, resource: &str) {
        let of = format!("/authorization/organization_memberships/{om}");
        let own = "/rowgate/v1/authorization";
        let lead = json!({"role_slug": "lead", "resource_id": resource});
        let assignments = format!("{of}/role_assignments");
        let id = self.make(&assignments, lead.clone());
        self.get(&assignments);
        let question = json!({"permission_slug": "w:r", "resource_id": resource});
        self.ask("POST", &format!("{of}/check"), question.clone(), 200);
        let mut question = question;
        question["organization_membership_id"] = om.into();
        let many = json!({"checks": [question]});
        self.ask("POST", &format!("{own}/check"), many, 200);
        self.ask("POST", &format!("{own}/explain"), question.clone(), 200);
        question["resource_id"] = "none".into();
        self.ask("POST", &format!("{own}/explain"), question, 404);
        let everywhere = format!("{own}/resources?permission_slug=w:r&resource_type_slug=workspace");
        self.get(&format!("{everywhere}&organization_membership_id={om}"));
        let nobody = format!("{everywhere}&organization_membership_id=om_x");
        self.ask("GET", &nobody, Value::Null, 404);
        let under = "resources?permission_slug=w:r&parent_resource_type_slug=organization";
        self.get(&format!("{of}/{under}&parent_resource_external_id=c-1"));
        self.get(&format!("{of}/resources/{resource}/permissions"));
        self.get(&format!("{of}/resources/workspace/w1/permissions"));
        self.get(&format!(
            "/authorization/resources/{resource}/organization_memberships/{om}/permissions"
        ));
        self.delete(&format!("{assignments}/{id}"), 204);
        self.make(&assignments, lead.clone());
        self.ask("DELETE", &assignments, lead, 204);
    }

    fn groups(&mut self, org: &str, om: &str, resource: &str) {
        let path = format!("/organizations/{org}/groups");
        let id = self.make(&path, json!({"name": "G"}));
        self.get(&path);
        let one = format!("{path}/{id}");
        self.get(&one);
        self.ask("PATCH", &one, json!({"name": "G 2"}), 200);
        let members = format!("{one}/organization-memberships");
        let member = json!({"organization_membership_id": om});
        self.ask("POST", &members, member, 200);
        self.get(&members);
        self.get(&format!("/user_management/organization_memberships/{om}/groups"));
        let roles = format!("/authorization/groups/{id}/role_assignments");
        let lead = json!({"role_slug": "lead", "resource_id": resource});
        let gra = self.make(&roles, lead.clone());
        self.ask("POST", &roles, lead.clone(), 409);
        self.get(&roles);
        self.get(&format!("{roles}/{gra}"));
        let derived = self.get(&format!("/authorization/resources/{resource}/role_assignments"));
        assert_eq!(derived["data"][0]["source"]["type"], "group");
        for path in [
            format!("/authorization/resources/{resource}"),
            format!("/authorization/organizations/{org}/resources/workspace/w1"),
        ] {
            self.delete(&path, 409);
            self.delete(&format!("{path}?cascade_delete=maybe"), 422);
        }
        self.delete("/rowgate/v1/authorization/roles/lead", 409);
        self.delete(&format!("{roles}/{gra}"), 204);
        self.ask("PUT", &roles, json!({"role_assignments": [lead]}), 200);
        let patch = json!({"add": [{"role_slug": "org-e"}]});
        self.ask("PATCH", &roles, patch, 204);
        let own = format!("/authorization/organizations/{org}/roles/org-e");
        self.delete(&own, 409);
        self.ask("DELETE", &roles, json!({"role_slug": "org-e"}), 204);
        self.delete(&own, 204);
        self.ask("PATCH", &members, json!({"remove": [om]}), 200);
        self.ask("PATCH", &members, json!({"add": [om]}), 200);
        self.delete(&format!("{members}/{om}"), 204);
        self.delete(&one, 204);
    }

    fn identities(&mut self) -> (String, String, String) {
        let (orgs, users) = ("/organizations", "/user_management/users");
        let acme = json!({"name": "Acme", "external_id": "c-1", "domains": ["acme.example"]});
        let org = self.make(orgs, acme.clone());
        self.get(orgs);
        self.get(&format!("{orgs}/external_id/c-1"));
        self.get(&format!("{orgs}/{org}"));
        self.ask("PUT", &format!("{orgs}/{org}"), json!({"name": "Acme 2"}), 200);
        let ann = json!({"email": "ann@example.com", "external_id": "u-1", "metadata": {"a": "b"}});
        let user = self.make(users, ann);
        self.get(users);
        let nowhere = format!("{users}?organization_id=org_x");
        self.ask("GET", &nowhere, Value::Null, 404);
        self.get(&format!("{users}/external_id/u-1"));
        self.get(&format!("{users}/{user}"));
        let named = json!({"first_name": "Ann"});
        self.ask("PUT", &format!("{users}/{user}"), named, 200);
        let memberships = "/user_management/organization_memberships";
        let new = json!({"user_id": user, "organization_id": org});
        let om = self.make(memberships, new.clone());
        self.ask("POST", memberships, new, 409);
        let nobody = json!({"user_id": "user_x", "organization_id": org});
        self.ask("POST", memberships, nobody, 404);
        self.get(&format!("{memberships}?user_id={user}"));
        self.ask("GET", &format!("{memberships}?user_id=x"), Value::Null, 404);
        let one = format!("{memberships}/{om}");
        self.get(&one);
        self.ask("PUT", &one, json!({"role_slug": "admin"}), 200);
        self.ask("PUT", &format!("{one}/deactivate"), json!({}), 200);
        self.ask("PUT", &format!("{one}/reactivate"), Value::Null, 200);
        let people = json!({"people": [{"email": "bob@example.com", "organization": "c-1", "line": 7}]});
        self.ask("PUT", "/rowgate/v1/authorization/people", people, 200);
        self.get("/rowgate/v1/authorization/audit");
        (org, user, om)
    }

    /// What every operation refuses in the same way.
    fn refusals(&mut self) {
        let (key, huge) = (self.server.key.clone(), vec![b' '; 9 << 20]);
        let token = self
            .server
            .post("/rowgate/v1/tokens", json!({"user": "ann"}))
            .ok();
        let token = token["token"].as_str().unwrap().to_owned();
        for (route, method, operation) in self.document.operations(Part::Authorization) {
            let named = |name: &str| {
                let open = route.split('/').map(|segment| match segment.strip_prefix('{') {
                    Some(_) => name,
                    None => segment,
                });
                open.collect::<Vec<_>>().join("/")
            };
            let body: &[u8] = operation.get("requestBody").map_or(b"", |_| b"{}");
            let answers = operation["responses"].as_object().unwrap();
            self.ask_as("sk_wrong", &method, &named("x"), body, 401);
            self.ask_as(&token, &method, &named("x"), body, 403);
            // A value that cannot be read: a header, a part of the path or the body.
            let nobody = [("Rowgate-On-Behalf-Of", "")];
            self.ask_with(&key, &nobody, (&method, &named("none"), body), 400);
            match (route.contains('{'), body.is_empty()) {
                (true, _) => drop(self.ask_as(&key, &method, &named("%FF"), body, 400)),
                (false, false) => drop(self.ask_as(&key, &method, &route, b"{\"\xff\"}", 400)),
                (false, true) => {}
            }
            // A parameter that is given twice.
            let queried = operation["parameters"].as_array().into_iter().flatten();
            if queried
                .clone()
                .any(|one| one["in"] == "query" || one["$ref"].is_string())
            {
                let path = format!("{}?a=1&a=2", named("none"));
                self.ask_as(&key, &method, &path, body, 422);
            }
            if route.contains('{') {
                self.ask_as(&key, &method, &named("none"), body, 404);
            }
            if !body.is_empty() {
                self.ask_as(&key, &method, &named("none"), &huge, 413);
                self.ask_as(&key, &method, &named("none"), b"<html>", 422);
            } else if answers.contains_key("422") && method == "GET" {
                self.ask_as(&key, &method, &format!("{}?limit=x", named("none")), body, 422);
            }
        }
    }
}

#[test]
fn every_operation_answers_as_the_document_says() {
    let mut session = Session::start();
    session.types();
    session.permissions();
    session.environment_roles();
    let (org, user, om) = session.identities();
    session.organization_roles(&org);
    let resource = session.resources(&org);
    session.decisions(&om, &resource);
    session.groups(&org, &om, &resource);
    session.delete(&format!("/authorization/resources/{resource}"), 204);
    session.resources(&org);
    session.delete(
        &format!("/authorization/organizations/{org}/resources/workspace/w1"),
        204,
    );
    session.resources(&org);
    let without_types = json!({"prune": true});
    session.ask("PUT", "/rowgate/v1/authorization/types", without_types, 409);
    session.delete(&format!("/user_management/organization_memberships/{om}"), 200);
    session.delete(&format!("/user_management/users/{user}"), 200);
    let acme = json!({"name": "Acme", "external_id": "c-2", "domains": ["acme.example"]});
    session.make("/organizations", acme);
    session.delete(&format!("/organizations/{org}"), 200);
    session.refusals();
    for (route, method, operation) in session.document.operations(Part::Authorization) {
        session.document.all_seen(&route, &method, &operation);
    }
}
