//! Tokens from the command line.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::json;
use support::{Server, rowgate};

#[test]
fn mints_a_token_that_opens_a_check() {
    let server = Server::start();
    let minted = server.rowgate(&[
        "token",
        "mint",
        "--user",
        "ann",
        "--org",
        "org_1",
        "--role",
        "admin",
        "--role",
        "member",
        "--permission",
        "project:view",
        "--expires",
        "15m",
        "--claim",
        "plan=pro",
        "--claim",
        "seats=5",
        "--json",
    ]);
    let minted = minted.json();
    let claims = &minted["claims"];
    for (name, value) in [
        ("sub", json!("ann")),
        ("org_id", json!("org_1")),
        ("role", json!("admin")),
        ("roles", json!(["admin", "member"])),
        ("permissions", json!(["project:view"])),
        ("plan", json!("pro")),
        ("seats", json!(5)),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    assert_eq!(
        claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(),
        900
    );
    // Without --json there is the token and nothing else, for a script.
    let token = server.rowgate(&["token", "mint", "--user", "ann"]).ok();
    assert_eq!((token.lines().count(), token.split('.').count()), (1, 3));
    let answer = server.rowgate(&["--api-key", token.trim(), "check", "user:ann", "member", "team:a"]);
    assert_ne!(answer.code, 0);
    let other = server.rowgate(&["--api-key", token.trim(), "check", "user:bob", "member", "team:a"]);
    assert!(other.err.contains("its own user only"), "{}", other.err);
}

#[test]
fn inspects_tokens_and_says_why_not() {
    let server = Server::start();
    let token = server.rowgate(&["token", "mint", "--user", "ann"]).ok();
    let valid = server.rowgate_with(&["token", "inspect"], &token);
    assert_eq!(valid.code, 0);
    assert!(
        valid.out.contains("✔ valid for user:ann") && valid.out.contains("sub: \"ann\""),
        "{}",
        valid.out
    );
    let broken = format!("{}AAAA", token.trim());
    let invalid = server.rowgate(&["token", "inspect", &broken]);
    assert_eq!(invalid.code, 1);
    assert!(invalid.out.contains("✖ token_signature"), "{}", invalid.out);
    let json = server.rowgate(&["token", "inspect", &broken, "--json"]).json();
    assert_eq!(
        (&json["valid"], &json["reason"]),
        (&json!(false), &json!("token_signature"))
    );
    assert_eq!(json["claims"]["sub"], "ann");
    let nonsense = server.rowgate(&["token", "inspect", "nonsense"]);
    assert_eq!(nonsense.code, 2);
    assert!(nonsense.err.contains("three parts"), "{}", nonsense.err);
}

#[test]
fn inspects_with_a_key_set_and_without_a_server() {
    let server = Server::start();
    let token = server.rowgate(&["token", "mint", "--user", "ann"]).ok();
    let url = format!("{}/sso/jwks/client_default", server.0.url());
    let valid = rowgate(&["token", "inspect", token.trim(), "--jwks", &url]);
    assert_eq!(valid.code, 0, "{}{}", valid.out, valid.err);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("jwks.json");
    let keys = server.rowgate(&["token", "rotate", "--revoke", "--json"]).json();
    std::fs::write(&file, json!({"keys": keys["keys"]}).to_string()).unwrap();
    let file = file.to_str().unwrap();
    let revoked = rowgate(&["token", "inspect", token.trim(), "--jwks", file]);
    assert!(
        revoked.code == 1 && revoked.out.contains("token_unknown_key"),
        "{}",
        revoked.out
    );
    let insecure = rowgate(&[
        "token",
        "inspect",
        token.trim(),
        "--jwks",
        "http://idp.example.com/jwks",
    ]);
    assert!(
        insecure.code == 2 && insecure.err.contains("https://"),
        "{}",
        insecure.err
    );
}

#[test]
fn rotates_keys() {
    let server = Server::start();
    let before = server
        .rowgate(&["token", "mint", "--user", "ann", "--json"])
        .json();
    let told = server.rowgate(&["token", "rotate", "--algorithm", "ES256"]).ok();
    assert!(
        told.contains("with ES256") && told.contains("1 earlier key is served"),
        "{told}"
    );
    let after = server
        .rowgate(&["token", "mint", "--user", "ann", "--json"])
        .json();
    assert_ne!(before["key_id"], after["key_id"]);
    for minted in [&before, &after] {
        let token = minted["token"].as_str().unwrap();
        assert_eq!(server.rowgate(&["token", "inspect", token]).code, 0);
    }
    let told = server.rowgate(&["token", "rotate", "--revoke"]).ok();
    assert!(told.contains("are refused from now on"), "{told}");
    assert_eq!(
        server
            .rowgate(&["token", "inspect", after["token"].as_str().unwrap()])
            .code,
        1
    );
}

#[test]
fn says_what_is_wrong_with_a_request() {
    let server = Server::start();
    for (arguments, expected) in [
        (vec!["--user", "ann", "--expires", "2d"], "a day at most"),
        (vec!["--user", "ann", "--expires", "soon"], "90s"),
        (vec!["--user", "ann", "--claim", "sub=bob"], "given by the issuer"),
        (vec!["--user", "ann", "--claim", "x"], "plan=pro"),
        (
            vec!["--user", "ann", "--claim", "x=1", "--claim", "x=2"],
            "given twice",
        ),
        (vec![], "--user"),
    ] {
        let run = server.rowgate(&[vec!["token", "mint"], arguments].concat());
        assert!(
            run.code == 2 && run.err.contains(expected),
            "{expected}: {}",
            run.err
        );
    }
    let rotated = server.rowgate(&["token", "rotate", "--algorithm", "HS256"]);
    assert!(
        rotated.code == 2 && rotated.err.contains("ES256"),
        "{}",
        rotated.err
    );
}

#[test]
fn a_server_refuses_to_start_with_a_configuration_that_makes_no_sense() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("rowgate.toml");
    let store = format!("file:{}", directory.path().join("data").display());
    let issuer = "[[issuer]]\nname = \"idp\"\nissuer = \"https://idp.example.com/\"\n";
    for (text, expected) in [
        ("[bult_in]\n".to_owned(), "unknown field `bult_in`"),
        (
            format!("{issuer}jwks_url = \"https://idp.example.com/\""),
            "missing field `audiences`",
        ),
        (
            format!("{issuer}audiences = [\"a\"]\njwks_url = \"http://idp.example.com/\""),
            "must begin with `https://`",
        ),
        (
            format!("{issuer}audiences = [\"a\"]\nleeway = 900\njwks_url = \"https://idp.example.com/\""),
            "at most 300 seconds",
        ),
        (
            "[built_in]\nalgorithm = \"PS256\"".to_owned(),
            "RS256, ES256 or EdDSA",
        ),
    ] {
        std::fs::write(&file, text).unwrap();
        let arguments = [
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--store",
            &store,
            "--config",
            file.to_str().unwrap(),
        ];
        let run = rowgate(&arguments);
        assert!(
            run.code == 2 && run.err.contains(expected),
            "{expected}: {}",
            run.err
        );
    }
}
