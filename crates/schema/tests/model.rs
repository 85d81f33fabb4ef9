//! The checked schema: who may be a subject, and cycles that come with warrants.

mod support;

use rowgate_schema::{default_environment, format, resolve};
use support::clean;

#[test]
fn brackets_say_who_may_be_a_subject() {
    let model = clean(
        "version 0.3
type user
type group
    relation member [user]
    relation owner [user]
type doc
    relation bare [user, group]
    relation one [group#member]
    relation both [group#member, group#owner]
    relation mixed [group, group#member]
    relation computed []
    inherit computed if
        relation bare
",
    );
    let cases = [
        // relation, subject type, its relation, wildcard, accepted
        ("bare", "user", None, false, true),
        ("bare", "user", None, true, true),
        ("bare", "user", Some("anything"), false, true),
        ("bare", "other", None, false, false),
        ("one", "group", None, false, false),
        ("one", "group", None, true, false),
        ("one", "group", Some("member"), false, true),
        ("one", "group", Some("owner"), false, false),
        ("both", "group", Some("owner"), false, true),
        ("both", "group", None, false, false),
        ("mixed", "group", None, false, true),
        ("mixed", "group", None, true, true),
        ("mixed", "group", Some("member"), false, true),
        ("mixed", "group", Some("owner"), false, false),
        ("bare", "group", Some("member"), true, false),
        ("computed", "user", None, false, false),
        ("missing", "user", None, false, false),
    ];
    for (relation, subject, group, wildcard, accepted) in cases {
        let found = model.accepts("doc", relation, subject, group, wildcard);
        assert_eq!(
            found, accepted,
            "{relation} @ {subject}#{group:?} (wildcard: {wildcard})"
        );
    }
    assert!(!model.accepts("nothing", "bare", "user", None, false));
}

#[test]
fn the_first_version_does_not_restrict() {
    let (model, _) = rowgate_schema::compile("version 0.1 type user type doc relation owner [user]").unwrap();
    assert!(model.accepts("doc", "owner", "anything", Some("at-all"), false));
    assert_eq!(model.relation("doc", "owner").unwrap().allowed, None);
}

const BLOCKLIST: &str = "version 0.3
type user
type group
    relation member [user, doc]
type doc
    relation blocked [user, group]
    relation reader [user]
    relation view []
    inherit view if
        all_of
            relation reader
            none_of
                relation blocked
";

#[test]
fn a_group_warrant_can_close_a_cycle_through_none_of() {
    let model = clean(BLOCKLIST);
    assert_eq!(model.negative_cycle_with(&mut std::iter::empty()), None);
    let harmless = [
        (("doc", "blocked"), ("group", "member")),
        (("doc", "reader"), ("doc", "view")),
    ];
    assert_eq!(model.negative_cycle_with(&mut harmless.into_iter()), None);
    let closing = [
        (("doc", "blocked"), ("group", "member")),
        (("group", "member"), ("doc", "view")),
    ];
    assert_eq!(
        model.negative_cycle_with(&mut closing.into_iter()).unwrap(),
        ["doc#view", "doc#blocked", "group#member", "doc#view"]
    );
}

#[test]
fn group_warrants_of_unknown_relations_close_nothing() {
    let model = clean(BLOCKLIST);
    let edges = [
        (("doc", "blocked"), ("ghost", "member")),
        (("ghost", "member"), ("doc", "view")),
    ];
    assert_eq!(model.negative_cycle_with(&mut edges.into_iter()), None);
}

#[test]
fn lookups() {
    let model = clean(BLOCKLIST);
    assert_eq!(model.type_def("doc").unwrap().relations.len(), 3);
    assert_eq!(model.type_def("ghost"), None);
    assert!(model.relation("doc", "view").unwrap().rule.is_some());
    assert_eq!(model.relation("doc", "member"), None);
    assert!(model.policy("ghost").is_none());
}

#[test]
fn a_new_environment_has_roles_tiers_and_no_restrictions() {
    let schema = default_environment();
    insta::assert_snapshot!(format(&schema), @r##"
    version 0.3

    type user
        relation parent

        inherit parent if
            relation parent on parent [user]

    type tenant
        relation admin
        relation manager
        relation member

        inherit manager if
            relation admin

        inherit member if
            relation manager

    type role
        relation member

        inherit member if
            relation member on member [role]

    type permission
        relation member

        inherit member if
            any_of
                relation member on member [permission]
                relation member on member [role]

    type pricing-tier
        relation member

        inherit member if
            relation member on member [pricing-tier]

    type feature
        relation member

        inherit member if
            any_of
                relation member on member [feature]
                relation member on member [pricing-tier]

    type document

    type folder
    "##);
    let (model, warnings) = resolve(schema).unwrap();
    assert_eq!(warnings, []);
    assert!(model.accepts("permission", "member", "role", Some("member"), false));
}
