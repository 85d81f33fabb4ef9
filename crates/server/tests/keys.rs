//! Keys and environments.
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use serde_json::{Value, json};
use support::{KEY, Served};

#[test]
fn wants_a_key() {
    let server = Served::start();
    for (header, message) in [
        (None, "no API key: send `Authorization: Bearer sk_…`"),
        (Some("sk_x"), "the Authorization header must be `Bearer sk_…`"),
        (
            Some("Basic dTpw"),
            "the Authorization header must be `Bearer sk_…`",
        ),
        (
            Some("Bearer sk_not_a_key_of_this_server"),
            "the API key is not known to this server",
        ),
    ] {
        let headers: Vec<_> = header.into_iter().map(|value| ("Authorization", value)).collect();
        let answer = server.send("GET", "/fga/v1/schema", &headers, None);
        assert_eq!(
            answer.error(401, "unauthorized"),
            json!({"code": "unauthorized", "message": message})
        );
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    // Not even the same one twice.
    let key = format!("Bearer {KEY}");
    let twice = [("Authorization", key.as_str()), ("Authorization", key.as_str())];
    let answer = server.send("GET", "/fga/v1/schema", &twice, None);
    let message = "the Authorization header is there twice: send one";
    assert_eq!(
        answer.error(401, "unauthorized"),
        json!({"code": "unauthorized", "message": message})
    );
    let answer = server.send(
        "GET",
        "/rowgate/v1/whoami",
        &[("Authorization", &format!("bearer {KEY}"))],
        None,
    );
    assert_eq!(answer.ok()["environment"], "default");
}

#[test]
fn generates_a_key_once_when_the_store_has_none() {
    let directory = Arc::new(tempfile::tempdir().unwrap());
    let mut first = Served::start_in(Arc::clone(&directory), |config| config.api_key = None);
    let key = first.generated_key.clone().unwrap();
    assert!(key.starts_with("sk_") && key.len() > 40, "{key}");
    first.get("/rowgate/v1/whoami").ok();
    first.stop();
    let second = Served::start_in(directory, |config| config.api_key = None);
    assert_eq!(second.generated_key, None);
    second.call_as(&key, "GET", "/rowgate/v1/whoami", None).ok();
}

#[test]
fn takes_the_configured_key_once_however_often_it_starts() {
    let server = Served::start().restart().restart();
    let keys = server.get("/rowgate/v1/keys").ok();
    let keys = keys["data"].as_array().unwrap();
    assert_eq!(keys.len(), 1);
    assert_eq!(
        (&keys[0]["name"], &keys[0]["environment"]),
        (&json!("bootstrap"), &json!("default"))
    );
    assert!(keys[0].get("key").is_none());
}

#[test]
fn creates_lists_and_deletes_keys() {
    let server = Served::start();
    let created = server.post("/rowgate/v1/keys", json!({"name": "deploy"})).ok();
    let secret = created["key"].as_str().unwrap().to_owned();
    server.call_as(&secret, "GET", "/rowgate/v1/whoami", None).ok();
    let listed = server.get("/rowgate/v1/keys").text;
    assert!(listed.contains("deploy") && !listed.contains(&secret));
    let path = format!("/rowgate/v1/keys/{}", created["id"].as_str().unwrap());
    let answer = server.delete(&path);
    assert_eq!((answer.status, answer.text.as_str()), (200, ""));
    server.delete(&path).error(404, "not_found");
    server
        .call_as(&secret, "GET", "/rowgate/v1/whoami", None)
        .error(401, "unauthorized");
    let last = server.get("/rowgate/v1/keys").ok()["data"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    server
        .delete(&format!("/rowgate/v1/keys/{last}"))
        .error(400, "invalid_request");
    let missing = server
        .post("/rowgate/v1/keys", json!({}))
        .error(400, "missing_required_parameter");
    assert_eq!(missing["parameter"], "name");
    server
        .post("/rowgate/v1/keys", json!({"name": ""}))
        .error(400, "missing_required_parameter");
    server
        .post("/rowgate/v1/keys", json!({"name": 7}))
        .error(400, "invalid_parameter");
}

/// A fresh environment and a key of it.
fn staging(server: &Served) -> String {
    let created = server
        .post("/rowgate/v1/environments", json!({"name": "staging"}))
        .ok();
    assert_eq!(
        (&created["name"], &created["revision"]),
        (&json!("staging"), &json!(0))
    );
    let key = server
        .post("/rowgate/v1/keys?environment=staging", json!({"name": "app"}))
        .ok();
    assert_eq!(key["environment"], "staging");
    key["key"].as_str().unwrap().to_owned()
}

#[test]
fn keeps_environments_apart() {
    let server = Served::start();
    let key = staging(&server);
    let token = server.grant("tenant:acme#member@user:ann");
    let check = json!({"checks": [support::parse("tenant:acme#member@user:ann")]});
    let answer = server.call_as(&key, "POST", "/fga/v1/check", Some(&check)).ok();
    assert_eq!(answer["result"], "not_authorized");
    assert_eq!(
        server.call_as(&key, "GET", "/fga/v1/resources", None).ok()["data"],
        json!([])
    );
    let headers = [("Authorization", format!("Bearer {key}"))];
    let headers = [
        ("Authorization", headers[0].1.as_str()),
        ("Warrant-Token", token.as_str()),
    ];
    let body = server
        .send("GET", "/fga/v1/warrants", &headers, None)
        .error(400, "invalid_parameter");
    let expected: Value = json!({
        "code": "invalid_parameter",
        "message": "the token belongs to another environment",
        "parameter": "Warrant-Token",
    });
    assert_eq!(body, expected);
}

#[test]
fn makes_no_key_of_the_default_environment_by_mistake() {
    let server = Served::start();
    let key = staging(&server);
    let in_body = json!({"name": "app", "environment": "staging"});
    for path in ["/rowgate/v1/keys", "/rowgate/v1/keys?environment=staging"] {
        assert_eq!(server.post(path, in_body.clone()).ok()["environment"], "staging");
    }
    server
        .post("/rowgate/v1/keys", json!({"name": "app", "environment": "none"}))
        .error(404, "not_found");
    for (path, body) in [
        ("/rowgate/v1/keys?environment=", json!({"name": "app"})),
        ("/rowgate/v1/keys", json!({"name": "app", "environment": ""})),
        ("/rowgate/v1/keys?environment=default", in_body),
    ] {
        let refused = server.post(path, body).error(400, "invalid_parameter");
        assert_eq!(refused["parameter"], "environment");
    }
    let other = json!({"name": "mine", "environment": "default"});
    server
        .call_as(&key, "POST", "/rowgate/v1/keys", Some(&other))
        .error(403, "forbidden");
    let keys = server.get("/rowgate/v1/keys").ok();
    assert_eq!(keys["data"].as_array().unwrap().len(), 1);
}

#[test]
fn lets_only_keys_of_the_default_environment_manage() {
    let server = Served::start();
    let key = staging(&server);
    let name = json!({"name": "mine"});
    server
        .call_as(&key, "GET", "/rowgate/v1/environments", None)
        .error(403, "forbidden");
    server
        .call_as(&key, "POST", "/rowgate/v1/environments", Some(&name))
        .error(403, "forbidden");
    server
        .call_as(&key, "DELETE", "/rowgate/v1/environments/default", None)
        .error(403, "forbidden");
    server
        .call_as(&key, "GET", "/rowgate/v1/keys?environment=default", None)
        .error(403, "forbidden");
    server
        .call_as(&key, "POST", "/rowgate/v1/keys?environment=default", Some(&name))
        .error(403, "forbidden");
    server.call_as(&key, "POST", "/rowgate/v1/keys", Some(&name)).ok();

    let exists = server
        .post("/rowgate/v1/environments", json!({"name": "staging"}))
        .error(409, "duplicate_record");
    assert_eq!(
        (&exists["type"], &exists["key"]),
        (&json!("Environment"), &json!("staging"))
    );
    server
        .post("/rowgate/v1/environments", json!({"name": "no blanks"}))
        .error(400, "invalid_parameter");
    server
        .get("/rowgate/v1/keys?environment=none")
        .error(404, "not_found");
    assert_eq!(
        server.get("/rowgate/v1/environments").ok()["data"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(server.delete("/rowgate/v1/environments/staging").status, 200);
    server
        .delete("/rowgate/v1/environments/staging")
        .error(404, "not_found");
    server
        .delete("/rowgate/v1/environments/default")
        .error(400, "invalid_request");
    server
        .call_as(&key, "GET", "/rowgate/v1/whoami", None)
        .error(401, "unauthorized");
}
