//! Tables that permissions guard: what is written, and the relations that come of it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rowgate_binding::Bindings;
use rowgate_schema::Model;

/// What the authorization API makes of `organization > project > file` and the permission `project:view`.
const SCHEMA: &str = "version 0.3
type authz--membership
type authz--role
    relation may_projectCview [authz--membership]
type authz--group
    relation member [authz--membership]
type authz--grant
    relation role [authz--role]
    relation member [authz--membership, authz--group#member]
    relation may_projectCview []
    inherit may_projectCview if
        all_of
            relation member
            relation may_projectCview on role [authz--role]
type authz-organization
    relation grant [authz--grant]
    relation may_projectCview []
    inherit may_projectCview if
        relation may_projectCview on grant [authz--grant]
type authz-project
    relation parent [authz-organization]
    relation grant [authz--grant]
    relation may_projectCview []
    inherit may_projectCview if
        any_of
            relation may_projectCview on grant [authz--grant]
            relation may_projectCview on parent [authz-organization]
type authz-file
    relation parent [authz-project]
    relation grant [authz--grant]
    relation may_projectCview []
    inherit may_projectCview if
        relation may_projectCview on parent [authz-project]
type authz--name
    relation names [authz-organization, authz-project, authz-file]
";

const BINDINGS: &str = r#"
roles = ["app"]
[subject]
type = "organization_membership"
claim = "om"
[[table]]
name = "public.file"
type = "file"
id = "id"
organization = "org"
parent = { type = "project", column = "project_id" }
policies = { select = "project:view" }
[[table]]
name = "public.folder"
type = "drawer"
id = ["a", "b"]
organization = "org"
parent = [
    { type = "project", column = "project_id" },
    { type = "drawer", column = ["up_a", "up_b"] },
    { type = "project", column = "wire_id", by = "resource_id" },
]
policies = { select = "project:view" }
"#;

fn model(schema: &str) -> Model {
    rowgate_schema::compile(schema).unwrap().0
}

#[test]
fn both_forms_say_the_same() {
    let bindings = Bindings::parse_toml(BINDINGS).unwrap();
    let json = bindings.to_json();
    assert_eq!(Bindings::from_json(&json).unwrap(), bindings);
    assert_eq!(
        json["subject"],
        serde_json::json!({"type": "organization_membership", "claim": "om"})
    );
}

#[test]
fn permissions_become_relations() {
    let resolved = Bindings::parse_toml(BINDINGS)
        .unwrap()
        .resolve(&model(SCHEMA))
        .unwrap();
    assert_eq!(resolved.bindings().subject.resource_type, "authz--membership");
    let file = resolved.table_of_type("authz-file").unwrap();
    assert_eq!(file.id, ["org", "id"]);
    assert_eq!(
        resolved.sources("authz-file", "parent")[0].columns,
        ["org", "project_id"]
    );
    assert_eq!(file.policies.values().collect::<Vec<_>>(), ["may_projectCview"]);
    // A type that is declared nowhere is added to the schema, for the bindings alone.
    let own: Vec<&str> = resolved
        .sources("drawer", "parent")
        .iter()
        .map(|source| source.resource_type.as_str())
        .collect();
    assert_eq!(own, ["authz-project", "drawer", "authz--name"]);
    assert!(resolved.model().relation("drawer", "may_projectCview").is_some());
    assert!(
        resolved
            .model()
            .relation("authz--name", "may_projectCview")
            .is_some()
    );
    assert_eq!(*resolved.written(), Bindings::parse_toml(BINDINGS).unwrap());
}

#[test]
fn a_guard_rests_on_its_own_types_and_permissions_alone() {
    let fingerprints = |schema: &str| {
        let resolved = Bindings::parse_toml(BINDINGS)
            .unwrap()
            .resolve(&model(schema))
            .unwrap();
        let all = resolved.dependencies().iter();
        all.map(|dependency| dependency.fingerprint.clone())
            .collect::<Vec<_>>()
    };
    let before = fingerprints(SCHEMA);
    // Another type below, and another permission on everything.
    let more = SCHEMA
        .replace("authz-file]", "authz-file, authz-note]")
        .replace(
            "type authz--name",
            "type authz-note\n    relation parent [authz-file]\ntype authz--name",
        )
        .replace(
            "    relation may_projectCview []\n",
            "    relation may_projectCview []\n    relation may_x []\n",
        );
    assert_eq!(fingerprints(&more), before);
    let other = SCHEMA.replace(
        "            relation may_projectCview on parent [authz-organization]\n",
        "            relation member on grant [authz--grant]\n",
    );
    assert_ne!(fingerprints(&other), before);
}
