//! "Check", step 4, the operators, and stratified negation.

mod common;
use common::*;
use rowgate_policy::ParamType;
use rowgate_testkit::World;
use rowgate_testkit::builder::{all_of, any_of, none_of, on, policy, rel};

fn docs() -> World {
    World::default()
        .with_type("user")
        .relation("team", "member")
        .relation("folder", "viewer")
        .relation("doc", "viewer")
        .relation("doc", "editor")
        .relation("doc", "parent")
}

#[test]
fn a_relation_follows_another_on_the_same_resource() {
    let world = docs()
        .rule("doc", "viewer", rel("editor"))
        .warrant("doc:d#editor@user:ann");
    assert_eq!(check(&world, "doc:d#viewer@user:ann"), True);
    assert_eq!(check(&world, "doc:e#viewer@user:ann"), False);
    assert_eq!(explicit(&world, "doc:d#viewer@user:ann"), False);
}

#[test]
fn a_rule_holds_for_a_group_as_the_subject_too() {
    let world = docs()
        .rule("doc", "viewer", rel("editor"))
        .warrant("doc:d#editor@team:x#member");
    assert_eq!(check(&world, "doc:d#viewer@team:x#member"), True);
}

#[test]
fn on_follows_the_stored_edge_to_a_resource_of_the_type() {
    let world = docs()
        .rule("doc", "viewer", on("viewer", "parent", "folder"))
        .warrant("doc:d#parent@folder:f")
        .warrant("folder:f#viewer@user:ann");
    assert_eq!(check(&world, "doc:d#viewer@user:ann"), True);
    assert_eq!(check(&world, "doc:d#viewer@user:bob"), False);
}

#[test]
fn on_ignores_other_types_groups_and_wildcards_at_the_end_of_the_edge() {
    let world = docs()
        .rule("doc", "viewer", on("viewer", "parent", "folder"))
        .warrant("folder:f#viewer@user:ann");
    let through_group = world.clone().warrant("doc:d#parent@folder:f#viewer");
    assert_eq!(check(&through_group, "doc:d#viewer@user:ann"), False);
    let through_wildcard = world.clone().warrant("doc:d#parent@folder:*");
    assert_eq!(check(&through_wildcard, "doc:d#viewer@user:ann"), False);
    let through_other_type = world
        .warrant("doc:d#parent@team:f")
        .warrant("team:f#viewer@user:ann");
    assert_eq!(check(&through_other_type, "doc:d#viewer@user:ann"), False);
}

#[test]
fn on_does_not_follow_the_edge_relations_own_rule() {
    let world = docs()
        .relation("doc", "home")
        .rule("doc", "parent", rel("home"))
        .rule("doc", "viewer", on("viewer", "parent", "folder"))
        .warrant("doc:d#home@folder:f")
        .warrant("folder:f#viewer@user:ann");
    assert_eq!(check(&world, "doc:d#parent@folder:f"), True);
    assert_eq!(check(&world, "doc:d#viewer@user:ann"), False);
}

#[test]
fn on_takes_the_far_relation_by_rule_too() {
    let world = docs()
        .rule("folder", "viewer", rel("owner"))
        .relation("folder", "owner")
        .rule("doc", "viewer", on("viewer", "parent", "folder"))
        .warrant("doc:d#parent@folder:f")
        .warrant("folder:f#owner@user:ann");
    assert_eq!(check(&world, "doc:d#viewer@user:ann"), True);
}

#[test]
fn folders_in_each_other_derive_nothing_from_themselves() {
    let world = docs()
        .relation("folder", "parent")
        .rule("folder", "viewer", on("viewer", "parent", "folder"))
        .warrant("folder:a#parent@folder:b")
        .warrant("folder:b#parent@folder:a");
    assert_eq!(check(&world, "folder:a#viewer@user:ann"), False);
    let world = world.warrant("folder:b#viewer@user:ann");
    assert_eq!(check(&world, "folder:a#viewer@user:ann"), True);
}

#[test]
fn an_edge_is_the_smaller_of_warrant_and_far_relation() {
    let world = docs()
        .rule("doc", "viewer", on("viewer", "parent", "folder"))
        .warrant_if("doc:d#parent@folder:f", "tenant == \"a\"")
        .warrant("folder:f#viewer@user:ann");
    assert_eq!(
        check_in(&world, r#"{"tenant": "a"}"#, "doc:d#viewer@user:ann"),
        True
    );
    assert_eq!(
        check_in(&world, r#"{"tenant": "b"}"#, "doc:d#viewer@user:ann"),
        False
    );
    assert_eq!(check(&world, "doc:d#viewer@user:ann"), Unknown);
    assert_eq!(check(&world, "doc:d#viewer@user:bob"), False);
}

#[test]
fn an_edge_warrants_policy_sees_the_relation_that_has_the_rule() {
    let with = |expression: &str| {
        docs()
            .rule("doc", "viewer", on("viewer", "parent", "folder"))
            .warrant_if("doc:d#parent@folder:f", expression)
            .warrant("folder:f#viewer@user:ann")
    };
    let question = "doc:d#viewer@user:ann";
    assert_eq!(check(&with("check_ctx.relation == \"viewer\""), question), True);
    assert_eq!(check(&with("check_ctx.resource_id == \"d\""), question), True);
    assert_eq!(check(&with("check_ctx.subject_id == \"ann\""), question), True);
    assert_eq!(check(&with("warrant_ctx.relation == \"parent\""), question), True);
}

#[test]
fn a_schema_policy_sees_the_relation_that_has_the_rule_where_it_stands() {
    let with = |expression: &str| {
        docs()
            .with_policy("p", &[], expression)
            .rule("folder", "viewer", policy("p"))
            .rule("doc", "viewer", on("viewer", "parent", "folder"))
            .warrant("doc:d#parent@folder:f")
    };
    let question = "doc:d#viewer@user:ann";
    assert_eq!(check(&with("check_ctx.resource_id == \"f\""), question), True);
    assert_eq!(check(&with("check_ctx.subject_id == \"ann\""), question), True);
    assert_eq!(check(&with("check_ctx.resource_id == \"d\""), question), False);
}

#[test]
fn a_schema_policy_reads_the_context_and_needs_neither_warrants_nor_resources() {
    let world = docs()
        .with_policy("p", &[("tenant", ParamType::String)], "tenant == \"a\"")
        .rule("doc", "viewer", policy("p"));
    assert_eq!(
        check_in(&world, r#"{"tenant": "a"}"#, "doc:nowhere#viewer@user:ann"),
        True
    );
    assert_eq!(
        check_in(&world, r#"{"tenant": "b"}"#, "doc:nowhere#viewer@user:ann"),
        False
    );
    assert_eq!(check(&world, "doc:nowhere#viewer@user:ann"), Unknown);
}

/// `a` is true, `b` false and `u` unknown for `user:ann` on `doc:d`.
fn three_values() -> World {
    docs()
        .relation("doc", "a")
        .relation("doc", "b")
        .relation("doc", "u")
        .warrant("doc:d#a@user:ann")
        .warrant_if("doc:d#u@user:ann", "tenant == \"a\"")
}

#[test]
fn the_operators_take_largest_smallest_and_opposite() {
    for (names, any, all, none) in [
        (&["a", "a"][..], True, True, False),
        (&["a", "b"], True, False, False),
        (&["a", "u"], True, Unknown, False),
        (&["b", "u"], Unknown, False, Unknown),
        (&["u", "u"], Unknown, Unknown, Unknown),
        (&["b", "b"], False, False, True),
        (&["a"], True, True, False),
        (&["b"], False, False, True),
        (&["a", "b", "u"], True, False, False),
    ] {
        let rules = || names.iter().map(|name| rel(name));
        let with = |rule| {
            check(
                &three_values().rule("doc", "viewer", rule),
                "doc:d#viewer@user:ann",
            )
        };
        assert_eq!(with(any_of(rules())), any, "any_of {names:?}");
        assert_eq!(with(all_of(rules())), all, "all_of {names:?}");
        assert_eq!(with(none_of(rules())), none, "none_of {names:?}");
    }
}

#[test]
fn unknown_under_two_negations_is_still_unknown() {
    let world = three_values().rule("doc", "viewer", none_of([none_of([rel("u")])]));
    assert_eq!(check(&world, "doc:d#viewer@user:ann"), Unknown);
}

#[test]
fn a_stored_warrant_counts_beside_the_rule() {
    let world = three_values()
        .rule("doc", "viewer", none_of([rel("a")]))
        .warrant("doc:d#viewer@user:ann");
    assert_eq!(check(&world, "doc:d#viewer@user:ann"), True);
}

#[test]
fn what_is_inside_none_of_is_settled_before_it_is_negated() {
    // ann is blocked through a cycle of teams and a rule.
    let world = docs()
        .rule("doc", "viewer", none_of([rel("blocked")]))
        .rule("doc", "blocked", rel("banned"))
        .relation("doc", "banned")
        .warrant("doc:d#banned@team:a#member")
        .warrant("team:a#member@team:b#member")
        .warrant("team:b#member@team:a#member")
        .warrant("team:b#member@user:ann");
    assert_eq!(check(&world, "doc:d#viewer@user:ann"), False);
    assert_eq!(check(&world, "doc:d#viewer@user:bob"), True);
}

#[test]
fn an_unknown_cycle_stays_unknown() {
    let world = docs()
        .warrant("team:a#member@team:b#member")
        .warrant("team:b#member@team:a#member")
        .warrant_if("team:b#member@user:ann", "tenant == \"a\"");
    assert_eq!(check(&world, "team:a#member@user:ann"), Unknown);
    assert_eq!(check(&world, "team:a#member@user:bob"), False);
}

#[test]
fn a_relation_that_depends_on_itself_through_none_of_has_no_answer() {
    let world = docs()
        .rule("doc", "viewer", none_of([rel("editor")]))
        .rule("doc", "editor", rel("viewer"))
        .rule("doc", "reader", any_of([rel("viewer"), rel("parent")]))
        .warrant("doc:d#viewer@user:ann")
        .warrant("doc:d#parent@user:ann");
    let oracle = oracle(&world, "{}");
    assert!(!oracle.is_stratified());
    assert!(oracle.holds("doc:d", "viewer", "user:ann").is_err());
    assert!(oracle.holds("doc:d", "editor", "user:ann").is_err());
    // Whatever leads there has none either, but what does not lead there has.
    assert!(oracle.holds("doc:d", "reader", "user:ann").is_err());
    assert_eq!(oracle.holds("doc:d", "parent", "user:ann"), Ok(True));
    assert_eq!(
        oracle.holds_explicit("doc:d", "viewer", "user:ann"),
        True,
        "without rules there is no cycle"
    );
    assert_eq!(select_where(&world, "doc", "user:ann", "*"), ["doc:d parent"]);
}

#[test]
fn a_group_warrant_can_close_a_cycle_through_none_of() {
    let world = docs().rule("doc", "viewer", none_of([rel("editor")]));
    assert!(oracle(&world, "{}").is_stratified());
    let world = world.warrant("doc:d#editor@doc:e#viewer");
    assert!(!oracle(&world, "{}").is_stratified());
    assert!(oracle(&world, "{}").holds("doc:d", "viewer", "user:ann").is_err());
}

#[test]
fn an_edge_relation_is_no_dependency_since_only_stored_edges_are_followed() {
    let world = docs()
        .rule("doc", "viewer", none_of([on("viewer", "parent", "folder")]))
        .rule("doc", "parent", rel("viewer"));
    assert!(oracle(&world, "{}").is_stratified());
}
