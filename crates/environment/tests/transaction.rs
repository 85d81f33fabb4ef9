//! Transactions: writes that look before they leap, and the types that only they may change.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use rowgate_environment::{Edit, Environment, Error, Op, Registry, State, Warrant, Write};
use rowgate_store::Change;

fn open(directory: &tempfile::TempDir) -> (Registry, Environment) {
    let registry = Registry::open(directory.path()).unwrap();
    let environment = registry.environment("default").unwrap();
    (registry, environment)
}

/// Takes a name if it is free.
fn take(name: &str) -> Write {
    let name = name.to_owned();
    Write::Transaction(Arc::new(move |state: &State<'_>| {
        let symbol = state.graph.symbol("authz-name");
        let taken =
            symbol.is_some_and(|symbol| state.graph.resource(state.graph.find(symbol, &name)).is_some());
        if taken {
            return Err(Error::Refused {
                code: "taken",
                message: format!("`{name}` is taken"),
            });
        }
        let put = Change::PutResource {
            resource_type: "authz-name".into(),
            resource_id: name.clone(),
            meta: None,
            created_at: state.now,
        };
        Ok(Edit {
            schema: None,
            changes: vec![put],
        })
    }))
}

#[test]
fn of_two_that_want_the_same_one_gets_it() {
    let directory = tempfile::tempdir().unwrap();
    let (_registry, environment) = open(&directory);
    let outcomes: Vec<Result<_, Error>> = std::thread::scope(|scope| {
        let writing: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| environment.write(take("acme"))))
            .collect();
        writing.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(
        outcomes
            .iter()
            .flat_map(|outcome| outcome.as_ref().err())
            .all(|error| error.code() == "taken")
    );
}

#[test]
fn single_writes_leave_reserved_types_alone() {
    let directory = tempfile::tempdir().unwrap();
    let (_registry, environment) = open(&directory);
    environment.write(take("acme")).unwrap();
    let warrant = Warrant {
        resource_type: "authz-name".into(),
        resource_id: "acme".into(),
        relation: "member".into(),
        subject_type: "user".into(),
        subject_id: "ann".into(),
        subject_relation: None,
        policy: None,
    };
    let writes = [
        Write::Warrants(vec![(Op::Create, warrant)]),
        Write::DeleteResources(vec![("authz-name".into(), "acme".into())]),
        Write::UpdateResource {
            resource_type: "authz-name".into(),
            resource_id: "acme".into(),
            meta: None,
        },
    ];
    for write in writes {
        assert_eq!(environment.write(write).unwrap_err().code(), "reserved_type");
    }
}

#[test]
fn a_new_schema_keeps_the_reserved_types() {
    let directory = tempfile::tempdir().unwrap();
    let (_registry, environment) = open(&directory);
    let schema = |text: &str| rowgate_schema::parse(text).schema.unwrap();
    let reserved = schema("version 0.3\ntype user\ntype authz-name\n    relation member [user]\n");
    environment
        .write(Write::Transaction(Arc::new(move |_: &State<'_>| {
            Ok(Edit {
                schema: Some(reserved.clone()),
                changes: vec![],
            })
        })))
        .unwrap();
    let apply = |text: &str| {
        let schema = schema(text);
        environment.write(Write::Schema(Arc::new(move |_| Ok(schema.clone()))))
    };
    apply("version 0.3\ntype user\ntype document\n    relation owner [user]\n").unwrap();
    let model = environment.read().model.clone();
    assert!(
        model.relation("authz-name", "member").is_some() && model.relation("document", "owner").is_some()
    );
    // As it was read, it can be written; changed, it cannot.
    apply("version 0.3\ntype user\ntype authz-name\n    relation member [user]\n").unwrap();
    let changed = apply("version 0.3\ntype user\ntype authz-name\n").unwrap_err();
    assert_eq!(changed.code(), "reserved_type");
}
