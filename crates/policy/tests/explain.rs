//! The reasons for a no.

mod common;

use common::{CHECK, NOW, Store, compile, context};
use rowgate_policy::{Env, Outcome, Param, ParamType, Policy};

#[test]
fn reasons_name_the_innermost_part() {
    let json = r#"{
        "role": "clerk", "amount": 1200, "blocked": true, "ok": false, "open": null,
        "user": {"roles": ["a", "b"], "ip": "10.0.0.1"}, "users": [{"age": 3}],
        "long": "ääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääää"
    }"#;
    for (source, reason) in [
        ("amount <= 1000", "`amount <= 1000` is false, amount is 1200"),
        (
            "role == 'clerk' && amount <= 1000",
            "`amount <= 1000` is false, amount is 1200",
        ),
        (
            "amount <= 1000 && role == 'manager'",
            "`amount <= 1000` is false, amount is 1200",
        ),
        ("ok", "`ok` is false"),
        ("!blocked", "`!blocked` is false, blocked is true"),
        ("not (blocked || ok)", "`blocked` is true"),
        (
            "role == 'manager' || amount < 1",
            "`role == 'manager'` is false, role is \"clerk\"; `amount < 1` is false, amount is 1200",
        ),
        (
            "'c' in user.roles",
            "`'c' in user.roles` is false, user.roles is [\"a\", \"b\"]",
        ),
        (
            "'a' not in user.roles",
            "`'a' not in user.roles` is false, user.roles is [\"a\", \"b\"]",
        ),
        (
            "let limit = 1000; amount <= limit",
            "`amount <= limit` is false, amount is 1200, limit is 1000",
        ),
        (
            "let r = user.roles; 'c' in r",
            "`'c' in r` is false, user.roles is [\"a\", \"b\"]",
        ),
        (
            "let a = (let b = amount; b < 10); a",
            "`b < 10` is false, amount is 1200",
        ),
        (
            "blocked ? amount < 5 : true",
            "`amount < 5` is false, amount is 1200",
        ),
        (
            "any(users, .age > 10)",
            "`any(users, .age > 10)` is false, users is [{\"age\": 3}]",
        ),
        ("open == 1", "`open == 1` is false, open is null"),
        (
            "user.ip == '1' and missing",
            "`user.ip == '1'` is false, user.ip is \"10.0.0.1\"",
        ),
        (
            "missing and user.ip == '1'",
            "`user.ip == '1'` is false, user.ip is \"10.0.0.1\"",
        ),
        (
            "long == ''",
            "`long == ''` is false, long is \"ääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääää…",
        ),
        ("false", "`false` is false"),
        (
            "amount\n  <=\n  1000",
            "`amount <= 1000` is false, amount is 1200",
        ),
    ] {
        let context = context(json);
        let explanation = compile(source).explain(&Env::new(&context, NOW));
        assert_eq!(explanation.outcome, Outcome::False, "{source}");
        assert_eq!(explanation.reason.as_deref(), Some(reason), "{source}");
    }
}

#[test]
fn a_yes_has_no_reason_and_an_unknown_has_its_message() {
    let context = context(r#"{"a": 1}"#);
    let env = Env::new(&context, NOW);
    assert_eq!(compile("a == 1").explain(&env).reason, None);
    assert_eq!(
        compile("b == 1").explain(&env).reason.as_deref(),
        Some("`b` is missing")
    );
}

#[test]
fn injected_values_are_shown() {
    let context = context("{}");
    let metadata = Store(serde_json::json!({"document:d1": {"plan": "free"}}));
    let env = Env {
        check: Some(CHECK),
        metadata: Some(&metadata),
        ..Env::new(&context, NOW)
    };
    for (source, reason) in [
        (
            "check_ctx.subject_id == 'bob'",
            "`check_ctx.subject_id == 'bob'` is false, check_ctx.subject_id is \"ann\"",
        ),
        (
            "get_metadata('document', check_ctx.resource_id).plan == 'pro'",
            "`get_metadata('document', check_ctx.resource_id).plan == 'pro'` is false, \
             get_metadata('document', check_ctx.resource_id).plan is \"free\"",
        ),
    ] {
        assert_eq!(
            compile(source).explain(&env).reason.as_deref(),
            Some(reason),
            "{source}"
        );
    }
}

#[test]
fn the_expense_policy() {
    let source = "let can_approve_cost_center = expense_attributes.cost_center in user_attributes.approved_cost_centers; \
                  let can_approve_amount = expense_attributes.amount <= 1000; \
                  can_approve_cost_center && can_approve_amount";
    let params = [
        Param::new("expense_attributes", ParamType::Map),
        Param::new("user_attributes", ParamType::Map),
    ];
    let policy = Policy::compile_schema(&params, source).unwrap();
    for (json, outcome, reason) in [
        (
            r#"{"expense_attributes": {"cost_center": "eng", "amount": 800},
                "user_attributes": {"approved_cost_centers": ["eng", "ops"]}}"#,
            "true",
            None,
        ),
        (
            r#"{"expense_attributes": {"cost_center": "eng", "amount": 1200},
                "user_attributes": {"approved_cost_centers": ["eng", "ops"]}}"#,
            "false",
            Some("`expense_attributes.amount <= 1000` is false, expense_attributes.amount is 1200"),
        ),
        (
            r#"{"expense_attributes": {"cost_center": "hr", "amount": 800},
                "user_attributes": {"approved_cost_centers": ["eng", "ops"]}}"#,
            "false",
            Some(
                "`expense_attributes.cost_center in user_attributes.approved_cost_centers` is false, \
                 expense_attributes.cost_center is \"hr\", \
                 user_attributes.approved_cost_centers is [\"eng\", \"ops\"]",
            ),
        ),
        (
            r#"{"expense_attributes": {"amount": 800}}"#,
            "unknown expense_attributes.cost_center user_attributes",
            Some("`expense_attributes.cost_center` is missing"),
        ),
    ] {
        let context = context(json);
        let explanation = policy.explain(&Env::new(&context, NOW));
        assert_eq!(common::show(&explanation.outcome), outcome, "{json}");
        assert_eq!(explanation.reason.as_deref(), reason, "{json}");
    }
}
