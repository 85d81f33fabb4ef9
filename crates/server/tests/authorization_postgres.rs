//! The tests of `/authorization` and of what is beside it, on a store in Postgres, and two servers on one.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(
    clippy::duplicate_mod,
    reason = "the tests of two files run again here, with what they use"
)]

#[path = "."]
mod on_postgres {
    #[path = "authorization.rs"]
    mod authorization;
    #[path = "authorization_own.rs"]
    mod own;
    #[path = "authorization_postgres/races.rs"]
    mod races;
    #[path = "support/mod.rs"]
    mod support;

    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use serde_json::{Value, json};
    use support::{Answer, Served};

    fn id(answer: &Answer) -> String {
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// What was written on one server is soon on the other.
    fn eventually(what: &str, holds: impl Fn() -> bool) {
        let since = Instant::now();
        while !holds() {
            assert!(since.elapsed() < Duration::from_secs(20), "{what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn what_one_server_writes_another_one_uses() {
        let one = Served::start();
        let two = Served::start_on(Arc::clone(one.database()));
        let permission = json!({"slug": "org:manage", "name": "Manage"});
        id(&one.post("/authorization/permissions", permission));
        eventually("the permission", || {
            two.get("/authorization/permissions/org:manage").status == 200
        });
        id(&two.post("/authorization/roles", json!({"slug": "chief", "name": "Chief"})));
        two.put(
            "/authorization/roles/chief/permissions",
            json!({"permissions": ["org:manage"]}),
        )
        .ok();
        let org = id(&two.post("/organizations", json!({"name": "Acme"})));
        let user = id(&two.post("/user_management/users", json!({"email": "ann@example.com"})));
        let om = id(&two.post(
            "/user_management/organization_memberships",
            json!({"organization_id": org, "user_id": user}),
        ));
        // A write sees everything that was written before it, wherever that was.
        let assignments = format!("/authorization/organization_memberships/{om}/role_assignments");
        let chief =
            json!({"role_slug": "chief", "resource_external_id": org, "resource_type_slug": "organization"});
        let assigned = one.post(&assignments, chief.clone());
        assert_eq!(assigned.status, 201, "{}", assigned.text);
        let check = |server: &Served| -> Value {
            let path = format!("/authorization/organization_memberships/{om}/check");
            let body = json!({"permission_slug": "org:manage", "resource_external_id": org,
                              "resource_type_slug": "organization"});
            server.post(&path, body).json()["authorized"].clone()
        };
        assert_eq!(check(&one), true);
        eventually("the assignment", || check(&two) == true);
        // Of two that want the same slug at the same time, one gets it.
        let role = json!({"slug": "twin", "name": "Twin"});
        let outcomes: Vec<u16> = std::thread::scope(|scope| {
            let racing = [&one, &two].map(|server| {
                let role = role.clone();
                scope.spawn(move || server.post("/authorization/roles", role).status)
            });
            let joined = racing.into_iter().map(|thread| thread.join().unwrap());
            joined.collect()
        });
        let mut sorted = outcomes.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, [201, 409]);
        // A token of one has no role that was revoked on the other, and both have the same audit log.
        let key = two.key.clone();
        let removed = two.call_as(&key, "DELETE", &assignments, Some(&chief));
        assert_eq!(removed.status, 204, "{}", removed.text);
        let token = one
            .post("/rowgate/v1/tokens", json!({"user": user, "organization": org}))
            .ok();
        assert_eq!(token["claims"]["roles"], json!(["member"]));
        let log = |server: &Served| server.get("/rowgate/v1/authorization/audit?limit=1000").ok();
        assert_eq!(log(&one), log(&two));
        assert_eq!(log(&one)["data"][0]["action"], "role_assignment.removed");
        // The log is a table, written in the transaction of the change.
        let rows = one
            .database()
            .client()
            .query_one("select count(*) from rowgate.audit", &[])
            .unwrap();
        let count = log(&one)["data"].as_array().unwrap().len();
        assert_eq!(rows.get::<_, i64>(0), count as i64);
    }
}
