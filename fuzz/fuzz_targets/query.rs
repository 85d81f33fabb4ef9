//! The text of a query, answered over a small world: whatever it lists, a check grants.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rowgate_engine::query::page::Page;
use rowgate_engine::query::text::{self, Select};
use rowgate_engine::{Ambient, Check, Program, Subject, View};
use rowgate_graph::{Graph, Snapshot, Tuple};
use rowgate_policy::{Context, Timestamp};

const SCHEMA: &str = "version 0.3

type user

type group
    relation member [user, group#member]

type document
    relation owner [user]
    relation viewer [user, group#member]
    relation banned [user]
    relation view []

    inherit view if
        all_of
            any_of
                relation owner
                relation viewer
            none_of
                relation banned
";

static WORLD: LazyLock<(Program, Snapshot)> = LazyLock::new(|| {
    let (model, _) = rowgate_schema::compile(SCHEMA).expect("it is a schema");
    let mut graph = Graph::default();
    let program = Program::compile(&model, &mut graph).expect("few names");
    let warrants = [
        ("group", "g", "member", "user", "ann", None),
        ("group", "h", "member", "group", "g", Some("member")),
        ("document", "a", "owner", "user", "ann", None),
        ("document", "b", "viewer", "group", "h", Some("member")),
        ("document", "b", "banned", "user", "bob", None),
        ("document", "c", "viewer", "user", "bob", None),
    ];
    for (resource_type, resource_id, relation, subject_type, subject_id, subject_relation) in warrants {
        let policy = None;
        let tuple = Tuple {
            resource_type,
            resource_id,
            relation,
            subject_type,
            subject_id,
            subject_relation,
            policy,
        };
        graph.create_warrant(&tuple, 0).expect("few warrants");
    }
    (program, graph.snapshot())
});

fuzz_target!(|input: &str| {
    let Ok(query) = text::parse(input) else { return };
    let (program, graph) = &*WORLD;
    let view = View::new(program, graph);
    let context = Context::new();
    let ambient = Ambient {
        context: &context,
        claims: None,
        now: Timestamp(0),
    };
    let Ok(all) = view.query(&query, &Page::default(), &ambient) else {
        return;
    };
    let first = view.query(
        &query,
        &Page {
            limit: Some(1),
            ..Page::default()
        },
        &ambient,
    );
    let first = first.expect("a page fails where the whole does not");
    assert_eq!(
        first.rows.first(),
        all.rows.first(),
        "the first page begins with another row"
    );
    let Select::Resources { subject, .. } = &query.select else {
        return;
    };
    for row in &all.rows {
        let check = Check {
            resource_type: graph.name(graph.type_of(row.object)),
            resource_id: graph.id_of(row.object),
            relation: graph.name(row.relation),
            subject: Subject {
                resource_type: &subject.resource_type,
                id: &subject.id,
                relation: None,
            },
        };
        let decision = view
            .check(&check, &ambient)
            .expect("a check fails where the query does not");
        assert!(decision.value.grants(), "listed, but not granted: {check}");
    }
});
