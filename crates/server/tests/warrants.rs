//! Warrants and resources: writing, idempotency, listing, pages.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use support::{DOCUMENTS, Served, escape, ids, parse};

fn documents() -> Served {
    let server = Served::start();
    server.apply(DOCUMENTS);
    server
}

#[test]
fn creates_a_warrant_twice_and_deletes_it_once() {
    let server = documents();
    let warrant = parse("document:d1#owner@user:ann");
    let first = server.post("/fga/v1/warrants", warrant.clone()).ok();
    assert_eq!(first.as_object().unwrap().len(), 1);
    assert!(first["warrant_token"].is_string());
    assert_eq!(server.post("/fga/v1/warrants", warrant.clone()).ok(), first);
    let listed = server.get("/fga/v1/warrants").ok();
    assert_eq!(
        listed,
        json!({"object": "list", "data": [warrant], "list_metadata": {"before": null, "after": null}})
    );
    let mut delete = warrant;
    delete["op"] = json!("delete");
    let token = server.post("/fga/v1/warrants", delete.clone()).ok()["warrant_token"].clone();
    assert_ne!(token, first["warrant_token"]);
    let body = server.post("/fga/v1/warrants", delete).error(404, "not_found");
    let expected = json!({
        "code": "not_found",
        "message": "Warrant document:d1#owner@user:ann not found",
        "type": "Warrant",
        "key": "document:d1#owner@user:ann",
    });
    assert_eq!(body, expected);
    assert_eq!(server.get("/fga/v1/warrants").ok()["data"], json!([]));
    // Both sides stay.
    assert_eq!(
        ids(&server.get("/fga/v1/resources?order=asc").ok()),
        ["d1", "ann"]
    );
}

#[test]
fn keeps_warrants_with_different_policies_apart() {
    let server = documents();
    let plain = parse("document:d1#owner@user:ann");
    let with = |policy: &str| {
        let mut warrant = plain.clone();
        warrant["policy"] = json!(policy);
        warrant
    };
    let (eu, us) = (with("region == 'eu'"), with("region == 'us'"));
    for warrant in [&plain, &eu, &us] {
        server.post("/fga/v1/warrants", warrant.clone()).ok();
    }
    assert_eq!(
        server.get("/fga/v1/warrants").ok()["data"],
        json!([us, eu, plain])
    );
    let mut delete = eu.clone();
    delete["op"] = json!("delete");
    server.post("/fga/v1/warrants", delete).ok();
    assert_eq!(server.get("/fga/v1/warrants").ok()["data"], json!([us, plain]));
    // `null` is no policy.
    let mut delete = plain.clone();
    (delete["op"], delete["policy"]) = (json!("delete"), Value::Null);
    server.post("/fga/v1/warrants", delete).ok();
    assert_eq!(server.get("/fga/v1/warrants").ok()["data"], json!([us]));
    assert!(server.allows("document:d1#owner@user:ann", json!({"region": "us"})));
    assert!(!server.allows("document:d1#owner@user:ann", json!({"region": "eu"})));
}

#[test]
fn carries_out_a_batch_as_a_whole() {
    let server = documents();
    server.grant("document:d0#owner@user:ann");
    let batch = |last: Value| {
        let mut gone = parse("document:d0#owner@user:ann");
        gone["op"] = json!("delete");
        let new = parse("document:d1#owner@user:ann");
        server.post("/fga/v1/warrants", json!([gone, new, last]))
    };
    let body = batch(parse("document:d1#captain@user:ann")).error(400, "invalid_parameter");
    assert_eq!(body["parameter"], "relation");
    assert_eq!(ids(&server.get("/fga/v1/warrants").ok()), ["d0"]);
    batch(parse("document:d2#owner@user:ann")).ok();
    assert_eq!(ids(&server.get("/fga/v1/warrants").ok()), ["d2", "d1"]);
    server
        .post("/fga/v1/warrants", json!([]))
        .error(400, "invalid_parameter");
    let many = vec![parse("document:d1#owner@user:ann"); 101];
    let body = server
        .post("/fga/v1/warrants", json!(many))
        .error(400, "invalid_parameter");
    assert_eq!(
        body["message"],
        "the batch has 101 entries; at most 100 are allowed"
    );
    let third = json!([parse("document:d1#owner@user:ann"), {"resource_type": "document"}]);
    let body = server
        .post("/fga/v1/warrants", third)
        .error(400, "missing_required_parameter");
    assert_eq!(body["parameter"], "[1].resource_id");
}

#[test]
fn refuses_warrants_that_make_no_sense() {
    let server = documents();
    let long = "x".repeat(256);
    for (change, value, code, parameter) in [
        ("/context", json!({"a": 1}), "invalid_parameter", "context"),
        ("/op", json!("upsert"), "invalid_parameter", "op"),
        (
            "/resource_type",
            json!("spaceship"),
            "invalid_parameter",
            "resource_type",
        ),
        ("/resource_type", json!(7), "invalid_parameter", "resource_type"),
        (
            "/resource_type",
            Value::Null,
            "missing_required_parameter",
            "resource_type",
        ),
        (
            "/resource_id",
            json!(""),
            "missing_required_parameter",
            "resource_id",
        ),
        ("/resource_id", json!("*"), "invalid_parameter", "resource_id"),
        ("/resource_id", json!(long), "invalid_parameter", "resource_id"),
        ("/relation", json!("captain"), "invalid_parameter", "relation"),
        ("/relation", json!("approver"), "invalid_parameter", "subject"),
        ("/subject", Value::Null, "missing_required_parameter", "subject"),
        (
            "/subject/resource_type",
            json!("folder"),
            "invalid_parameter",
            "subject",
        ),
        (
            "/subject/resource_id",
            Value::Null,
            "missing_required_parameter",
            "subject.resource_id",
        ),
        (
            "/subject/resource_id",
            json!(["a"]),
            "invalid_parameter",
            "subject.resource_id",
        ),
        ("/policy", json!("element = '115'"), "invalid_parameter", "policy"),
        ("/policy", json!("1 + 1"), "invalid_parameter", "policy"),
        ("/policy", json!("a matches '('"), "invalid_parameter", "policy"),
    ] {
        let mut warrant = parse("document:d1#owner@user:ann");
        let (at, field) = change.rsplit_once('/').unwrap();
        warrant.pointer_mut(at).unwrap()[field] = value;
        let body = server.post("/fga/v1/warrants", warrant).error(400, code);
        assert_eq!(body["parameter"], parameter, "{body}");
    }
    let mut wild = parse("document:d1#editor@group:*#member");
    let body = server
        .post("/fga/v1/warrants", wild.clone())
        .error(400, "invalid_parameter");
    assert_eq!(body["parameter"], "subject.relation");
    wild["subject"] = json!({"resource_type": "user", "resource_id": "*"});
    server.post("/fga/v1/warrants", wild).ok();
    assert!(server.allows("document:d1#viewer@user:anyone", json!({})));
    assert_eq!(
        server.get("/fga/v1/warrants").ok()["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn lists_warrants_by_every_filter() {
    let server = documents();
    let all = [
        "document:d1#owner@user:ann",
        "document:d1#editor@group:g#member",
        "document:d2#owner@user:bob",
        "folder:f#viewer@user:ann",
        "document:d2#viewer@user:*",
    ];
    for warrant in all {
        server.grant(warrant);
    }
    for (filter, expected) in [
        ("", vec![4, 3, 2, 1, 0]),
        ("order=asc", vec![0, 1, 2, 3, 4]),
        ("resource_type=document", vec![4, 2, 1, 0]),
        ("resource_type=document&resource_id=d1", vec![1, 0]),
        ("resource_type=document&resource_id=d1&relation=owner", vec![0]),
        ("resource_type=document&relation=owner", vec![2, 0]),
        ("subject_type=user", vec![4, 3, 2, 0]),
        ("subject_type=user&subject_id=ann", vec![3, 0]),
        ("subject_type=user&subject_id=*", vec![4]),
        ("subject_type=user&subject_id=ann&resource_type=folder", vec![3]),
        (
            "resource_type=document&resource_id=d1&subject_type=user&subject_id=ann",
            vec![0],
        ),
        ("subject_relation=member", vec![1]),
        ("subject_type=group&subject_id=g&subject_relation=member", vec![1]),
        ("resource_type=spaceship", vec![]),
        ("resource_type=document&resource_id=none", vec![]),
        ("resource_type=document&relation=captain", vec![]),
    ] {
        let listed = server.get(&format!("/fga/v1/warrants?limit=100&{filter}")).ok();
        let expected: Vec<Value> = expected.into_iter().map(|at: usize| parse(all[at])).collect();
        assert_eq!(listed["data"], json!(expected), "{filter}");
    }
    for (filter, parameter) in [
        ("resource_id=d1", "resource_type"),
        ("relation=owner", "resource_type"),
        ("subject_id=ann", "subject_type"),
    ] {
        let body = server
            .get(&format!("/fga/v1/warrants?{filter}"))
            .error(400, "missing_required_parameter");
        assert_eq!(body["parameter"], parameter);
    }
}

/// Walks a list to its end and back, and gives the pages of both ways.
fn walk(server: &Served, path: &str) -> (Vec<Vec<String>>, Vec<Vec<String>>) {
    let (mut there, mut back) = (Vec::new(), Vec::new());
    let mut page = server.get(path).ok();
    assert_eq!(page["list_metadata"]["before"], Value::Null);
    loop {
        there.push(ids(&page));
        let Some(after) = page["list_metadata"]["after"].as_str() else {
            break;
        };
        page = server.get(&format!("{path}&after={after}")).ok();
    }
    loop {
        back.insert(0, ids(&page));
        let Some(before) = page["list_metadata"]["before"].as_str() else {
            break;
        };
        page = server.get(&format!("{path}&before={before}")).ok();
    }
    (there, back)
}

#[test]
fn pages_there_and_back_without_an_empty_page_at_the_end() {
    let server = documents();
    for at in 0..6 {
        server.grant(&format!("document:d{at}#owner@user:ann"));
    }
    for list in [
        "/fga/v1/warrants?limit=2",
        "/fga/v1/warrants?limit=2&subject_type=user&subject_id=ann",
        "/fga/v1/resources?limit=2&resource_type=document",
        "/fga/v1/resources?limit=2&resource_type=document&search=d",
        "/fga/v1/query?limit=2&q=select%20document%20where%20user:ann%20is%20viewer",
    ] {
        let (there, back) = walk(&server, list);
        assert_eq!(there, [["d5", "d4"], ["d3", "d2"], ["d1", "d0"]], "{list}");
        assert_eq!(back, there, "{list}");
        let (there, back) = walk(&server, &format!("{list}&order=asc"));
        assert_eq!(there, [["d0", "d1"], ["d2", "d3"], ["d4", "d5"]], "{list}");
        assert_eq!(back, there, "{list}");
    }
    for (list, name) in [
        ("/fga/v1/resource-types?limit=2", "type"),
        ("/fga/v1/policies?limit=2", "name"),
    ] {
        let page = server.get(list).ok();
        assert!(page["data"][0][name].is_string(), "{page}");
    }
}

#[test]
fn refuses_cursors_from_elsewhere() {
    let server = documents();
    let other = documents();
    for at in 0..4 {
        server.grant(&format!("document:d{at}#owner@user:ann"));
        other.grant(&format!("document:d{at}#owner@user:ann"));
    }
    let after = |server: &Served, path: &str| {
        server.get(path).ok()["list_metadata"]["after"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let query = "/fga/v1/query?limit=1&q=select%20document%20where%20user:ann%20is%20viewer";
    let foreign = after(&other, "/fga/v1/warrants?limit=1");
    let of_resources = after(&server, "/fga/v1/resources?limit=1");
    let unfiltered = after(&server, "/fga/v1/warrants?limit=1");
    let of_query = after(&server, query);
    let refused = |path: &str, cursor: &str, message: &str| {
        for parameter in ["after", "before"] {
            let body = server
                .get(&format!("{path}&{parameter}={}", escape(cursor)))
                .error(400, "invalid_parameter");
            assert_eq!(body["parameter"], parameter);
            assert!(body["message"].as_str().unwrap().contains(message), "{body}");
        }
    };
    let list = "/fga/v1/warrants?limit=1";
    for text in ["nonsense", "user_456", "e30", "💥", &"A".repeat(9000)] {
        refused(list, text, "not a cursor");
    }
    refused(list, &foreign, "another environment");
    refused(list, &of_resources, "another list");
    refused(list, &of_query, "another list");
    refused(
        &format!("{list}&resource_type=document"),
        &unfiltered,
        "other filters",
    );
    refused(
        &format!("{list}&order=asc"),
        &unfiltered,
        "other filters or another order",
    );
    refused(
        &format!("{query}&context=%7B%22a%22:1%7D"),
        &of_query,
        "other filters",
    );
    let body = server
        .get(&format!("{list}&after={unfiltered}&before={unfiltered}"))
        .error(400, "invalid_parameter");
    assert_eq!(body["message"], "give `after` or `before`, not both");
    for (parameter, value) in [
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "ten"),
        ("order", "up"),
    ] {
        let body = server
            .get(&format!("/fga/v1/warrants?{parameter}={value}"))
            .error(400, "invalid_parameter");
        assert_eq!(body["parameter"], parameter);
    }
    // A restart counts anew.
    let server = server.restart();
    let body = server
        .get(&format!("{list}&after={unfiltered}"))
        .error(400, "invalid_parameter");
    let message = body["message"].as_str().unwrap();
    assert!(message.contains("numbered anew"), "{body}");
}

#[test]
fn pages_stay_what_they_were_while_others_write() {
    let server = documents();
    for at in 10..30 {
        server.grant(&format!("document:d{at}#owner@user:ann"));
    }
    let query = "/fga/v1/query?limit=5&q=select%20document%20where%20user:ann%20is%20owner";
    let list = "/fga/v1/warrants?limit=5&subject_type=user&subject_id=ann";
    for path in [query, list] {
        let mut seen = Vec::new();
        let mut next = path.to_owned();
        for turn in 0.. {
            let page = server.get(&next).ok();
            seen.extend(ids(&page));
            let Some(after) = page["list_metadata"]["after"].as_str() else {
                break;
            };
            next = format!("{path}&after={after}");
            // New ones come, at both ends of the order.
            server.grant(&format!("document:d0{turn}#owner@user:ann"));
            server.grant(&format!("document:d9{turn}#owner@user:ann"));
        }
        let before: Vec<String> = seen
            .into_iter()
            .filter(|id| !id.starts_with("d0") && !id.starts_with("d9"))
            .collect();
        let expected: Vec<String> = (10..30).rev().map(|at| format!("d{at}")).collect();
        assert_eq!(before, expected, "{path}");
    }
    // What a query's cursor names is kept; a revision that nobody pinned is not.
    let first = server.get(query).ok();
    let after = first["list_metadata"]["after"].as_str().unwrap().to_owned();
    let token = server.grant("document:d77#owner@user:ann");
    server.get(&format!("{query}&after={after}")).ok();
    let body = server
        .with_token("GET", &format!("{query}&after={after}"), &token, None)
        .error(400, "invalid_parameter");
    assert!(
        body["message"]
            .as_str()
            .unwrap()
            .contains("older than the warrant token"),
        "{body}"
    );
    let server = server.restart();
    server.grant("document:d78#owner@user:ann");
    let body = server
        .get(&format!("{query}&after={after}"))
        .error(400, "invalid_parameter");
    assert!(
        body["message"].as_str().unwrap().contains("no longer kept"),
        "{body}"
    );
}

#[test]
fn creates_reads_updates_and_deletes_resources() {
    let server = documents();
    let new = json!({"resource_type": "document", "resource_id": "d1", "meta": {"title": "A", "n": [1, 2.5, null]}});
    let created = server.post("/fga/v1/resources", new).ok();
    let at = created["created_at"].as_str().unwrap();
    assert!(at.ends_with('Z') && at.contains('T'), "{at}");
    assert_eq!(created["meta"], json!({"title": "A", "n": [1, 2.5, null]}));
    assert_eq!(server.get("/fga/v1/resources/document/d1").ok(), created);
    // Without metadata a repeated create leaves it; with metadata it replaces it.
    let again = server.post(
        "/fga/v1/resources",
        json!({"resource_type": "document", "resource_id": "d1", "meta": null}),
    );
    assert_eq!(again.ok(), created);
    let again = server.post(
        "/fga/v1/resources",
        json!({"resource_type": "document", "resource_id": "d1", "meta": {"b": 1}}),
    );
    assert_eq!(again.ok()["meta"], json!({"b": 1}));
    let put = server
        .put("/fga/v1/resources/document/d1", json!({"meta": {"c": true}}))
        .ok();
    assert_eq!(
        (&put["meta"], &put["created_at"]),
        (&json!({"c": true}), &created["created_at"])
    );
    for cleared in [json!({"meta": null}), json!({})] {
        assert!(
            server
                .put("/fga/v1/resources/document/d1", cleared)
                .ok()
                .get("meta")
                .is_none()
        );
    }
    for id in [json!(""), Value::Null] {
        let generated = server
            .post(
                "/fga/v1/resources",
                json!({"resource_type": "document", "resource_id": id}),
            )
            .ok();
        assert_eq!(generated["resource_id"].as_str().unwrap().len(), 36);
        assert!(generated.get("meta").is_none());
    }
    server.grant("document:d1#owner@user:ann");
    server.grant("document:d2#owner@user:ann");
    let answer = server.delete("/fga/v1/resources/user/ann");
    assert_eq!(
        (answer.status, answer.text.as_str(), answer.header("content-type")),
        (200, "", "")
    );
    assert_eq!(server.get("/fga/v1/warrants").ok()["data"], json!([]));
    let body = server
        .delete("/fga/v1/resources/user/ann")
        .error(404, "not_found");
    assert_eq!(
        (&body["type"], &body["key"]),
        (&json!("Resource"), &json!("user:ann"))
    );
    server.get("/fga/v1/resources/user/ann").error(404, "not_found");
    server
        .put("/fga/v1/resources/user/ann", json!({"meta": {}}))
        .error(404, "not_found");
}

#[test]
fn takes_every_id_in_a_path() {
    let server = documents();
    for id in [
        "a@b.com",
        "auth0|123",
        "balance-sheet:edit",
        "a/b",
        "x+y=z~",
        "100%",
        "a%2Fb",
        "d.1",
    ] {
        let new = json!({"resource_type": "document", "resource_id": id});
        server.post("/fga/v1/resources", new).ok();
        let answer = server
            .get(&format!("/fga/v1/resources/document/{}", escape(id)))
            .ok();
        assert_eq!(answer["resource_id"], id);
        if !id.contains('%') {
            // As clients send it that do not escape.
            assert_eq!(
                server.get(&format!("/fga/v1/resources/document/{id}")).ok()["resource_id"],
                id
            );
        }
        assert_eq!(
            server
                .delete(&format!("/fga/v1/resources/document/{}", escape(id)))
                .status,
            200
        );
    }
    server
        .get("/fga/v1/resources/document/%FF")
        .error(400, "invalid_request");
}

#[test]
fn writes_batches_of_resources_as_a_whole() {
    let server = documents();
    let resource = |id: &str| json!({"resource_type": "document", "resource_id": id});
    let created =
        json!({"op": "create", "resources": [resource("a"), {"resource_type": "document"}, resource("b")]});
    let created = server.post("/fga/v1/resources/batch", created).ok();
    let made = ids(&created);
    assert_eq!((made.len(), made[0].as_str(), made[2].as_str()), (3, "a", "b"));
    let body = json!({"op": "delete", "resources": [resource("a"), resource("none")]});
    server
        .post("/fga/v1/resources/batch", body)
        .error(404, "not_found");
    server.get("/fga/v1/resources/document/a").ok();
    let body = json!({"op": "delete", "resources": [resource("b"), resource("a")]});
    assert_eq!(
        ids(&server.post("/fga/v1/resources/batch", body).ok()),
        ["b", "a"]
    );
    for (body, code, parameter) in [
        (
            json!({"resources": [resource("a")]}),
            "missing_required_parameter",
            "op",
        ),
        (json!({"op": "create"}), "missing_required_parameter", "resources"),
        (
            json!({"op": "merge", "resources": [resource("a")]}),
            "invalid_parameter",
            "op",
        ),
        (
            json!({"op": "create", "resources": []}),
            "invalid_parameter",
            "resources",
        ),
        (
            json!({"op": "create", "resources": vec![resource("a"); 101]}),
            "invalid_parameter",
            "resources",
        ),
        (
            json!({"op": "create", "resources": [{"resource_id": "a"}]}),
            "missing_required_parameter",
            "resources[0].resource_type",
        ),
        (
            json!({"op": "create", "resources": [{"resource_type": "document", "meta": [1]}]}),
            "invalid_parameter",
            "resources[0].meta",
        ),
    ] {
        let body = server.post("/fga/v1/resources/batch", body).error(400, code);
        assert_eq!(body["parameter"], parameter, "{body}");
    }
    let big = json!({"resource_type": "document", "resource_id": "a", "meta": {"t": "x".repeat(50_000)}});
    let body = server
        .post("/fga/v1/resources", big)
        .error(400, "invalid_parameter");
    assert_eq!(body["parameter"], "meta");
}

#[test]
fn searches_resources_by_type_and_by_part_of_id_or_type() {
    let server = documents();
    for warrant in [
        "document:alpha#owner@user:beta",
        "folder:alphabet#viewer@user:gamma",
    ] {
        server.grant(warrant);
    }
    for (filter, expected) in [
        ("", vec!["gamma", "alphabet", "beta", "alpha"]),
        ("resource_type=user", vec!["gamma", "beta"]),
        ("search=alpha", vec!["alphabet", "alpha"]),
        ("search=old", vec!["alphabet"]),
        ("search=alpha&resource_type=document", vec!["alpha"]),
        ("resource_type=none", vec![]),
    ] {
        assert_eq!(
            ids(&server.get(&format!("/fga/v1/resources?{filter}")).ok()),
            expected,
            "{filter}"
        );
    }
}
