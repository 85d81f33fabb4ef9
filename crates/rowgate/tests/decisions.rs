//! Transcripts: the commands around a decision, on the two models of the demo.

// Helpers of tests may say what must hold by panicking.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::Value;
use support::Server;

const TICKETING: &str = "\
version 0.3
type user
type ticket
    relation assignee [user]
    relation creator [user]
    relation viewer [user]
    inherit viewer if
        any_of
            relation creator
            relation assignee
";

const EXPENSES: &str = "\
version 0.3
type user
type team
    relation finance_manager [user]
type expense
    relation approval_team [team]
    relation approve []
    inherit approve if
        all_of
            relation finance_manager on approval_team [team]
            policy can_approve_amount
policy can_approve_amount(expense_attributes map, user_attributes map) {
    let can_approve_cost_center = expense_attributes.cost_center in user_attributes.approved_cost_centers;
    let can_approve_amount = expense_attributes.amount <= 1000;
    can_approve_cost_center && can_approve_amount
}
";

fn with_schema(schema: &str) -> Server {
    let server = Server::start();
    server.rowgate_with(&["schema", "apply", "-"], schema).ok();
    server
}

#[test]
fn a_warrant_makes_the_difference() {
    let server = with_schema(TICKETING);
    let no = server.rowgate(&["check", "user:ann", "viewer", "ticket:7"]);
    assert_eq!(
        (no.code, no.out.as_str()),
        (1, "✖ not authorized ticket:7#viewer@user:ann\n")
    );

    let created = server
        .rowgate(&["warrant", "create", "user:ann", "creator", "ticket:7"])
        .ok();
    let token = created
        .lines()
        .last()
        .unwrap()
        .trim()
        .strip_prefix("warrant token: ")
        .unwrap()
        .to_owned();
    assert_eq!(
        created.lines().next().unwrap(),
        "✔ assigned ticket:7#creator@user:ann"
    );

    let yes = server.rowgate(&["check", "ticket:7#viewer@user:ann", "-w", &token]);
    assert_eq!(
        (yes.code, yes.out.as_str()),
        (0, "✔ authorized ticket:7#viewer@user:ann\n")
    );

    let rows = server
        .rowgate(&["query", "select ticket where user:ann is viewer"])
        .ok();
    let expected = "\
RESOURCE TYPE  RESOURCE ID  RELATION  IMPLICIT  WARRANT                    META
ticket         7            viewer    true      ticket:7#creator@user:ann
";
    assert_eq!(rows, expected);

    assert!(
        server
            .rowgate(&["warrant", "list", "--subject-type", "user"])
            .ok()
            .contains("ticket:7#creator@user:ann")
    );
    server
        .rowgate(&["warrant", "delete", "ticket:7#creator@user:ann"])
        .ok();
    let gone = server.rowgate(&["warrant", "delete", "user:ann", "creator", "ticket:7"]);
    assert_eq!(gone.code, 2);
    assert!(gone.err.contains("not found"), "{}", gone.err);
    assert_eq!(server.rowgate(&["warrant", "list"]).ok(), "nothing found\n");
}

#[test]
fn a_no_is_explained_by_the_warrants_that_are_not_there() {
    let server = with_schema(TICKETING);
    let run = server.rowgate(&["check", "user:ann", "viewer", "ticket:7", "--debug"]);
    assert_eq!(run.code, 1);
    let (head, tree) = run.out.split_once("\n\n").unwrap();
    assert!(
        head.starts_with("✖ not authorized ticket:7#viewer@user:ann\n  decided in "),
        "{head}"
    );
    let expected = "\
✖ ticket:7#viewer@user:ann
└─ ✖ any_of
   ├─ ✖ no warrant `ticket:7#creator@user:ann`
   └─ ✖ no warrant `ticket:7#assignee@user:ann`
";
    assert_eq!(tree, expected);
}

#[test]
fn a_no_is_explained_by_the_part_of_the_policy_that_is_false() {
    let server = with_schema(EXPENSES);
    server
        .rowgate(&["warrant", "create", "team:t", "approval_team", "expense:1"])
        .ok();
    server
        .rowgate(&["warrant", "create", "user:mona", "finance_manager", "team:t"])
        .ok();
    let context = r#"{"user_attributes": {"approved_cost_centers": ["c"]}, "expense_attributes": {"cost_center": "c", "amount": 1200}}"#;
    let question = ["check", "user:mona", "approve", "expense:1", context, "--explain"];
    let run = server.rowgate(&question);
    assert_eq!(run.code, 1);
    let (_, tree) = run.out.split_once("\n\n").unwrap();
    let expected = "\
✖ expense:1#approve@user:mona
└─ ✖ all_of
   ├─ ✔ through `expense:1#approval_team@team:t`
   │  └─ ✔ team:t#finance_manager@user:mona
   │     └─ ✔ warrant `team:t#finance_manager@user:mona`
   └─ ✖ policy `can_approve_amount`: `expense_attributes.amount <= 1000` is false, expense_attributes.amount is 1200
";
    assert_eq!(tree, expected);

    let enough = context.replace("1200", "1000");
    server
        .rowgate(&["check", "user:mona", "approve", "expense:1", &enough])
        .ok();
}

#[test]
fn missing_context_is_named() {
    let server = with_schema(EXPENSES);
    server
        .rowgate(&["warrant", "create", "team:t", "approval_team", "expense:1"])
        .ok();
    server
        .rowgate(&["warrant", "create", "user:mona", "finance_manager", "team:t"])
        .ok();
    let run = server.rowgate(&["check", "user:mona", "approve", "expense:1"]);
    assert_eq!(run.code, 1);
    assert!(
        run.out
            .contains("missing context: expense_attributes, user_attributes"),
        "{}",
        run.out
    );
    let query = server.rowgate(&["query", "select expense where user:mona is approve"]);
    assert_eq!(query.code, 0);
    assert!(
        query
            .err
            .contains("missing context: expense_attributes, user_attributes"),
        "{}",
        query.err
    );
}

#[test]
fn an_assertion_decides_the_exit_code() {
    let server = with_schema(TICKETING);
    let holds = server.rowgate(&["check", "user:ann", "viewer", "ticket:7", "--assert", "false"]);
    assert_eq!(
        (holds.code, holds.out.as_str()),
        (0, "✔ assert false ticket:7#viewer@user:ann\n")
    );
    let fails = server.rowgate(&["check", "user:ann", "viewer", "ticket:7", "--assert", "true"]);
    assert_eq!(
        (fails.code, fails.out.as_str()),
        (1, "✖ assert true ticket:7#viewer@user:ann\n")
    );
}

#[test]
fn json_is_the_answer_of_the_server() {
    let server = with_schema(TICKETING);
    let check = server.rowgate(&["check", "user:ann", "viewer", "ticket:7", "--json"]);
    assert_eq!(check.code, 1);
    assert_eq!(check.json()["result"], "not_authorized");
    assert_eq!(check.json()["is_implicit"], false);

    let written = server.rowgate(&["--json", "warrant", "create", "user:ann", "creator", "ticket:7"]);
    assert!(written.json()["warrant_token"].is_string());

    let rows = server.rowgate(&["query", "select * where user:ann is *", "--all", "--json"]);
    assert_eq!(rows.json()["data"].as_array().unwrap().len(), 2);
    assert_eq!(rows.json()["list_metadata"]["after"], Value::Null);
}

#[test]
fn pages_and_cursors_lead_through_a_list() {
    let server = with_schema(TICKETING);
    for number in 0..25 {
        server
            .rowgate(&[
                "warrant",
                "create",
                "user:ann",
                "creator",
                &format!("ticket:{number:02}"),
            ])
            .ok();
    }
    let query = "select ticket where user:ann is creator";
    let first = server.rowgate(&["query", query, "--order", "asc"]).ok();
    assert_eq!(
        first.lines().filter(|line| line.starts_with("ticket ")).count(),
        10
    );
    let after = first
        .lines()
        .find_map(|line| line.strip_prefix("--after "))
        .unwrap();
    let second = server
        .rowgate(&["query", query, "--order", "asc", "--after", after])
        .ok();
    assert!(second.contains("ticket         10 "), "{second}");
    let all = server.rowgate(&["query", query, "--all", "--limit", "7"]).ok();
    assert_eq!(all.lines().filter(|line| line.starts_with("ticket ")).count(), 25);
}

#[test]
fn resources_are_created_read_changed_listed_and_deleted() {
    let server = Server::start();
    let created = server
        .rowgate(&["resource", "create", "user:ann@example.com", r#"{"age": 7}"#])
        .ok();
    assert_eq!(created, "✔ created user:ann@example.com {\"age\":7}\n");
    let updated = server
        .rowgate(&["resource", "update", "user:ann@example.com", r#"{"age": 8}"#])
        .ok();
    assert_eq!(updated, "✔ updated user:ann@example.com {\"age\":8}\n");
    assert_eq!(
        server.rowgate(&["resource", "get", "user:ann@example.com"]).ok(),
        "user:ann@example.com {\"age\":8}\n"
    );
    let generated = server.rowgate(&["resource", "create", "user"]).ok();
    assert!(
        generated.starts_with("✔ created user:") && generated.trim().len() > 20,
        "{generated}"
    );
    let listed = server
        .rowgate(&["resource", "list", "--type", "user", "--search", "ann"])
        .ok();
    assert_eq!(listed.lines().count(), 2, "{listed}");
    assert_eq!(
        server
            .rowgate(&["resource", "delete", "user:ann@example.com"])
            .ok(),
        "✔ deleted user:ann@example.com\n"
    );
    assert_eq!(
        server.rowgate(&["resource", "get", "user:ann@example.com"]).code,
        2
    );
}

#[test]
fn a_context_may_come_from_a_file_and_must_be_an_object() {
    let server = with_schema(TICKETING);
    server
        .rowgate(&[
            "warrant",
            "create",
            "user:ann",
            "viewer",
            "ticket:7",
            "-p",
            "region == 'eu'",
        ])
        .ok();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("context.json");
    std::fs::write(&file, r#"{"region": "eu"}"#).unwrap();
    server
        .rowgate(&[
            "check",
            "ticket:7#viewer@user:ann",
            &format!("@{}", file.display()),
        ])
        .ok();
    for bad in ["[1]", "{region", "@/no/such/file"] {
        let run = server.rowgate(&["check", "ticket:7#viewer@user:ann", bad]);
        assert_eq!(run.code, 2, "{bad}");
    }
    let bad_policy = server.rowgate(&[
        "warrant",
        "create",
        "user:ann",
        "viewer",
        "ticket:7",
        "-p",
        "region = 'eu'",
    ]);
    assert_eq!(bad_policy.code, 2);
    assert!(
        bad_policy.err.contains("error validating policy"),
        "{}",
        bad_policy.err
    );
}
