//! `select TYPES where S is RELATIONS`, and the warrants of its rows.

mod common;
use common::*;
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
}

#[test]
fn rows_are_the_checks_that_say_yes_in_descending_order() {
    let world = docs()
        .rule("doc", "viewer", rel("editor"))
        .warrant("doc:a#viewer@user:ann")
        .warrant("doc:b#editor@user:ann")
        .warrant("doc:b#viewer@user:bob")
        .warrant("folder:f#viewer@user:ann");
    assert_eq!(
        select_where(&world, "*", "user:ann", "*"),
        [
            "folder:f viewer",
            "doc:b viewer (implicit)",
            "doc:b editor",
            "doc:a viewer"
        ]
    );
    assert_eq!(
        select_where(&world, "doc", "user:ann", "viewer"),
        ["doc:b viewer (implicit)", "doc:a viewer"]
    );
    assert_eq!(
        select_explicit_where(&world, "doc", "user:ann", "viewer"),
        ["doc:a viewer"]
    );
}

#[test]
fn order_is_by_bytes() {
    let world = docs()
        .warrant("doc:Z#viewer@user:ann")
        .warrant("doc:a#viewer@user:ann")
        .warrant("doc:10#viewer@user:ann")
        .warrant("doc:9#viewer@user:ann");
    assert_eq!(
        select_where(&world, "doc", "user:ann", "viewer"),
        ["doc:a viewer", "doc:Z viewer", "doc:9 viewer", "doc:10 viewer"]
    );
}

#[test]
fn only_relations_that_the_type_declares_are_listed() {
    let world = docs()
        .warrant("doc:d#owner@user:ann")
        .warrant("gone:g#viewer@user:ann");
    assert_eq!(check(&world, "doc:d#owner@user:ann"), True);
    assert!(select_where(&world, "*", "user:ann", "*").is_empty());
    assert!(select_where(&world, "doc", "user:ann", "owner").is_empty());
}

#[test]
fn existing_is_created_or_named_on_either_side_of_a_warrant() {
    let world = docs()
        .rule("doc", "viewer", none_of([rel("editor")]))
        .resource("doc:created", None)
        .warrant("doc:left#parent@folder:f")
        .warrant("folder:f#viewer@doc:right")
        .warrant("folder:f#viewer@doc:group#editor")
        .warrant("folder:f#viewer@doc:*");
    assert_eq!(
        select_where(&world, "doc", "user:ann", "viewer"),
        [
            "doc:right viewer (implicit)",
            "doc:left viewer (implicit)",
            "doc:group viewer (implicit)",
            "doc:created viewer (implicit)"
        ]
    );
    assert_eq!(
        check(&world, "doc:never-mentioned#viewer@user:ann"),
        True,
        "which no query can list"
    );
}

#[test]
fn a_wildcard_and_a_group_make_explicit_rows() {
    let world = docs()
        .rule("team", "member", rel("lead"))
        .relation("team", "lead")
        .warrant("doc:w#viewer@user:*")
        .warrant("doc:g#viewer@team:x#member")
        .warrant("team:x#member@user:ann")
        .warrant("doc:h#viewer@team:y#member")
        .warrant("team:y#lead@user:ann");
    // ann is in team y by a rule only, so doc:h is not explicit.
    assert_eq!(
        select_where(&world, "doc", "user:ann", "viewer"),
        ["doc:w viewer", "doc:h viewer (implicit)", "doc:g viewer"]
    );
    assert_eq!(
        select_explicit_where(&world, "doc", "user:ann", "viewer"),
        ["doc:w viewer", "doc:g viewer"]
    );
}

#[test]
fn the_subject_may_be_a_group() {
    let world = docs()
        .warrant("doc:d#viewer@team:x#member")
        .warrant("doc:e#viewer@team:x");
    assert_eq!(
        select_where(&world, "doc", "team:x#member", "viewer"),
        ["doc:d viewer"]
    );
    assert_eq!(select_where(&world, "doc", "team:x", "viewer"), ["doc:e viewer"]);
}

#[test]
fn unknown_is_no_row() {
    let world = docs().warrant_if("doc:d#viewer@user:ann", "tenant == \"a\"");
    assert!(select_where(&world, "doc", "user:ann", "viewer").is_empty());
}

fn carried(world: &World, resource: &str, relation: &str, subject: &str) -> Vec<String> {
    let warrants = oracle(world, "{}").warrants_of_where_row(resource, relation, subject);
    warrants.iter().map(ToString::to_string).collect()
}

#[test]
fn a_row_carries_the_warrant_on_its_resource_that_ends_the_chain() {
    let world = docs()
        .rule(
            "doc",
            "viewer",
            any_of([rel("editor"), on("viewer", "parent", "folder")]),
        )
        .warrant("doc:a#viewer@user:ann")
        .warrant("doc:a#editor@user:ann")
        .warrant("doc:b#viewer@user:*")
        .warrant("doc:c#viewer@team:x#member")
        .warrant("team:x#member@user:ann")
        .warrant("doc:d#editor@user:ann")
        .warrant("doc:e#parent@folder:f")
        .warrant("folder:f#viewer@user:ann");
    for (id, warrant) in [
        ("doc:a", "doc:a#viewer@user:ann"),
        ("doc:b", "doc:b#viewer@user:*"),
        ("doc:c", "doc:c#viewer@team:x#member"),
        ("doc:d", "doc:d#editor@user:ann"),
        ("doc:e", "doc:e#parent@folder:f"),
    ] {
        assert_eq!(carried(&world, id, "viewer", "user:ann"), [warrant]);
    }
}

#[test]
fn a_warrant_that_does_not_hold_is_not_carried() {
    let world = docs()
        .warrant_if("doc:a#viewer@user:ann", "tenant == \"a\"")
        .warrant("doc:a#viewer@user:*")
        .warrant("doc:a#viewer@team:x#member");
    assert_eq!(
        carried(&world, "doc:a", "viewer", "user:ann"),
        ["doc:a#viewer@user:*"]
    );
}

#[test]
fn a_row_by_none_of_or_a_policy_alone_carries_no_stored_warrant() {
    let world = docs()
        .with_policy("always", &[], "true")
        .rule("doc", "viewer", none_of([rel("editor")]))
        .rule("folder", "viewer", policy("always"))
        .warrant("doc:d#parent@folder:f");
    assert!(carried(&world, "doc:d", "viewer", "user:ann").is_empty());
    assert!(carried(&world, "folder:f", "viewer", "user:ann").is_empty());

    // Not alone: the editor's warrant is there to be carried.
    let world = world
        .rule("doc", "viewer", all_of([policy("always"), rel("editor")]))
        .warrant("doc:d#editor@user:ann");
    assert_eq!(
        carried(&world, "doc:d", "viewer", "user:ann"),
        ["doc:d#editor@user:ann"]
    );
}
