//! Encoding, decoding and compacting keep what the graph says.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use rowgate_graph::{Graph, Snapshot, Tuple, codec};

#[derive(Debug, Clone)]
enum Change {
    Create(u8, u8, u8, u8, bool),
    Delete(u8, u8, u8, u8, bool),
    Put(u8, Option<u8>),
    Drop(u8),
}

fn change() -> impl Strategy<Value = Change> {
    let tuple = || (0..12u8, 0..3u8, 0..14u8, 0..3u8, any::<bool>());
    prop_oneof![
        6 => tuple().prop_map(|(a, b, c, d, e)| Change::Create(a, b, c, d, e)),
        2 => tuple().prop_map(|(a, b, c, d, e)| Change::Delete(a, b, c, d, e)),
        1 => (0..12u8, proptest::option::of(0..9u8)).prop_map(|(a, b)| Change::Put(a, b)),
        1 => (0..12u8).prop_map(Change::Drop),
    ]
}

const NAMES: [&str; 3] = ["viewer", "member", "parent"];

fn apply(graph: &mut Graph, change: &Change, at: i64) {
    let tuple = |resource: u8,
                 relation: u8,
                 subject: u8,
                 group: u8,
                 conditional: bool,
                 run: &mut dyn FnMut(&Tuple<'_>)| {
        let (resource, subject) = (
            resource.to_string(),
            if subject > 12 {
                "*".into()
            } else {
                subject.to_string()
            },
        );
        let grouped = group > 0 && subject != "*";
        run(&Tuple {
            resource_type: "doc",
            resource_id: &resource,
            relation: NAMES[usize::from(relation)],
            subject_type: "user",
            subject_id: &subject,
            subject_relation: grouped.then(|| NAMES[usize::from(group)]),
            policy: conditional.then_some("amount > 3"),
        });
    };
    match *change {
        Change::Create(a, b, c, d, e) => tuple(a, b, c, d, e, &mut |tuple| {
            graph.create_warrant(tuple, at).unwrap();
        }),
        Change::Delete(a, b, c, d, e) => tuple(a, b, c, d, e, &mut |tuple| {
            graph.delete_warrant(tuple);
        }),
        Change::Put(a, meta) => {
            let meta = meta.map(|meta| serde_json::json!({ "m": meta }));
            graph.put_resource("doc", &a.to_string(), meta, at).unwrap();
        }
        Change::Drop(a) => {
            graph.delete_resource("doc", &a.to_string());
        }
    }
}

/// All that a snapshot says, in words and in order of creation.
fn words(snapshot: &Snapshot) -> Vec<String> {
    let object = |object| {
        format!(
            "{}:{}",
            snapshot.name(snapshot.type_of(object)),
            snapshot.id_of(object)
        )
    };
    let resources = snapshot.all_resources().map(|resource| {
        let mut from_here: Vec<String> = snapshot
            .subjects(resource.object)
            .all()
            .map(|edge| object(edge.other()))
            .collect();
        let mut to_here: Vec<String> = snapshot
            .resources(resource.object)
            .all()
            .map(|edge| object(edge.other()))
            .collect();
        from_here.sort();
        to_here.sort();
        format!(
            "{} {} {:?} {from_here:?} {to_here:?}",
            object(resource.object),
            resource.created_at,
            resource.meta
        )
    });
    let warrants = snapshot.warrants_oldest_first(None).map(|(_, row)| {
        let policy = snapshot.policy(row.policy).map(|policy| policy.text());
        let (relation, group) = (snapshot.name(row.relation), snapshot.name(row.subject_relation));
        format!(
            "{}#{relation}@{}#{group} {policy:?} {}",
            object(row.resource),
            object(row.subject),
            row.created_at
        )
    });
    resources.chain(warrants).collect()
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(changes in proptest::collection::vec(change(), 0..200)) {
        let mut graph = Graph::default();
        for (at, change) in changes.iter().enumerate() {
            apply(&mut graph, change, at as i64);
        }
        let mut bytes = Vec::new();
        codec::encode(graph.state(), &mut bytes).unwrap();
        let mut decoded = codec::decode(&mut bytes.as_slice()).unwrap();
        prop_assert_eq!(words(graph.state()), words(decoded.state()));
        prop_assert_eq!(graph.state().warrant_count(), decoded.state().warrant_count());
        prop_assert_eq!(graph.state().resource_count(), decoded.state().resource_count());
        let kinds = |graph: &Graph| {
            let mut kinds: Vec<_> = graph.state().group_kinds().map(|kind| {
                (graph.state().name(kind.relation).to_owned(), graph.state().name(kind.subject_relation).to_owned())
            }).collect();
            kinds.sort();
            kinds
        };
        prop_assert_eq!(kinds(&graph), kinds(&decoded));
        // Both go on alike, and a snapshot taken before does not notice.
        let before = graph.snapshot();
        let said = words(&before);
        let resumed = Graph::from_snapshot(graph.snapshot());
        let mut graphs = [graph, resumed, decoded.compacted().unwrap()];
        for (at, change) in changes.iter().rev().enumerate() {
            apply(&mut decoded, change, at as i64);
            for graph in &mut graphs {
                apply(graph, change, at as i64);
            }
        }
        for graph in &graphs {
            prop_assert_eq!(words(graph.state()), words(decoded.state()));
        }
        prop_assert_eq!(words(&before), said);
    }

    #[test]
    fn any_bytes_are_an_error_or_a_graph(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 0..400usize) {
        let _ = codec::decode(&mut bytes.as_slice());
        let mut graph = Graph::default();
        apply(&mut graph, &Change::Create(1, 1, 2, 1, true), 5);
        apply(&mut graph, &Change::Put(3, Some(1)), 6);
        let mut encoded = Vec::new();
        codec::encode(graph.state(), &mut encoded).unwrap();
        if let (Some(at), Some(byte)) = (cut.checked_rem(encoded.len()), bytes.pop()) {
            encoded[at] ^= byte;
        }
        let _ = codec::decode(&mut encoded.as_slice());
        encoded.truncate(cut);
        let _ = codec::decode(&mut encoded.as_slice());
    }
}
