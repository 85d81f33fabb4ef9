//! Users who ask with their own tokens: of the server's own issuer, and of others.
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use rowgate_identity::built_in::Grant;
use rowgate_server::config::IssuerConfig;
use serde_json::{Value, json};
use support::provider::Provider;
use support::{Answer, DOCUMENTS, Served, parse};
use tempfile::TempDir;

/// A schema whose policies look at claims.
const COURSES: &str = "
version 0.3

type user

type course
    relation teacher [user]
    relation student [user]
    inherit student if
        policy same_school

policy same_school() {
    jwt_claim(\"org_id\") == \"org_1\"
}
";

fn documents() -> Served {
    let server = Served::start();
    server.apply(DOCUMENTS);
    server
}

fn mint(server: &Served, request: Value) -> String {
    let minted = server.post("/rowgate/v1/tokens", request).ok();
    minted["token"].as_str().unwrap().to_owned()
}

/// A question without a subject.
fn question(resource: &str) -> Value {
    let mut check = parse(&format!("{resource}@user:nobody"));
    check.as_object_mut().unwrap().remove("subject");
    check
}

fn ask(server: &Served, token: &str, check: Value) -> Answer {
    let body = json!({"checks": [check]});
    server.call_as(token, "POST", "/fga/v1/check", Some(&body))
}

#[test]
fn a_user_asks_with_a_token_and_leaves_the_subject_out() {
    let server = documents();
    server.grant("document:d1#owner@user:ann");
    let (ann, bob) = (
        mint(&server, json!({"user": "ann"})),
        mint(&server, json!({"user": "bob"})),
    );
    assert_eq!(
        ask(&server, &ann, question("document:d1#owner")).ok()["result"],
        "authorized"
    );
    assert_eq!(
        ask(&server, &bob, question("document:d1#owner")).ok()["result"],
        "not_authorized"
    );
    // Several at once, and a fresh revision, as with a key.
    let body =
        json!({"op": "batch", "checks": [question("document:d1#owner"), question("document:d2#owner")]});
    let answers = server.call_as(&ann, "POST", "/fga/v1/check", Some(&body)).ok();
    assert_eq!(
        (&answers[0]["result"], &answers[1]["result"]),
        (&json!("authorized"), &json!("not_authorized"))
    );
}

#[test]
fn a_user_asks_about_nobody_else() {
    let server = documents();
    server.grant("document:d1#owner@user:ann");
    let bob = mint(&server, json!({"user": "bob"}));
    for other in ["user:ann", "user:*", "group:bob", "user:bob#member"] {
        let check = parse(&format!("document:d1#owner@{other}"));
        ask(&server, &bob, check).error(403, "forbidden");
    }
    let own = parse("document:d1#owner@user:bob");
    assert_eq!(ask(&server, &bob, own.clone()).ok()["result"], "not_authorized");
    // Nor among several.
    let body = json!({"op": "any_of", "checks": [own, parse("document:d1#owner@user:ann")]});
    server
        .call_as(&bob, "POST", "/fga/v1/check", Some(&body))
        .error(403, "forbidden");
    // The decision tree names others.
    let body = json!({"checks": [question("document:d1#owner")], "debug": true});
    server
        .call_as(&bob, "POST", "/fga/v1/check", Some(&body))
        .error(403, "forbidden");
}

#[test]
fn the_wildcard_is_nobodys_name() {
    let server = documents();
    server.grant("document:d1#viewer@user:*");
    let star = mint(&server, json!({"user": "*"}));
    let refused = ask(&server, &star, question("document:d1#viewer")).error(400, "invalid_parameter");
    assert_eq!(refused["parameter"], "checks[0].subject.resource_id");
}

#[test]
fn a_token_is_for_checks_alone() {
    let server = documents();
    let token = mint(&server, json!({"user": "ann"}));
    let warrant = parse("document:d1#owner@user:ann");
    for (method, path, body) in [
        (
            "GET",
            "/fga/v1/query?q=select%20document%20where%20user:ann%20is%20owner",
            None,
        ),
        ("POST", "/fga/v1/warrants", Some(&warrant)),
        ("GET", "/fga/v1/warrants", None),
        ("GET", "/fga/v1/schema", None),
        ("GET", "/rowgate/v1/whoami", None),
        ("GET", "/rowgate/v1/keys", None),
        ("GET", "/rowgate/v1/export", None),
        ("POST", "/rowgate/v1/tokens", Some(&json!({"user": "bob"}))),
        ("POST", "/rowgate/v1/tokens/rotate", Some(&json!({}))),
    ] {
        server.call_as(&token, method, path, body).error(403, "forbidden");
    }
}

#[test]
fn policies_read_the_claims_of_the_token() {
    let server = Served::start();
    server.apply(COURSES);
    let ask_as = |organization: Value| {
        let token = mint(&server, json!({"user": "ann", "organization": organization}));
        ask(&server, &token, question("course:maths#student")).ok()
    };
    assert_eq!(ask_as(json!("org_1"))["result"], "authorized");
    assert_eq!(ask_as(json!("org_2"))["result"], "not_authorized");
    // Without the claim, and with a key, it is unknown; and the context does not stand in for it.
    assert_eq!(ask_as(Value::Null)["result"], "not_authorized");
    let mut check = parse("course:maths#student@user:ann");
    check["context"] = json!({"org_id": "org_1", "jwt": {"org_id": "org_1"}});
    let answer = server.post("/fga/v1/check", json!({"checks": [check]})).ok();
    assert_eq!(answer["result"], "not_authorized");
    assert_eq!(answer["warnings"][0]["code"], "missing_context_keys");
}

#[test]
fn says_why_a_token_is_refused() {
    let server = documents();
    let good = mint(&server, json!({"user": "ann", "expires_in": 60}));
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let stranger = Provider::new("urn:rowgate:client_default");
    let nobody = Provider::new("https://nobody.example.com/");
    let parts: Vec<&str> = good.split('.').collect();
    for (token, reason) in [
        (
            format!("{signed}.{}", signature.chars().rev().collect::<String>()),
            None,
        ),
        (format!("{}.{}.", parts[0], parts[1]), Some("token_signature")),
        (stranger.token(&Grant::new("ann")), Some("token_audience")),
        (nobody.token(&Grant::new("ann")), Some("token_unknown_issuer")),
        (format!("eyJ{}", good), Some("token_malformed")),
    ] {
        let refused = ask(&server, &token, question("document:d1#owner"));
        let body = refused.error(401, "unauthorized");
        assert_eq!(refused.header("www-authenticate"), "Bearer");
        assert!(reason.is_none_or(|reason| body["reason"] == reason), "{body}");
        // Also where a token would be refused anyway.
        server
            .call_as(&token, "GET", "/fga/v1/schema", None)
            .error(401, "unauthorized");
    }
}

#[test]
fn believes_the_issuers_it_is_configured_with() {
    let (one, two) = (
        Provider::new("https://one.example.com/"),
        Provider::new("https://two.example.com/"),
    );
    let issuers = vec![
        one.config("one"),
        IssuerConfig {
            environment: "staging".into(),
            subject_type: "group".into(),
            subject_claim: "team".into(),
            ..two.config("two")
        },
    ];
    let server = Served::start_in(Arc::new(TempDir::new().unwrap()), |config| {
        config.identity.issuers = issuers
    });
    server.apply(DOCUMENTS);
    server.grant("document:d1#owner@user:ann");
    let token = one.token(&Grant::new("ann"));
    assert_eq!(
        ask(&server, &token, question("document:d1#owner")).ok()["result"],
        "authorized"
    );
    // An environment that is not there yet.
    let mut grant = Grant::new("ann");
    grant.claims.insert("team".into(), json!("g1"));
    let token = two.token(&grant);
    ask(&server, &token, question("document:d1#owner")).error(403, "forbidden");
    server
        .post("/rowgate/v1/environments", json!({"name": "staging"}))
        .ok();
    // It asks there, as what is configured, where nothing is granted.
    assert_eq!(
        ask(&server, &token, question("document:d1#owner")).ok()["result"],
        "not_authorized"
    );
    let inspected = server
        .post("/rowgate/v1/tokens/inspect", json!({"token": token}))
        .ok();
    assert_eq!(
        (&inspected["valid"], &inspected["reason"]),
        (&json!(false), &json!("token_other_environment"))
    );
    // Without the claim that names the user there is no user.
    let refused = ask(
        &server,
        &two.token(&Grant::new("ann")),
        question("document:d1#owner"),
    );
    assert_eq!(refused.error(401, "unauthorized")["reason"], "token_claim");
}

#[test]
fn publishes_the_keys_that_tokens_are_verified_with() {
    let server = Served::start();
    let keys = server.send("GET", "/sso/jwks/client_default", &[], None);
    assert_eq!(keys.header("access-control-allow-origin"), "*");
    let key = keys.ok()["keys"][0].clone();
    let minted = server.post("/rowgate/v1/tokens", json!({"user": "ann"})).ok();
    assert_eq!(minted["key_id"], key["kid"]);
    assert_eq!(minted["client_id"], "client_default");
    for absent in ["default", "client_", "client_none", "CLIENT_DEFAULT"] {
        let path = format!("/sso/jwks/{absent}");
        server.send("GET", &path, &[], None).error(404, "not_found");
    }
}

#[test]
fn rotates_keys_and_keeps_them_over_a_restart() {
    let server = documents();
    let old = mint(&server, json!({"user": "ann"}));
    let rotated = server
        .post("/rowgate/v1/tokens/rotate", json!({"algorithm": "ES256"}))
        .ok();
    assert_eq!(
        (&rotated["algorithm"], rotated["keys"].as_array().unwrap().len()),
        (&json!("ES256"), 2)
    );
    let new = mint(&server, json!({"user": "ann"}));
    let server = server.restart();
    for token in [&old, &new] {
        assert_eq!(
            ask(&server, token, question("document:d1#owner")).ok()["result"],
            "not_authorized"
        );
    }
    let revoked = server
        .post("/rowgate/v1/tokens/rotate", json!({"revoke": true}))
        .ok();
    assert_eq!(revoked["keys"].as_array().unwrap().len(), 1);
    for token in [&old, &new] {
        let refused = ask(&server, token, question("document:d1#owner")).error(401, "unauthorized");
        assert_eq!(refused["reason"], "token_unknown_key");
    }
}

#[test]
fn each_environment_has_keys_of_its_own() {
    let server = documents();
    let create = |server: &Served| {
        server
            .post("/rowgate/v1/environments", json!({"name": "staging"}))
            .ok();
        let key = server
            .post("/rowgate/v1/keys?environment=staging", json!({"name": "k"}))
            .ok();
        key["key"].as_str().unwrap().to_owned()
    };
    let key = create(&server);
    let body = json!({"user": "ann"});
    let minted = server
        .call_as(&key, "POST", "/rowgate/v1/tokens", Some(&body))
        .ok();
    assert_eq!(minted["claims"]["aud"], "client_staging");
    let token = minted["token"].as_str().unwrap();
    let published = server.send("GET", "/sso/jwks/client_staging", &[], None).ok();
    assert_eq!(published["keys"][0]["kid"], minted["key_id"]);
    // It asks in its own environment, where nothing is granted.
    server.grant("document:d1#owner@user:ann");
    assert_eq!(
        ask(&server, token, question("document:d1#owner")).ok()["result"],
        "not_authorized"
    );
    // An environment that is deleted takes its tokens along, even if one of that name is made again.
    server.delete("/rowgate/v1/environments/staging").ok_empty();
    ask(&server, token, question("document:d1#owner")).error(401, "unauthorized");
    create(&server);
    let again = server.send("GET", "/sso/jwks/client_staging", &[], None).ok();
    assert_ne!(again["keys"][0]["kid"], minted["key_id"]);
    ask(&server, token, question("document:d1#owner")).error(401, "unauthorized");
}

#[test]
fn issues_nothing_when_it_is_switched_off() {
    let server = Served::start_in(Arc::new(TempDir::new().unwrap()), |config| {
        config.identity.built_in.enabled = false;
    });
    server
        .post("/rowgate/v1/tokens", json!({"user": "ann"}))
        .error(403, "forbidden");
    server
        .post("/rowgate/v1/tokens/rotate", json!({}))
        .error(403, "forbidden");
    server
        .send("GET", "/sso/jwks/client_default", &[], None)
        .error(404, "not_found");
    assert!(!server.directory.path().join("identity").exists());
}

#[test]
fn refuses_to_issue_what_makes_no_sense() {
    let server = Served::start();
    for (request, parameter) in [
        (json!({"user": "a b"}), "user"),
        (json!({"user": "ann", "expires_in": 0}), "expires_in"),
        (json!({"user": "ann", "expires_in": 86401}), "expires_in"),
        (json!({"user": "ann", "claims": {"sub": "bob"}}), "sub"),
        (json!({"user": "ann", "claims": {"org_id": "o"}}), "org_id"),
        (
            json!({"user": "ann", "claims": {"x": "y".repeat(8000)}}),
            "claims",
        ),
        (json!({"user": "ann", "roles": vec!["r"; 201]}), "roles"),
        (json!({"user": "ann", "permissions": [""]}), "permissions"),
    ] {
        let refused = server
            .post("/rowgate/v1/tokens", request)
            .error(400, "invalid_parameter");
        assert_eq!(refused["parameter"], parameter, "{refused}");
    }
    server
        .post("/rowgate/v1/tokens", json!({}))
        .error(400, "missing_required_parameter");
}

#[test]
fn counts_tokens_without_showing_them() {
    let server = documents();
    let token = mint(&server, json!({"user": "ann"}));
    for _ in 0..3 {
        ask(&server, &token, question("document:d1#owner")).ok();
    }
    ask(&server, &format!("{token}x"), question("document:d1#owner")).error(401, "unauthorized");
    let metrics = server.send("GET", "/metrics", &[], None).text;
    for line in [
        "rowgate_tokens_total{outcome=\"verified\"} 1",
        "rowgate_tokens_total{outcome=\"remembered\"} 2",
        "rowgate_tokens_total{outcome=\"token_expired\"} 0",
    ] {
        assert!(metrics.lines().any(|own| own == line), "{line}\n{metrics}");
    }
    assert!(!metrics.contains(&token[..20]));
}

#[test]
fn pages_of_other_origins_may_ask_with_a_token() {
    let server = Served::start_in(Arc::new(TempDir::new().unwrap()), |config| {
        config.cors_origins = vec!["https://app.example.com".into()];
    });
    let headers = [
        ("Origin", "https://app.example.com"),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "authorization,content-type"),
    ];
    let answer = server.send("OPTIONS", "/fga/v1/check", &headers, None);
    assert_eq!(
        (answer.status, answer.header("access-control-allow-origin")),
        (200, "https://app.example.com")
    );
}

#[test]
fn an_issuer_that_cannot_be_reached_is_nobodys_fault() {
    let issuer = IssuerConfig {
        jwks_url: Some("http://127.0.0.1:1/jwks".into()),
        jwks_file: None,
        ..Provider::new("https://one.example.com/").config("one")
    };
    let token = Provider::new("https://one.example.com/").token(&Grant::new("ann"));
    let server = Served::start_in(Arc::new(TempDir::new().unwrap()), |config| {
        config.identity.issuers = vec![issuer]
    });
    let refused = ask(&server, &token, question("document:d1#owner")).error(503, "token_keys_unavailable");
    assert!(
        !refused["message"].as_str().unwrap().contains("127.0.0.1"),
        "{refused}"
    );
    let metrics = server.send("GET", "/metrics", &[], None).text;
    assert!(
        metrics.contains("rowgate_jwks_fetches_total{issuer=\"one\",outcome=\"connection\"} 1"),
        "{metrics}"
    );
    assert!(
        metrics.contains("rowgate_jwks_keys{issuer=\"one\"} 0"),
        "{metrics}"
    );
}
