//! `select RELATIONS of type TYPES for X`: the shorthand `type:*`, uniformity, and the warrants of rows.

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
        .relation("doc", "editor")
        .relation("doc", "viewer")
        .relation("doc", "parent")
        .resource("user:ann", None)
        .resource("user:bob", None)
}

#[test]
fn rows_are_the_subjects_for_whom_the_check_says_yes() {
    let world = docs()
        .rule("doc", "viewer", rel("editor"))
        .warrant("doc:d#viewer@user:ann")
        .warrant("doc:d#editor@user:bob")
        .warrant("doc:d#viewer@team:x")
        .warrant("doc:d#viewer@team:y#member")
        .warrant("team:y#member@user:eve");
    assert_eq!(
        select_for(&world, "viewer", "user", "doc:d"),
        ["user:eve viewer", "user:bob viewer (implicit)", "user:ann viewer"]
    );
    assert_eq!(
        select_explicit_for(&world, "viewer", "user", "doc:d"),
        ["user:eve viewer", "user:ann viewer"]
    );
    // A group is never a row; a plain subject of the type is.
    assert_eq!(select_for(&world, "viewer", "team", "doc:d"), ["team:x viewer"]);
}

#[test]
fn a_relation_that_the_type_does_not_declare_is_skipped() {
    let world = docs().warrant("doc:d#owner@user:ann");
    assert!(select_for(&world, "owner", "user", "doc:d").is_empty());
    assert!(select_for(&world, "*", "*", "doc:d").is_empty());
}

#[test]
fn a_wildcard_row_stands_for_everybody_but_those_who_hold_without_it() {
    let world = docs()
        .warrant("doc:d#viewer@user:*")
        .warrant("doc:d#viewer@user:ann");
    assert_eq!(
        select_for(&world, "viewer", "user", "doc:d"),
        ["user:ann viewer", "user:* viewer"]
    );
}

#[test]
fn a_wildcard_inside_a_group_makes_the_row_too() {
    let world = docs()
        .warrant("doc:d#viewer@team:x#member")
        .warrant("team:x#member@user:*");
    assert_eq!(select_for(&world, "viewer", "user", "doc:d"), ["user:* viewer"]);
}

#[test]
fn a_wildcard_behind_a_rule_makes_an_implicit_row() {
    let world = docs()
        .rule("doc", "viewer", on("viewer", "parent", "folder"))
        .warrant("doc:d#parent@folder:f")
        .warrant("folder:f#viewer@user:*");
    assert_eq!(
        select_for(&world, "viewer", "user", "doc:d"),
        ["user:* viewer (implicit)"]
    );
    assert!(select_explicit_for(&world, "viewer", "user", "doc:d").is_empty());
}

#[test]
fn without_a_true_wildcard_everybody_has_a_row_of_their_own() {
    // The wildcard alone is not enough; ann adds the rest.
    let world = docs()
        .rule("doc", "viewer", all_of([rel("editor"), rel("parent")]))
        .warrant("doc:d#editor@user:*")
        .warrant("doc:d#parent@user:ann");
    assert_eq!(
        select_for(&world, "viewer", "user", "doc:d"),
        ["user:ann viewer (implicit)"]
    );
}

#[test]
fn under_none_of_there_is_no_wildcard_row() {
    let world = docs()
        .rule(
            "doc",
            "viewer",
            all_of([rel("editor"), none_of([rel("blocked")])]),
        )
        .relation("doc", "blocked")
        .warrant("doc:d#editor@user:*")
        .warrant("doc:d#blocked@user:ann");
    assert_eq!(
        select_for(&world, "viewer", "user", "doc:d"),
        ["user:bob viewer (implicit)"]
    );
    // The relation without a negation on its way keeps the shorthand.
    assert_eq!(select_for(&world, "editor", "user", "doc:d"), ["user:* editor"]);
}

#[test]
fn a_policy_that_reads_the_check_makes_no_wildcard_row() {
    let world = docs().warrant_if("doc:d#viewer@user:*", "check_ctx.subject_id != \"ann\"");
    assert_eq!(select_for(&world, "viewer", "user", "doc:d"), ["user:bob viewer"]);

    let world = docs()
        .with_policy("not_ann", &[], "check_ctx.subject_id != \"ann\"")
        .rule("doc", "viewer", all_of([rel("editor"), policy("not_ann")]))
        .warrant("doc:d#editor@user:*");
    assert_eq!(
        select_for(&world, "viewer", "user", "doc:d"),
        ["user:bob viewer (implicit)"]
    );
}

#[test]
fn a_policy_that_reads_only_the_context_keeps_the_shorthand() {
    let world = docs()
        .with_policy("always", &[], "true")
        .rule("doc", "viewer", policy("always"));
    // Everybody holds it without any wildcard warrant, so everybody has a row beside the shorthand.
    assert_eq!(
        select_for(&world, "viewer", "user", "doc:d"),
        [
            "user:bob viewer (implicit)",
            "user:ann viewer (implicit)",
            "user:* viewer (implicit)"
        ]
    );
}

#[test]
fn uniform_is_decided_on_what_is_reached_from_the_resource() {
    let world = docs()
        .with_policy("p", &[("tenant", ParamType::String)], "tenant == \"a\"")
        .with_policy("who", &[], "check_ctx.subject_id == \"ann\"")
        .rule("team", "member", none_of([rel("banned")]))
        .rule("folder", "viewer", policy("who"))
        .rule(
            "doc",
            "viewer",
            any_of([on("viewer", "parent", "folder"), policy("p")]),
        )
        .warrant("doc:group#viewer@team:x#member")
        .warrant("doc:edge#parent@folder:f")
        .warrant_if(
            "doc:edge-policy#parent@folder:*",
            "check_ctx.subject_id == \"ann\"",
        )
        .warrant_if("doc:own#viewer@team:y", "check_ctx.subject_id == \"y\"");
    let oracle = oracle(&world, "{}");
    assert!(oracle.is_uniform("doc:plain", "viewer", false));
    assert!(
        !oracle.is_uniform("doc:group", "viewer", false),
        "the group's rule negates"
    );
    assert!(
        !oracle.is_uniform("doc:edge", "viewer", false),
        "the folder's policy reads the check"
    );
    assert!(
        oracle.is_uniform("doc:edge-policy", "viewer", false),
        "the rule does not follow a wildcard edge"
    );
    assert!(
        !oracle.is_uniform("doc:own", "viewer", false),
        "whoever the warrant names"
    );
    assert!(oracle.is_uniform("doc:edge", "parent", false));
}

#[test]
fn a_cycle_is_uniform_when_nothing_on_it_asks_who() {
    let world = docs()
        .warrant("doc:d#viewer@team:a#member")
        .warrant("team:a#member@team:b#member")
        .warrant("team:b#member@team:a#member")
        .warrant("team:b#member@user:*");
    assert_eq!(select_for(&world, "viewer", "user", "doc:d"), ["user:* viewer"]);
}

#[test]
fn an_unknown_wildcard_makes_no_row() {
    let world = docs()
        .warrant_if("doc:d#viewer@user:*", "tenant == \"a\"")
        .warrant("doc:d#viewer@user:bob");
    assert_eq!(select_for(&world, "viewer", "user", "doc:d"), ["user:bob viewer"]);
}

#[test]
fn types_that_the_schema_does_not_declare_are_not_listed() {
    let world = docs().warrant("doc:d#viewer@gone:g");
    assert!(select_for(&world, "viewer", "*", "doc:d").is_empty());
}

fn carried(world: &World, resource: &str, relation: &str, subject: &str) -> Vec<String> {
    let warrants = oracle(world, "{}").warrants_of_for_row(resource, relation, subject);
    warrants.iter().map(ToString::to_string).collect()
}

#[test]
fn a_row_carries_the_warrant_that_names_the_subject_or_its_group() {
    let world = docs()
        .rule(
            "doc",
            "viewer",
            any_of([rel("editor"), on("viewer", "parent", "folder")]),
        )
        .warrant("doc:d#viewer@user:ann")
        .warrant("doc:d#viewer@team:x#member")
        .warrant("team:x#member@user:eve")
        .warrant("doc:d#editor@user:bob")
        .warrant("doc:d#parent@folder:f")
        .warrant("folder:f#viewer@user:kim")
        .warrant("doc:w#viewer@user:*");
    for (resource, subject, warrant) in [
        ("doc:d", "user:ann", "doc:d#viewer@user:ann"),
        ("doc:d", "user:eve", "doc:d#viewer@team:x#member"),
        ("doc:d", "user:bob", "doc:d#editor@user:bob"),
        ("doc:d", "user:kim", "folder:f#viewer@user:kim"),
        ("doc:w", "user:*", "doc:w#viewer@user:*"),
    ] {
        assert_eq!(carried(&world, resource, "viewer", subject), [warrant]);
    }
}
