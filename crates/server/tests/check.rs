//! Checks: answers, operators, contexts, decision trees, warrant tokens.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use support::{DOCUMENTS, Served, parse};

fn documents() -> Served {
    let server = Served::start();
    server.apply(DOCUMENTS);
    server
}

fn one(check: &str) -> Value {
    json!({"checks": [parse(check)]})
}

#[test]
fn answers_in_the_shape_that_clients_know() {
    let server = documents();
    let token = server.grant("document:d1#owner@user:ann");
    let answer = server
        .post("/fga/v1/check", one("document:d1#owner@user:ann"))
        .ok();
    let operations = answer["operations_consumed"]["total"].as_u64().unwrap();
    assert!(operations > 0);
    let expected = json!({
        "result": "authorized",
        "is_implicit": false,
        "warrant_token": token,
        "operations_consumed": {"total": operations},
    });
    assert_eq!(answer, expected);
    let implicit = server
        .post("/fga/v1/check", one("document:d1#viewer@user:ann"))
        .ok();
    assert_eq!(
        (&implicit["result"], &implicit["is_implicit"]),
        (&json!("authorized"), &json!(true))
    );
    let no = server
        .post("/fga/v1/check", one("document:d1#viewer@user:bob"))
        .ok();
    assert_eq!(
        (&no["result"], &no["is_implicit"]),
        (&json!("not_authorized"), &json!(false))
    );
}

#[test]
fn takes_null_and_empty_for_what_is_optional_and_ignores_what_it_does_not_know() {
    let server = documents();
    server.grant("document:d1#owner@user:ann");
    let mut check = parse("document:d1#owner@user:ann");
    check["context"] = Value::Null;
    check["subject"]["relation"] = Value::Null;
    check["surprise"] = json!([1]);
    let request = json!({"op": null, "debug": null, "checks": [check], "consistency": "x"});
    assert_eq!(server.post("/fga/v1/check", request).ok()["result"], "authorized");
    check["subject"]["relation"] = json!("");
    assert_eq!(
        server.post("/fga/v1/check", json!({"checks": [check]})).ok()["result"],
        "authorized"
    );
    let escaped = r#"{"checks":[{"resource_type":"docu\u006dent","resource_id":"d1","relation":"owner",
        "subject":{"resource_type":"user","resource_id":"\u0061nn"}}]}"#;
    let answer = server
        .post_raw("/fga/v1/check", "application/json", escaped.as_bytes())
        .ok();
    assert_eq!(answer["result"], "authorized");
}

#[test]
fn combines_several_checks() {
    let server = documents();
    server.grant("document:d1#owner@user:ann");
    server.grant("document:d2#viewer@user:ann");
    let (owner, viewer) = (
        parse("document:d1#owner@user:ann"),
        parse("document:d1#viewer@user:ann"),
    );
    let no = parse("document:d2#owner@user:ann");
    let ask = |op: &str, checks: &[&Value]| {
        let answer = server
            .post("/fga/v1/check", json!({"op": op, "checks": checks}))
            .ok();
        (answer["result"] == "authorized", answer["is_implicit"] == true)
    };
    assert_eq!(ask("any_of", &[&no, &owner, &viewer]), (true, false));
    assert_eq!(ask("any_of", &[&no, &viewer, &owner]), (true, true));
    assert_eq!(ask("any_of", &[&no, &no]), (false, false));
    assert_eq!(ask("all_of", &[&owner, &viewer]), (true, true));
    assert_eq!(ask("all_of", &[&owner, &owner]), (true, false));
    assert_eq!(ask("all_of", &[&viewer, &no]), (false, false));
    assert_eq!(ask("any_of", &[&owner]), (true, false));

    let batch = server
        .post(
            "/fga/v1/check",
            json!({"op": "batch", "checks": [no, owner, viewer]}),
        )
        .ok();
    let results: Vec<_> = batch
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["result"].as_str().unwrap())
        .collect();
    assert_eq!(results, ["not_authorized", "authorized", "authorized"]);
    let single = server
        .post("/fga/v1/check", json!({"op": "batch", "checks": [no]}))
        .ok();
    assert_eq!(single.as_array().unwrap().len(), 1);
}

#[test]
fn never_grants_without_the_context_and_says_what_is_missing() {
    let server = documents();
    server.grant("document:d1#owner@user:ann");
    let ask = |context: Value| {
        let mut check = parse("document:d1#approver@user:ann");
        check["context"] = context;
        server.post("/fga/v1/check", json!({"checks": [check]})).ok()
    };
    assert_eq!(ask(json!({"amount": 100}))["result"], "authorized");
    let over = ask(json!({"amount": 101}));
    assert_eq!(
        (&over["result"], over.get("warnings")),
        (&json!("not_authorized"), None)
    );
    for context in [json!(null), json!({}), json!({"amount": "7"})] {
        let answer = ask(context);
        assert_eq!(answer["result"], "not_authorized");
        let warning = &answer["warnings"][0];
        assert_eq!(
            (&warning["code"], &warning["keys"]),
            (&json!("missing_context_keys"), &json!(["amount"]))
        );
        assert!(warning["message"].as_str().unwrap().contains("amount"));
    }
}

#[test]
fn refuses_what_it_cannot_ask() {
    let server = documents();
    let check = parse("document:d1#owner@user:ann");
    let many = vec![check.clone(); 101];
    let long = "x".repeat(256);
    let mut cases = vec![
        (json!({}), "missing_required_parameter", "checks"),
        (json!({"checks": null}), "missing_required_parameter", "checks"),
        (json!({"checks": []}), "invalid_parameter", "checks"),
        (
            json!({"checks": many, "op": "batch"}),
            "invalid_parameter",
            "checks",
        ),
        (json!({"checks": [check, check]}), "invalid_parameter", "op"),
        (
            json!({"checks": [check], "op": "none_of"}),
            "invalid_parameter",
            "op",
        ),
        (json!({"checks": {}}), "invalid_parameter", "checks"),
        (json!({"checks": [7]}), "invalid_parameter", "checks[0]"),
        (
            json!({"checks": [check], "debug": "yes"}),
            "invalid_parameter",
            "debug",
        ),
    ];
    for (field, value, code) in [
        ("relation", Value::Null, "missing_required_parameter"),
        ("relation", json!(""), "missing_required_parameter"),
        ("resource_id", json!(7), "invalid_parameter"),
        ("resource_id", json!("*"), "invalid_parameter"),
        ("resource_id", json!(long), "invalid_parameter"),
        ("resource_id", json!("two words"), "invalid_parameter"),
        ("subject", json!("user:ann"), "invalid_parameter"),
        ("context", json!([]), "invalid_parameter"),
    ] {
        let mut check = check.clone();
        check[field] = value;
        cases.push((
            json!({"checks": [check]}),
            code,
            Box::leak(format!("checks[0].{field}").into_boxed_str()),
        ));
    }
    for (request, code, parameter) in cases {
        let body = server.post("/fga/v1/check", request).error(400, code);
        assert_eq!(body["parameter"], parameter, "{body}");
    }
    let body = server
        .post("/fga/v1/check", json!({"checks": many}))
        .error(400, "invalid_parameter");
    assert_eq!(body["message"], "there are 101 checks; at most 100 are allowed");
    let body = server
        .post("/fga/v1/check", one("spaceship:s1#owner@user:ann"))
        .error(404, "not_found");
    let expected = json!({
        "code": "not_found",
        "message": "ResourceType spaceship not found",
        "type": "ResourceType",
        "key": "spaceship",
    });
    assert_eq!(body, expected);
    // Neither an unknown relation nor an unknown type of subject is an error.
    for check in ["document:d1#pilot@user:ann", "document:d1#owner@alien:x"] {
        assert!(!server.allows(check, json!({})));
    }
}

/// A decision tree as lines, without the times.
fn lines(node: &Value, depth: usize, out: &mut Vec<String>) {
    let check = &node["check"];
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let subject = &check["subject"];
    let group = subject["relation"]
        .as_str()
        .map_or(String::new(), |relation| format!("#{relation}"));
    let policy = node["policy"]
        .as_str()
        .map_or(String::new(), |policy| format!(" [{policy}]"));
    assert!(
        node["processing_time"].is_u64() && check.get("context").is_some(),
        "{node}"
    );
    out.push(format!(
        "{}{}:{}#{}@{}:{}{group} {}{policy}",
        "  ".repeat(depth),
        text(check, "resource_type"),
        text(check, "resource_id"),
        text(check, "relation"),
        text(subject, "resource_type"),
        text(subject, "resource_id"),
        text(node, "decision"),
    ));
    for child in node["children"].as_array().unwrap() {
        lines(child, depth + 1, out);
    }
}

#[test]
fn explains_a_decision_in_the_shape_that_clients_know() {
    let server = documents();
    server.grant("document:d1#parent@folder:f1");
    server.grant("folder:f1#viewer@user:ann");
    server.grant("document:d1#editor@group:g#member");
    server.post("/fga/v1/warrants", {
        let mut warrant = parse("group:g#member@user:bob");
        warrant["policy"] = json!("region == 'eu'");
        warrant
    });
    let explain = |check: &str, context: Value| {
        let mut check = parse(check);
        check["context"] = context;
        let answer = server
            .post("/fga/v1/check", json!({"checks": [check], "debug": true}))
            .ok();
        let debug = answer["debug_info"].clone();
        assert!(
            debug["processing_time"].is_u64() && debug["explanation"]["root"]["step"] == "check",
            "{debug}"
        );
        let mut out = vec![answer["result"].as_str().unwrap().to_owned()];
        lines(&debug["decision_tree"], 0, &mut out);
        (out, debug)
    };
    let (tree, debug) = explain("document:d1#viewer@user:ann", json!({"region": "us"}));
    assert_eq!(
        tree,
        [
            "authorized",
            "document:d1#viewer@user:ann matched",
            "  document:d1#parent@folder:f1 matched",
            "    folder:f1#viewer@user:ann matched",
        ]
    );
    assert_eq!(
        debug["decision_tree"]["check"]["context"],
        json!({"region": "us"})
    );
    let (tree, _) = explain("document:d1#editor@user:bob", json!({"region": "eu"}));
    assert_eq!(
        tree,
        [
            "authorized",
            "document:d1#editor@user:bob matched",
            "  group:g#member@user:bob eval_policy [region == 'eu']",
        ]
    );
    let (tree, debug) = explain("document:d1#editor@user:bob", json!({"region": "us"}));
    assert_eq!(
        tree[..2],
        ["not_authorized", "document:d1#editor@user:bob not_matched"]
    );
    let text = debug["explanation"].to_string();
    assert!(text.contains("region is"), "{text}");
    let (tree, debug) = explain("document:d1#approver@user:ann", json!({}));
    assert_eq!(
        tree[..2],
        ["not_authorized", "document:d1#approver@user:ann not_matched"]
    );
    assert!(tree.iter().any(|line| line.ends_with("[small]")), "{tree:?}");
    assert_eq!(debug["explanation"]["root"]["children"][0]["operator"], "all_of");
}

#[test]
fn reads_at_least_what_the_token_saw() {
    let server = documents();
    let path = "/fga/v1/check";
    let token = server.grant("document:d1#owner@user:ann");
    for token in [token.as_str(), "latest", ""] {
        let answer = server
            .with_token("POST", path, token, Some(&one("document:d1#owner@user:ann")))
            .ok();
        assert_eq!(answer["result"], "authorized");
    }
    let refused = |server: &Served, token: &str, message: &str| {
        for (method, path, body) in [
            ("POST", path, Some(one("document:d1#owner@user:ann"))),
            ("GET", "/fga/v1/warrants", None),
            (
                "GET",
                "/fga/v1/query?q=select%20document%20where%20user:ann%20is%20owner",
                None,
            ),
        ] {
            let body = server
                .with_token(method, path, token, body.as_ref())
                .error(400, "invalid_parameter");
            assert_eq!(body["parameter"], "Warrant-Token");
            assert!(body["message"].as_str().unwrap().contains(message), "{body}");
        }
    };
    refused(&server, "nonsense", "not a warrant token");
    refused(&server, &"A".repeat(5000), "not a warrant token");
    // Another server has the same environment name and another environment.
    refused(&documents(), &token, "the token belongs to another environment");
}

#[test]
fn says_so_when_a_token_is_from_the_future() {
    let mut server = documents();
    let kept = server.grant("document:d1#owner@user:ann");
    server.stop();
    let copy = std::sync::Arc::new(tempfile::tempdir().unwrap());
    copy_all(server.directory.path(), copy.path());
    let server = server.restart();
    let lost = server.grant("document:d2#owner@user:ann");
    let restored = Served::start_in(copy, |_| {});
    let request = one("document:d1#owner@user:ann");
    restored
        .with_token("POST", "/fga/v1/check", &kept, Some(&request))
        .ok();
    let body = restored
        .with_token("POST", "/fga/v1/check", &lost, Some(&request))
        .error(400, "invalid_parameter");
    assert!(
        body["message"].as_str().unwrap().contains("restored from a copy"),
        "{body}"
    );
}

fn copy_all(from: &std::path::Path, to: &std::path::Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy_all(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// How many steps the full tree has.
fn steps(node: &Value) -> usize {
    let children = node["children"].as_array().unwrap();
    1 + children.iter().map(steps).sum::<usize>()
}

#[test]
fn the_trees_of_a_request_are_bounded_together() {
    let server = Served::start();
    server.apply("version 0.3\ntype user\ntype group\n  relation member [user, group#member]\n");
    let inner: Vec<Value> = (0..90)
        .map(|number| parse(&format!("group:all#member@group:{number}#member")))
        .collect();
    server.post("/fga/v1/warrants", Value::from(inner)).ok();
    let check = parse("group:all#member@user:nobody");
    let body = json!({"op": "batch", "debug": true, "checks": vec![check; 100]});
    let answers = server.post("/fga/v1/check", body).ok();
    let explanations: Vec<&Value> = answers
        .as_array()
        .unwrap()
        .iter()
        .map(|answer| &answer["debug_info"]["explanation"])
        .collect();
    assert_eq!(explanations.len(), 100);
    // Each alone is far from the limit, and all together are not.
    assert!(explanations[0].get("truncated").is_none());
    assert!(steps(&explanations[0]["root"]) > 90);
    assert_eq!(explanations[99]["truncated"], true);
    let all: usize = explanations
        .iter()
        .map(|explanation| steps(&explanation["root"]))
        .sum();
    assert!((4_900..5_400).contains(&all), "{all}");
    assert!(
        answers
            .as_array()
            .unwrap()
            .iter()
            .all(|answer| answer["result"] == "not_authorized")
    );
}

/// A check does not go by the router, except from a page of another origin: whoever asks sees no difference.
#[test]
fn is_answered_the_same_by_the_router_and_past_it() {
    let server = documents();
    let token = server.grant("document:d1#owner@user:ann");
    let key = format!("Bearer {}", server.key);
    let (key, token) = (("Authorization", key.as_str()), ("Warrant-Token", token.as_str()));
    let good = one("document:d1#viewer@user:ann").to_string();
    let large = "x".repeat((4 << 20) + 1);
    let requests = [
        (vec![key], &*good, 200),
        (vec![key, token], &good, 200),
        (vec![key, ("X-Request-Id", "mine-1")], &good, 200),
        (vec![key, ("Warrant-Token", "none of ours")], &good, 400),
        (vec![key, ("Expect", "100-continue")], &good, 200),
        (vec![key], "{\"checks\": 1}", 400),
        (vec![key], "", 400),
        (vec![key], &large, 413),
        (vec![], &good, 401),
        (vec![("Authorization", "Bearer sk_unknown")], &good, 401),
    ];
    for (headers, body, status) in requests {
        let mut from_a_page = headers.clone();
        from_a_page.push(("Origin", "https://other.example"));
        let [past, by] = [&headers, &from_a_page].map(|headers| {
            let mut answer = server.send("POST", "/fga/v1/check", headers, Some(body.as_bytes()));
            let id = answer.headers.remove("x-request-id").unwrap();
            match headers.iter().find(|(name, _)| *name == "X-Request-Id") {
                Some((_, own)) => assert_eq!(id, own),
                None => assert!(id.to_str().unwrap().starts_with("req_"), "{id:?}"),
            }
            answer.headers.remove("date").unwrap();
            (answer.status, answer.text, answer.headers)
        });
        assert_eq!(past.0, status, "{headers:?}: {}", past.1);
        assert_eq!(past, by, "{headers:?}");
    }
    let metrics = server.get("/metrics").text;
    let counted = "rowgate_http_requests_total{route=\"/fga/v1/check\",method=\"POST\",status=\"200\"} 8";
    assert!(metrics.contains(counted), "{metrics}");
    assert!(metrics.contains("rowgate_http_requests_in_flight 1"), "{metrics}");
    assert_eq!(server.get("/fga/v1/check").status, 405);
}
