//! An environment whose schema is bound to tables: what may be written, and what is asked of the rows.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use rowgate_engine::{Ambient, Check, EngineError, Subject};
use rowgate_environment::rows::{Edge, Found, Row};
use rowgate_environment::{Environment, Error, ImportedWarrant, Op, Registry, Warrant, Write};
use rowgate_policy::{Context, Timestamp};
use rowgate_store::{Change, Commit, Embedded, Options, Store};
use serde_json::json;

const SCHEMA: &str = "version 0.3
type user
type organization
    relation member [user]
type ticket
    relation organization [organization]
    relation creator [user]
    relation shared [user]
    relation note [user]
    relation viewer []
    inherit viewer if
        any_of
            relation creator
            relation shared
            relation member on organization [organization]
";

const BINDINGS: &str = r#"
roles = ["app"]
[subject]
type = "user"
[[table]]
name = "public.ticket"
type = "ticket"
id = "id"
relations.creator = { column = "creator_id", type = "user" }
relations.organization = { column = "org_id", type = "organization" }
policies.select = "viewer"
"#;

/// Every relation was read.
const ALL: Option<[(&str, &str); 0]> = None;

/// A store in whose log the bindings are, as `rls apply` puts them there.
fn bound(directory: &tempfile::TempDir) -> (Registry, Environment) {
    let store = Arc::new(Embedded::open(directory.path(), Options::default()).unwrap());
    Registry::with_store(store).unwrap().close().unwrap();
    let store = Embedded::open(directory.path(), Options::default()).unwrap();
    let environment = store.environments().unwrap()[0].id;
    let (model, _) = rowgate_schema::compile(SCHEMA).unwrap();
    let bindings = rowgate_binding::Bindings::parse_toml(BINDINGS).unwrap();
    let head = store.head(environment).unwrap();
    // Stored before the relation was bound, it must count for nothing.
    let leftover = rowgate_store::Warrant {
        key: rowgate_store::WarrantKey {
            resource_type: "ticket".into(),
            resource_id: "7".into(),
            relation: "creator".into(),
            subject_type: "user".into(),
            subject_id: "bob".into(),
            subject_relation: None,
            policy: None,
        },
        created_at: 0,
    };
    let changes = vec![
        Change::CreateWarrant(leftover),
        Change::Schema {
            json: rowgate_schema::to_json(model.schema()).to_string(),
        },
        Change::Bindings {
            json: Some(bindings.to_json().to_string()),
        },
    ];
    let commit = Commit {
        environment,
        revision: head.next(),
        at: 0,
        changes,
    };
    store.append(&[commit]).unwrap();
    store.close().unwrap();
    open(directory)
}

fn open(directory: &tempfile::TempDir) -> (Registry, Environment) {
    let registry = Registry::open(directory.path()).unwrap();
    let environment = registry.environment("default").unwrap();
    (registry, environment)
}

fn warrant(relation: &str, policy: Option<&str>) -> Write {
    let warrant = Warrant {
        resource_type: "ticket".into(),
        resource_id: "7".into(),
        relation: relation.into(),
        subject_type: if relation == "organization" {
            "organization"
        } else {
            "user"
        }
        .into(),
        subject_id: "ann".into(),
        subject_relation: None,
        policy: policy.map(str::to_owned),
    };
    Write::Warrants(vec![(Op::Create, warrant)])
}

fn message(outcome: Result<impl std::fmt::Debug, Error>) -> (String, String) {
    let error = outcome.unwrap_err();
    (error.code().to_owned(), error.to_string())
}

#[test]
fn a_column_is_not_written_as_a_warrant() {
    let directory = tempfile::tempdir().unwrap();
    let (_registry, environment) = bound(&directory);
    let (code, text) = message(environment.write(warrant("creator", None)));
    assert_eq!(code, "invalid_parameter");
    assert_eq!(
        text,
        "`ticket#creator` is bound to column `creator_id` of table `public.ticket`: change the row instead of writing a warrant"
    );
    let (_, text) = message(environment.write(warrant("shared", Some("level > 3"))));
    assert!(
        text.contains("`ticket#viewer` on table `public.ticket` depends on `ticket#shared`"),
        "{text}"
    );
    environment.write(warrant("shared", None)).unwrap();
    // No guarded relation depends on this one.
    environment.write(warrant("note", Some("level > 3"))).unwrap();
}

#[test]
fn a_leftover_is_not_imported_where_the_database_answers() {
    let directory = tempfile::tempdir().unwrap();
    let (_registry, environment) = bound(&directory);
    let import = |relation: &str, subject_type: &str| {
        let Write::Warrants(mut warrants) = warrant(relation, None) else {
            unreachable!()
        };
        let mut warrant = warrants.remove(0).1;
        warrant.subject_type = subject_type.to_owned();
        environment.write(Write::Import {
            schema: None,
            resources: Vec::new(),
            warrants: vec![ImportedWarrant {
                warrant,
                created_at: None,
                leftover: true,
            }],
            audit: None,
        })
    };
    for (relation, subject_type) in [("viewer", "user"), ("shared", "organization")] {
        let (code, text) = message(import(relation, subject_type));
        assert_eq!(code, "invalid_parameter");
        assert_eq!(
            text,
            format!(
                "ticket:7#{relation}@{subject_type}:ann: `ticket#viewer` on table `public.ticket` depends on `ticket#{relation}` and is enforced by row-level security, \
                 which does not look for subjects that the schema does not accept"
            )
        );
    }
    // No guarded relation depends on this one.
    import("note", "organization").unwrap();
}

#[test]
fn a_schema_does_not_change_what_the_database_enforces() {
    let directory = tempfile::tempdir().unwrap();
    let (_registry, environment) = bound(&directory);
    let apply = |text: String| {
        let schema = rowgate_schema::parse(&text).schema.unwrap();
        environment.write(Write::Schema(Arc::new(move |_| Ok(schema.clone()))))
    };
    let (code, text) = message(apply(SCHEMA.replace("            relation shared\n", "")));
    assert_eq!(code, "rls_would_change");
    assert!(
        text.contains("row-level security of table `public.ticket` enforces `ticket#viewer`"),
        "{text}"
    );
    assert!(text.contains("rowgate rls apply --schema FILE"), "{text}");
    let (code, _) = message(apply("version 0.3\ntype user\n".into()));
    assert_eq!(code, "rls_would_change");
    apply(SCHEMA.replace(
        "    relation note [user]\n",
        "    relation note [user, organization]\n",
    ))
    .unwrap();
    apply(format!("{SCHEMA}type team\n    relation member [user]\n")).unwrap();
}

#[test]
fn rows_decide_and_are_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let (mut registry, mut environment) = bound(&directory);
    environment.write(warrant("shared", None)).unwrap();
    // Enough for a snapshot when it is closed.
    for number in 0..500 {
        environment
            .write(warrant("note", Some(&format!("level > {number}"))))
            .unwrap();
    }
    for again in [true, false] {
        let published = environment.read();
        let context = Context::new();
        let ambient = Ambient {
            context: &context,
            claims: None,
            now: Timestamp(0),
        };
        let check = Check {
            resource_type: "ticket",
            resource_id: "7",
            relation: "viewer",
            subject: Subject {
                resource_type: "user",
                id: "ann",
                relation: None,
            },
        };
        let unread = published.view().check(&check, &ambient).unwrap_err();
        assert_eq!(unread, EngineError::Unread(vec![("ticket".into(), "7".into())]));
        let row = |found| Row {
            resource_type: "ticket".into(),
            resource_id: "7".into(),
            found,
        };
        // The share counts only while there is a row.
        for (found, expected) in [(None, false), (Some(Found::default()), true)] {
            let read = published.with_rows(&[row(found)], ALL).unwrap();
            let decision = read.view().check(&check, &ambient).unwrap();
            assert_eq!(decision.value.grants(), expected);
        }
        let bob = Check {
            subject: Subject {
                id: "bob",
                ..check.subject
            },
            ..check
        };
        let read = published.with_rows(&[row(Some(Found::default()))], ALL).unwrap();
        let stale = read.view().check(&bob, &ambient).unwrap();
        assert!(
            !stale.value.grants(),
            "a warrant from before the relation was bound"
        );
        let created = Edge {
            relation: "creator".into(),
            subject_type: "user".into(),
            subject_id: "bob".into(),
            subject_relation: None,
        };
        let found = Found {
            edges: vec![created],
            attributes: json!({}).as_object().unwrap().clone(),
        };
        let read = published.with_rows(&[row(Some(found))], ALL).unwrap();
        assert!(read.view().check(&bob, &ambient).unwrap().value.grants());
        assert!(
            published.view().check(&bob, &ambient).is_err(),
            "what one request read is not another's"
        );
        if again {
            registry.close().unwrap();
            (registry, environment) = open(&directory);
        }
    }
}
