//! "Check", steps 1 to 3, and what the page says about warrants.

mod common;
use common::*;
use rowgate_testkit::World;
use rowgate_testkit::builder::rel;

fn docs() -> World {
    World::default()
        .with_type("user")
        .relation("team", "member")
        .relation("doc", "viewer")
        .relation("doc", "editor")
}

#[test]
fn a_direct_warrant_grants_its_tuple_and_nothing_else() {
    let world = docs().warrant("doc:d#viewer@user:ann");
    assert_eq!(check(&world, "doc:d#viewer@user:ann"), True);
    assert_eq!(check(&world, "doc:d#viewer@user:bob"), False);
    assert_eq!(check(&world, "doc:d#editor@user:ann"), False);
    assert_eq!(check(&world, "doc:e#viewer@user:ann"), False);
    assert_eq!(check(&world, "doc:d#viewer@team:ann"), False);
}

#[test]
fn a_subject_without_a_relation_matches_only_a_warrant_without_one() {
    let world = docs().warrant("doc:d#viewer@team:x#member");
    assert_eq!(check(&world, "doc:d#viewer@team:x"), False);
    assert_eq!(check(&world, "doc:d#viewer@team:x#member"), True);

    let world = docs().warrant("doc:d#viewer@team:x");
    assert_eq!(check(&world, "doc:d#viewer@team:x"), True);
    assert_eq!(check(&world, "doc:d#viewer@team:x#member"), False);
}

#[test]
fn a_subject_with_a_relation_matches_only_the_same_relation() {
    let world = docs()
        .relation("team", "lead")
        .warrant("doc:d#viewer@team:x#member");
    assert_eq!(check(&world, "doc:d#viewer@team:x#lead"), False);
}

#[test]
fn a_group_is_not_a_member_of_itself() {
    assert_eq!(check(&docs(), "team:x#member@team:x#member"), False);
}

#[test]
fn a_wildcard_grants_every_subject_of_the_type_known_or_not() {
    let world = docs().warrant("doc:d#viewer@user:*");
    assert_eq!(check(&world, "doc:d#viewer@user:nobody"), True);
    assert_eq!(check(&world, "doc:d#viewer@team:x"), False);
}

#[test]
fn a_wildcard_does_not_grant_a_group() {
    let world = docs().relation("user", "friend").warrant("doc:d#viewer@user:*");
    assert_eq!(check(&world, "doc:d#viewer@user:ann#friend"), False);
}

#[test]
fn the_subject_star_matches_only_wildcard_warrants() {
    let world = docs()
        .warrant("doc:d#viewer@user:*")
        .warrant("doc:d#editor@user:ann");
    assert_eq!(check(&world, "doc:d#viewer@user:*"), True);
    assert_eq!(check(&world, "doc:d#editor@user:*"), False);
}

#[test]
fn groups_of_groups_are_followed() {
    let world = docs()
        .warrant("doc:d#viewer@team:outer#member")
        .warrant("team:outer#member@team:inner#member")
        .warrant("team:inner#member@user:ann");
    assert_eq!(check(&world, "doc:d#viewer@user:ann"), True);
    assert_eq!(check(&world, "doc:d#viewer@user:bob"), False);
}

#[test]
fn a_group_may_be_met_by_a_wildcard() {
    let world = docs()
        .warrant("doc:d#viewer@team:x#member")
        .warrant("team:x#member@user:*");
    assert_eq!(check(&world, "doc:d#viewer@user:ann"), True);
}

#[test]
fn a_subject_that_is_a_group_is_found_behind_another_group() {
    // holds(team:outer, member, team:inner#member) is true by a stored warrant.
    let world = docs()
        .warrant("doc:d#viewer@team:outer#member")
        .warrant("team:outer#member@team:inner#member");
    assert_eq!(check(&world, "doc:d#viewer@team:inner#member"), True);
}

#[test]
fn a_group_hop_includes_members_by_rule() {
    let world = docs()
        .rule("team", "member", rel("lead"))
        .relation("team", "lead")
        .warrant("doc:d#viewer@team:x#member")
        .warrant("team:x#lead@user:ann");
    assert_eq!(check(&world, "doc:d#viewer@user:ann"), True);
    assert_eq!(explicit(&world, "doc:d#viewer@user:ann"), False);
}

#[test]
fn groups_in_each_other_add_nothing_and_do_no_harm() {
    let world = docs()
        .warrant("team:a#member@team:b#member")
        .warrant("team:b#member@team:a#member")
        .warrant("team:b#member@user:ann");
    assert_eq!(check(&world, "team:a#member@user:ann"), True);
    assert_eq!(check(&world, "team:a#member@user:bob"), False);
    // By a: b's members are a's, and b has a's members by a stored warrant.
    assert_eq!(check(&world, "team:a#member@team:a#member"), True);
}

#[test]
fn the_value_of_a_warrant_is_the_value_of_its_policy() {
    let world = docs().warrant_if("doc:d#viewer@user:ann", "tenant == \"a\"");
    assert_eq!(
        check_in(&world, r#"{"tenant": "a"}"#, "doc:d#viewer@user:ann"),
        True
    );
    assert_eq!(
        check_in(&world, r#"{"tenant": "b"}"#, "doc:d#viewer@user:ann"),
        False
    );
    assert_eq!(check_in(&world, "{}", "doc:d#viewer@user:ann"), Unknown);
}

#[test]
fn the_same_tuple_with_two_policies_is_two_warrants_of_which_one_suffices() {
    let world = docs()
        .warrant_if("doc:d#viewer@user:ann", "tenant == \"a\"")
        .warrant_if("doc:d#viewer@user:ann", "role == \"r\"");
    assert_eq!(
        check_in(&world, r#"{"role": "r"}"#, "doc:d#viewer@user:ann"),
        True
    );
    assert_eq!(
        check_in(&world, r#"{"role": "s"}"#, "doc:d#viewer@user:ann"),
        Unknown
    );
    assert_eq!(
        check_in(&world, r#"{"role": "s", "tenant": "b"}"#, "doc:d#viewer@user:ann"),
        False
    );
}

#[test]
fn a_group_hop_is_the_smaller_of_warrant_and_membership() {
    let world = docs()
        .warrant_if("doc:d#viewer@team:x#member", "tenant == \"a\"")
        .warrant_if("team:x#member@user:ann", "role == \"r\"");
    let question = "doc:d#viewer@user:ann";
    assert_eq!(
        check_in(&world, r#"{"tenant": "a", "role": "r"}"#, question),
        True
    );
    assert_eq!(check_in(&world, r#"{"tenant": "a"}"#, question), Unknown);
    assert_eq!(check_in(&world, r#"{"tenant": "b"}"#, question), False);
    assert_eq!(check_in(&world, r#"{"role": "s"}"#, question), False);
}

#[test]
fn check_ctx_of_a_warrant_policy_is_the_sub_check_at_which_it_was_met() {
    let at_team = docs()
        .warrant("doc:d#viewer@team:x#member")
        .warrant_if("team:x#member@user:ann", "check_ctx.resource_id == \"x\"");
    assert_eq!(check(&at_team, "doc:d#viewer@user:ann"), True);

    let at_doc = docs()
        .warrant_if("doc:d#viewer@team:x#member", "check_ctx.resource_id == \"d\"")
        .warrant("team:x#member@user:ann");
    assert_eq!(check(&at_doc, "doc:d#viewer@user:ann"), True);

    let who = docs().warrant_if("doc:d#viewer@user:*", "check_ctx.subject_id == \"ann\"");
    assert_eq!(check(&who, "doc:d#viewer@user:ann"), True);
    assert_eq!(check(&who, "doc:d#viewer@user:bob"), False);
}

#[test]
fn warrant_ctx_is_the_warrant() {
    let world = docs().warrant_if("doc:d#viewer@user:*", "warrant_ctx.subject_id == \"*\"");
    assert_eq!(check(&world, "doc:d#viewer@user:ann"), True);
}

#[test]
fn an_undeclared_relation_has_no_rule_but_its_warrants_count() {
    let world = docs().warrant("doc:d#owner@user:ann");
    assert_eq!(check(&world, "doc:d#owner@user:ann"), True);
    assert_eq!(check(&world, "doc:d#owner@user:bob"), False);
    assert_eq!(check(&world, "doc:d#never@user:ann"), False);
}

#[test]
fn warrants_that_the_schema_would_refuse_still_count() {
    let world = docs()
        .restricted("doc", "viewer", &["user"])
        .restricted("doc", "editor", &[])
        .warrant("doc:d#viewer@team:x")
        .warrant("doc:d#viewer@team:y#member")
        .warrant("team:y#member@user:bob")
        .warrant("doc:d#editor@user:ann");
    assert!(
        world
            .warrants
            .iter()
            .filter(|w| w.resource.resource_type == "doc")
            .all(|w| { !world.accepts(&w.resource.resource_type, &w.relation, &w.subject) })
    );
    assert_eq!(check(&world, "doc:d#viewer@team:x"), True);
    assert_eq!(check(&world, "doc:d#viewer@user:bob"), True);
    assert_eq!(check(&world, "doc:d#editor@user:ann"), True);
}

#[test]
fn a_warrant_through_a_type_that_is_gone_still_counts() {
    let world = docs()
        .warrant("doc:d#viewer@gone:g#member")
        .warrant("gone:g#member@user:ann");
    assert_eq!(check(&world, "doc:d#viewer@user:ann"), True);
}

#[test]
fn a_check_is_implicit_unless_a_warrant_on_the_very_tuple_or_wildcard_grants_it() {
    let world = docs()
        .rule("doc", "viewer", rel("editor"))
        .warrant("doc:d#viewer@user:ann")
        .warrant("doc:d#editor@user:ann")
        .warrant("doc:d#editor@user:bob")
        .warrant("doc:w#viewer@user:*")
        .warrant("doc:g#viewer@team:x#member")
        .warrant("team:x#member@user:ann");
    assert!(!is_implicit(&world, "doc:d#viewer@user:ann"));
    assert!(is_implicit(&world, "doc:d#viewer@user:bob"));
    assert!(!is_implicit(&world, "doc:w#viewer@user:bob"));
    assert!(is_implicit(&world, "doc:g#viewer@user:ann"));
    assert!(!is_implicit(&world, "doc:g#viewer@team:x#member"));
    assert!(
        !is_implicit(&world, "doc:d#viewer@user:eve"),
        "an answer that is not true is not implicit"
    );
}

#[test]
fn the_brackets_accept_what_the_language_says() {
    let accepts = |subjects: &[&str], subject: &str| {
        docs()
            .restricted("doc", "viewer", subjects)
            .accepts("doc", "viewer", &subject.into())
    };
    for (subjects, subject, expected) in [
        (&["user"][..], "user:ann", true),
        (&["user"], "user:*", true),
        (&["user"], "user:ann#anything", true),
        (&["user"], "team:x", false),
        (&["team#member"], "team:x#member", true),
        (&["team#member"], "team:x#lead", false),
        (&["team#member"], "team:x", false),
        (&["team#member"], "team:*", false),
        (&["team", "team#member"], "team:x", true),
        (&["team", "team#member"], "team:x#member", true),
        (&["team", "team#member"], "team:x#lead", false),
        (&[], "user:ann", false),
    ] {
        assert_eq!(accepts(subjects, subject), expected, "{subjects:?} and {subject}");
    }
    assert!(
        docs().accepts("doc", "viewer", &"user:ann".into()),
        "without brackets anybody"
    );
    assert!(
        !docs().accepts("doc", "owner", &"user:ann".into()),
        "an undeclared relation nobody"
    );
}
