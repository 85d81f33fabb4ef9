//! What is said about bindings that are wrong: all errors at once, each with its place.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rowgate_binding::{Bindings, codes};
use rowgate_schema::{Diagnostic, Severity, render};

const SCHEMA: &str = "version 0.3
type user
type team
    relation member [user]
    relation open []
    inherit open if
        none_of
            relation member
type ticket
    relation creator [user]
    relation parent [team]
    relation guest [user, team#open]
    relation viewer []
    inherit viewer if
        any_of
            relation creator
            policy small
policy small(amount integer) { amount < 3 }
policy other(size integer) { size < 3 }
";

fn diagnostics(toml: &str) -> Vec<Diagnostic> {
    let (model, _) = rowgate_schema::compile(SCHEMA).unwrap();
    match Bindings::parse_toml(toml) {
        Err(found) => found,
        Ok(bindings) => match bindings.resolve(&model) {
            Err(found) => found,
            Ok(resolved) => resolved.warnings().to_vec(),
        },
    }
}

fn shown(toml: &str) -> String {
    let found = diagnostics(toml);
    for diagnostic in &found {
        assert!(diagnostic.span.is_some(), "{diagnostic} has no place");
        let known = codes::ALL.iter().find(|(code, _, _)| *code == diagnostic.code);
        assert_eq!(
            known.map(|(_, severity, _)| *severity),
            Some(diagnostic.severity),
            "{}",
            diagnostic.code
        );
    }
    let rendered = found
        .iter()
        .map(|diagnostic| render(diagnostic, toml, "rowgate.toml", false));
    rendered.collect::<Vec<_>>().join("\n\n")
}

#[test]
fn toml_that_cannot_be_read() {
    insta::assert_snapshot!(shown("roles = [\"app\"\n[subject]\ntype = user\n"));
}

#[test]
fn wrong_shapes_are_reported_together() {
    insta::assert_snapshot!(shown(
        r#"
enviroment = "default"
roles = "app"
[subject]
type = "user"
id = "current_user"
[[table]]
name = "ticket"
type = 7
id = []
id_is_unique = "yes"
where = "deleted_at is null or true"
relations.creator = { colum = "creator_id", type = "user", key = "id" }
relations.parent = { table = "public.ticket_team", column = "team_id", type = "team" }
policies.read = "viewer"
[[table]]
id = ["a", "a"]
"#
    ));
}

#[test]
fn what_the_schema_does_not_know_is_reported_together() {
    insta::assert_snapshot!(shown(
        r#"
environment = "my shop"
roles = ["app", "public", "app"]
[subject]
type = "usr"
[[table]]
name = "public.ticket"
type = "ticket"
id = ["org", "number"]
[table.relations]
creater = { column = "creator_id", type = "user" }
parent = { column = "team_id", type = "user" }
viewer = { column = "viewer_id", type = "user" }
guest = [
    { table = "public.guest", key = "ticket_id", column = "user_id", type = "user" },
    { column = "team_id", type = "team", relation = "opn" },
    { column = "team_id", type = "team", relation = "member" },
]
[table.attributes]
amuont = "amount"
[table.policies]
select = "reader"
[[table]]
name = "public.team"
type = "team"
id = "id"
[[table]]
name = "public.team"
type = "team"
id = "id"
relations.member = { column = ["a", "b"], type = "ticket" }
"#
    ));
}

#[test]
fn warnings_do_not_refuse() {
    let toml = r#"
roles = ["app"]
[subject]
type = "user"
[[table]]
name = "public.ticket"
type = "ticket"
id = "id"
attributes.size = "size"
policies.update = "viewer"
"#;
    assert!(diagnostics(toml).iter().all(|d| d.severity == Severity::Warning));
    insta::assert_snapshot!(shown(toml));
}

#[test]
fn policies_need_roles_and_bound_groups_must_not_negate_themselves() {
    insta::assert_snapshot!(shown(
        r#"
[subject]
type = "user"
[[table]]
name = "public.ticket"
type = "ticket"
id = "id"
policies.select = "viewer"
"#
    ));
}

#[test]
fn a_bound_group_that_negates_itself_is_refused() {
    let schema = "version 0.3
type user
type team
    relation member [user, team]
    relation outsider []
    inherit outsider if
        none_of
            relation member
";
    let (model, _) = rowgate_schema::compile(schema).unwrap();
    let toml = r#"
[subject]
type = "user"
[[table]]
name = "public.team"
type = "team"
id = "id"
relations.member = { column = "outside_of", type = "team", relation = "outsider" }
"#;
    let found = Bindings::parse_toml(toml).unwrap().resolve(&model).unwrap_err();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].code, "none_of_cycle");
    assert!(
        found[0]
            .message
            .contains("team#outsider → team#member → team#outsider"),
        "{}",
        found[0].message
    );
}

#[test]
fn json_has_paths_instead_of_places() {
    let json =
        serde_json::json!({"subject": {"type": "user"}, "table": [{"name": "a.b", "type": "t", "id": 3}]});
    let found = Bindings::from_json(&json).unwrap_err();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].path.as_deref(), Some("table[0].id"));
    assert_eq!(found[0].span, None);
}
