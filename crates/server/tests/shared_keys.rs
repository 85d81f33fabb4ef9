//! Two servers on one database sign with the same keys, and what one does to them reaches the other.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod support;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rowgate_pgtest::{Cluster, Database, versions};
use rowgate_server::StoreLocation;
use rowgate_store::postgres::install::{Grants, install};
use serde_json::{Value, json};
use support::{Served, parse};

fn serve(database: &Database) -> Served {
    let directory = Arc::new(tempfile::tempdir().unwrap());
    let url = database.url().to_owned();
    Served::start_in(directory, |config| {
        config.store = StoreLocation::Postgres(url.into());
    })
}

fn mint(server: &Served) -> (String, String) {
    let minted = server.post("/rowgate/v1/tokens", json!({"user": "ann"})).ok();
    let text = |field: &str| minted[field].as_str().unwrap().to_owned();
    (text("token"), text("key_id"))
}

/// Whether a server takes a user's token.
fn takes(server: &Served, token: &str) -> bool {
    let check = json!({"checks": [parse("document:d1#viewer@user:ann")]});
    let answer = server.call_as(token, "POST", "/fga/v1/check", Some(&check));
    // 403: the server has heard that the environment is gone, and not yet that its issuer is.
    assert!(matches!(answer.status, 200 | 401 | 403), "{}", answer.text);
    answer.status == 200
}

fn rotate(server: &Served, revoke: bool) -> String {
    let rotated = server
        .post("/rowgate/v1/tokens/rotate", json!({"revoke": revoke}))
        .ok();
    rotated["key_id"].as_str().unwrap().to_owned()
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < Duration::from_secs(20), "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn servers_share_keys_and_rotations() {
    for version in versions() {
        let database = Cluster::shared(version).database("keys");
        install(database.url(), &Grants::default()).unwrap();
        // Both start at the same time, and one of them makes the first key.
        let (one, two) = thread::scope(|scope| {
            let other = scope.spawn(|| serve(&database));
            (serve(&database), other.join().unwrap())
        });
        one.apply(support::DOCUMENTS);
        let ((of_one, kid), (of_two, other)) = (mint(&one), mint(&two));
        assert_eq!(kid, other, "both sign with the same key");
        assert!(takes(&one, &of_two) && takes(&two, &of_one));

        // What a key signs that the other server has not heard of is taken at once.
        let second = rotate(&one, false);
        let (newest, signed_with) = mint(&one);
        assert_eq!(signed_with, second);
        assert!(takes(&two, &newest));
        assert!(takes(&two, &of_one), "the key before is still good");
        assert_eq!(mint(&two).1, second);

        // And rotations by turns, without waiting.
        let third = rotate(&two, false);
        let fourth = rotate(&one, false);
        assert_ne!(third, fourth);
        let (newest, _) = mint(&one);
        assert!(takes(&two, &newest));

        // A key in wrong hands is worth nothing anywhere soon.
        let fifth = rotate(&one, true);
        assert!(!takes(&one, &newest));
        eventually("the other server refuses it, too", || !takes(&two, &newest));
        let keys = two.send("GET", "/sso/jwks/client_default", &[], None).ok();
        assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
        assert_eq!(keys["keys"][0]["kid"], json!(fifth));

        // An environment that one server made and the other has just heard of.
        one.post("/rowgate/v1/environments", json!({"name": "staging"}))
            .ok();
        let key = one
            .post("/rowgate/v1/keys?environment=staging", json!({"name": "k"}))
            .ok();
        let key = key["key"].as_str().unwrap();
        let minted = one.call_as(key, "POST", "/rowgate/v1/tokens", Some(&json!({"user": "ann"})));
        let token = minted.ok()["token"].as_str().unwrap().to_owned();
        eventually("the other server believes its issuer", || takes(&two, &token));
        one.delete("/rowgate/v1/environments/staging").ok_empty();
        eventually("its tokens end with it", || !takes(&two, &token));
        let rings: i64 = database
            .client()
            .query_one("select count(*) from rowgate.signing_key", &[])
            .unwrap()
            .get(0);
        assert_eq!(rings, 1, "its keys end with it");
    }
}

#[test]
fn private_keys_are_nowhere_but_in_their_table() {
    let database = Cluster::shared(versions()[0]).database("keys");
    install(database.url(), &Grants::default()).unwrap();
    let server = serve(&database);
    server.apply(support::DOCUMENTS);
    mint(&server);
    rotate(&server, false);
    let kept: Vec<u8> = database
        .client()
        .query_one("select contents from rowgate.signing_key", &[])
        .unwrap()
        .get(0);
    let kept: Value = serde_json::from_slice(&kept).unwrap();
    let private = kept["signing"]["private"].as_str().unwrap().to_owned();
    assert!(private.len() > 40);
    let exported = server.get("/rowgate/v1/export");
    assert_eq!(exported.status, 200);
    for answer in [
        exported,
        server.send("GET", "/sso/jwks/client_default", &[], None),
        server.send("GET", "/metrics", &[], None),
    ] {
        assert!(!answer.text.contains(&private));
        assert!(!answer.text.contains("\"d\":"));
    }
    assert!(
        !server.directory.path().join("identity").exists(),
        "there are no key files beside a database"
    );
}
