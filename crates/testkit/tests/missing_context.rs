//! "Missing context": which keys an unknown answer reports.

mod common;
use common::*;
use rowgate_testkit::World;
use rowgate_testkit::builder::{all_of, any_of, none_of, on, rel};

/// `a` is true, `b` false, `u` lacks `uk` and `v` lacks `vk`, for `user:ann` on `doc:d`.
fn world() -> World {
    World::default()
        .with_type("user")
        .relation("team", "member")
        .relation("folder", "viewer")
        .relation("doc", "b")
        .relation("doc", "parent")
        .relation("doc", "viewer")
        .warrant("doc:d#a@user:ann")
        .warrant_if("doc:d#u@user:ann", "uk == \"1\"")
        .warrant_if("doc:d#v@user:ann", "vk == \"1\"")
}

fn keys(rule: rowgate_schema::ast::Rule) -> Vec<String> {
    missing(
        &world().rule("doc", "viewer", rule),
        "{}",
        "doc:d#viewer@user:ann",
    )
}

#[test]
fn every_unknown_rule_of_an_operator_reports() {
    assert_eq!(keys(any_of([rel("u"), rel("b"), rel("v")])), ["uk", "vk"]);
    assert_eq!(keys(all_of([rel("u"), rel("a"), rel("v")])), ["uk", "vk"]);
    assert_eq!(keys(none_of([rel("u"), rel("b"), rel("v")])), ["uk", "vk"]);
}

#[test]
fn a_rule_that_is_true_or_false_reports_nothing() {
    assert!(keys(any_of([rel("u"), rel("a")])).is_empty());
    assert!(keys(all_of([rel("u"), rel("b")])).is_empty());
    assert!(keys(none_of([rel("u"), rel("a")])).is_empty());
    assert_eq!(keys(any_of([all_of([rel("u"), rel("b")]), rel("v")])), ["vk"]);
}

#[test]
fn a_hop_reports_its_unknown_sides_when_it_is_unknown() {
    let hop = |edge: &str, far: &str| {
        let world = world()
            .rule("doc", "viewer", on("viewer", "parent", "folder"))
            .warrant_if("doc:d#parent@folder:f", edge)
            .warrant_if("folder:f#viewer@user:ann", far);
        missing(&world, r#"{"t": "1"}"#, "doc:d#viewer@user:ann")
    };
    assert_eq!(hop("uk == \"1\"", "vk == \"1\""), ["uk", "vk"]);
    assert_eq!(hop("t == \"1\"", "vk == \"1\""), ["vk"]);
    assert_eq!(hop("uk == \"1\"", "t == \"1\""), ["uk"]);
    assert!(hop("uk == \"1\"", "t == \"2\"").is_empty());
    assert!(hop("t == \"2\"", "vk == \"1\"").is_empty());

    let group = |group: &str, member: &str| {
        let world = world()
            .warrant_if("doc:d#viewer@team:x#member", group)
            .warrant_if("team:x#member@user:ann", member);
        missing(&world, r#"{"t": "1"}"#, "doc:d#viewer@user:ann")
    };
    assert_eq!(group("uk == \"1\"", "vk == \"1\""), ["uk", "vk"]);
    assert_eq!(group("t == \"1\"", "vk == \"1\""), ["vk"]);
    assert!(group("uk == \"1\"", "t == \"2\"").is_empty());
}

#[test]
fn direct_and_wildcard_warrants_report_together() {
    let world = world()
        .warrant_if("doc:d#viewer@user:ann", "uk == \"1\"")
        .warrant_if("doc:d#viewer@user:*", "vk == \"1\"")
        .warrant_if("doc:d#viewer@user:bob", "other == \"1\"");
    assert_eq!(missing(&world, "{}", "doc:d#viewer@user:ann"), ["uk", "vk"]);
    assert_eq!(missing(&world, "{}", "doc:d#viewer@user:bob"), ["other", "vk"]);
    assert!(missing(&world, r#"{"vk": "1"}"#, "doc:d#viewer@user:ann").is_empty());
}

#[test]
fn a_cycle_reports_what_is_unknown_on_it() {
    let world = world()
        .warrant("team:a#member@team:b#member")
        .warrant_if("team:b#member@team:a#member", "vk == \"1\"")
        .warrant_if("team:b#member@user:ann", "uk == \"1\"");
    // b is unknown by its own warrant, and by the hop to a, which is unknown by b.
    assert_eq!(missing(&world, "{}", "team:a#member@user:ann"), ["uk", "vk"]);
}

#[test]
fn a_query_reports_the_union_over_its_unknown_candidates() {
    let world = world()
        .warrant_if("doc:e#u@user:ann", "ek == \"1\"")
        .relation("doc", "u")
        .relation("doc", "v");
    let names = rowgate_testkit::Names::of;
    let oracle = oracle(&world, "{}");
    let keys = oracle.missing_where("user:ann", &names("doc"), &names("u"), false);
    assert_eq!(keys.into_iter().collect::<Vec<_>>(), ["ek", "uk"]);
    let keys = oracle.missing_for("doc:d", &names("u,v"), &names("user"), false);
    assert_eq!(keys.into_iter().collect::<Vec<_>>(), ["uk", "vk"]);
}
