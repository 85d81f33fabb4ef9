//! Bindings that are right: what they say, in both forms, and what they depend on.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rowgate_binding::{Bindings, Command, Qualified, RelationRef};
use rowgate_schema::Model;

const SCHEMA: &str = "version 0.3
type user
type team
    relation member [user, team#member]
type project
    relation owner [user]
    relation viewer [user, team#member]
    inherit viewer if
        relation owner
type folder
    relation parent [folder, project]
    relation viewer []
    inherit viewer if
        any_of
            relation viewer on parent [folder]
            relation viewer on parent [project]
type file
    relation folder [folder]
    relation reader [user, team#member]
    relation approver []
    relation viewer []
    inherit approver if
        policy small
    inherit viewer if
        any_of
            relation reader
            relation viewer on folder [folder]

policy small(amount integer) {
    amount <= 1000
}
";

const TOML: &str = r#"
environment = "shop"
roles = ["app"]
[subject]
type = "user"

[[table]]
name = "public.Folder"
type = "folder"
id = "id"
id_is_unique = true
where = "deleted_at is null"
relations.parent = [
    { column = "parent_id", type = "folder" },
    { column = "project_id", type = "project" },
]

[[table]]
name = "public.file"
type = "file"
id = ["org_id", "number"]
[table.relations]
folder = { column = "folder_id", type = "folder" }
reader = { table = "public.file_reader", key = ["org", "file"], column = "team_id", type = "team", relation = "member", where = "kind = 'read'" }
[table.attributes]
amount = "amount_cents"
[table.policies]
select = "viewer"
update = "viewer"
delete = "approver"
"#;

fn model(schema: &str) -> Model {
    rowgate_schema::compile(schema).unwrap().0
}

#[test]
fn json_says_the_same_as_toml() {
    let bindings = Bindings::parse_toml(TOML).unwrap();
    let json = bindings.to_json();
    assert_eq!(Bindings::from_json(&json).unwrap(), bindings);
    assert_eq!(bindings.subject.function, Qualified::new("auth", "user_id"));
    insta::assert_snapshot!(serde_json::to_string_pretty(&json).unwrap());
}

#[test]
fn lookups_are_by_type_and_relation() {
    let resolved = Bindings::parse_toml(TOML)
        .unwrap()
        .resolve(&model(SCHEMA))
        .unwrap();
    assert_eq!(resolved.warnings(), []);
    assert!(resolved.is_bound("folder", "parent"));
    assert_eq!(resolved.sources("folder", "parent").len(), 2);
    assert!(!resolved.is_bound("project", "viewer"));
    assert!(resolved.table_of_type("project").is_none());
    assert_eq!(resolved.attributes("file").unwrap()["amount"], "amount_cents");
}

#[test]
fn a_guarded_relation_depends_on_all_it_rests_on_and_nothing_else() {
    let resolved = Bindings::parse_toml(TOML)
        .unwrap()
        .resolve(&model(SCHEMA))
        .unwrap();
    let [viewer, approver] = resolved.dependencies() else {
        panic!("two relations are guarded")
    };
    assert_eq!(viewer.commands, [Command::Select, Command::Update]);
    let names = |relations: &std::collections::BTreeSet<RelationRef>| {
        let name = |r: &RelationRef| format!("{}#{}", r.resource_type, r.relation);
        relations.iter().map(name).collect::<Vec<_>>()
    };
    let expected = [
        "file#folder",
        "file#reader",
        "file#viewer",
        "folder#parent",
        "folder#viewer",
        "project#owner",
        "project#viewer",
        "team#member",
    ];
    assert_eq!(names(&viewer.relations), expected);
    assert_eq!(names(&approver.relations), ["file#approver"]);
    assert_eq!(approver.policies.iter().collect::<Vec<_>>(), ["small"]);
}

#[test]
fn a_fingerprint_changes_with_what_it_covers_only() {
    let prints = |schema: &str, toml: &str| {
        let resolved = Bindings::parse_toml(toml)
            .unwrap()
            .resolve(&model(schema))
            .unwrap();
        let prints = resolved.dependencies().iter().map(|d| d.fingerprint.clone());
        prints.collect::<Vec<_>>()
    };
    let before = prints(SCHEMA, TOML);
    let other_policy = prints(&SCHEMA.replace("<= 1000", "<= 2000"), TOML);
    assert_eq!(before[0], other_policy[0]);
    assert_ne!(before[1], other_policy[1]);
    let wider = prints(
        &SCHEMA.replace("relation owner [user]", "relation owner [user, team]"),
        TOML,
    );
    assert_ne!(before[0], wider[0]);
    assert_eq!(before[1], wider[1]);
    let unrelated = format!(
        "{}\ntype other\n    relation x [user]\n",
        SCHEMA.split("\npolicy").next().unwrap()
    );
    let unrelated = format!("{unrelated}\npolicy{}", SCHEMA.split("\npolicy").nth(1).unwrap());
    assert_eq!(before, prints(&unrelated, TOML));
    assert_ne!(
        before[0],
        prints(SCHEMA, &TOML.replace("kind = 'read'", "kind = 'write'"))[0]
    );
}
