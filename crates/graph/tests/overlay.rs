//! A graph on top of a snapshot changes nothing below it.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use rowgate_graph::{Graph, Snapshot, Tuple};

fn tuple<'t>(id: &'t str, policy: Option<&'t str>) -> Tuple<'t> {
    Tuple {
        resource_type: "doc",
        resource_id: id,
        relation: "viewer",
        subject_type: "user",
        subject_id: "ann",
        subject_relation: None,
        policy,
    }
}

#[test]
fn warrants_come_and_go_on_top_alone() {
    let mut below = Graph::default();
    below.create_warrant(&tuple("one", None), 0).unwrap();
    below.create_warrant(&tuple("one", Some("limit > 3")), 0).unwrap();
    let mut above = Graph::overlay(below.snapshot());
    assert!(above.create_warrant(&tuple("two", None), 0).unwrap());
    assert!(!above.create_warrant(&tuple("one", None), 0).unwrap());
    let state = above.snapshot();
    let numbers: Vec<_> = state
        .warrants_oldest_first(None)
        .map(|(number, _)| number)
        .collect();
    assert_eq!(numbers.len(), 3);
    for number in &numbers[..2] {
        assert!(above.delete(*number));
        assert!(!above.delete(*number));
    }
    assert!(above.find(&tuple("one", None)).is_none());
    assert!(above.find(&tuple("two", None)).is_some());
    assert!(below.find(&tuple("one", None)).is_some());
    assert!(below.find(&tuple("one", Some("limit > 3"))).is_some());
    assert!(below.find(&tuple("two", None)).is_none());
}

/// All that can be read of a snapshot, in names: its warrants from either side and by number, and its resources, all and by type.
fn content(state: &Snapshot) -> BTreeSet<String> {
    let mut content = BTreeSet::new();
    for (_, row) in state.warrants_oldest_first(None) {
        let line = [
            format!(
                "{}:{}",
                state.name(state.type_of(row.resource)),
                state.id_of(row.resource)
            ),
            state.name(row.relation).to_owned(),
            format!(
                "{}:{}",
                state.name(state.type_of(row.subject)),
                state.id_of(row.subject)
            ),
            state.name(row.subject_relation).to_owned(),
        ];
        assert!(content.insert(line.join(" ")), "{line:?} is there twice");
        let from_resource = state.subjects(row.resource);
        let group = row.subject_relation;
        assert_eq!(
            from_resource.to(row.relation, group, row.subject).count(),
            1,
            "{line:?}"
        );
        let from_subject = state.resources(row.subject);
        assert_eq!(
            from_subject.to(group, row.relation, row.resource).count(),
            1,
            "{line:?}"
        );
    }
    let mut edges = 0;
    for resource in state.all_resources() {
        edges += state.subjects(resource.object).all().count();
        assert_eq!(state.find(resource.resource_type, resource.id), resource.object);
        let found = state
            .seek(resource.resource_type, resource.id)
            .find(|likely| state.touch_subject(likely));
        assert_eq!(found, resource.object);
        assert!(
            state
                .resources_of_type(resource.resource_type)
                .any(|one| one.object == resource.object)
        );
        content.insert(format!("{}:{}", state.name(resource.resource_type), resource.id));
    }
    assert_eq!(edges, state.warrant_count());
    for name in ["doc", "user", "team"] {
        let resource_type = state.symbol(name).unwrap();
        let back: Vec<_> = state
            .resources_of_type(resource_type)
            .rev()
            .map(|one| one.object)
            .collect();
        assert!(back.is_sorted_by(|a, b| a > b));
        assert_eq!(back.len(), state.count_of_type(resource_type));
        content.insert(format!("{} of {name}", back.len()));
    }
    content.insert(format!(
        "{} resources, {} warrants",
        state.resource_count(),
        state.warrant_count()
    ));
    content
}

/// The same random changes on top of a snapshot and to a copy of its own: what can be read is the same, and what lies below stays.
#[test]
fn an_overlay_reads_as_if_it_had_been_changed_in_place() {
    let mut state = 11u32;
    let mut random = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % below
    };
    for round in 0..20 {
        let mut below = Graph::default();
        // Some resources have lists that move out of their lines, and some that become very long.
        let mut change = |graph: &mut [&mut Graph], round: u32| {
            let popular = random(3) == 0;
            let doc = format!("doc {}", if popular { 0 } else { random(200) });
            let user = match random(40) {
                0 => "*".to_owned(),
                _ => format!(
                    "a user with a name that has no room in a line {}",
                    random(300 + round)
                ),
            };
            let group = random(5) == 0;
            let tuple = Tuple {
                resource_type: if random(2) == 0 { "doc" } else { "team" },
                resource_id: &doc,
                relation: ["viewer", "editor"][random(2) as usize],
                subject_type: if group { "team" } else { "user" },
                subject_id: if group { &doc } else { &user },
                subject_relation: group.then_some("member"),
                policy: None,
            };
            let out = random(4) == 0;
            let done: Vec<bool> = graph
                .iter_mut()
                .map(|graph| match out {
                    true => graph.delete_warrant(&tuple),
                    false => graph.create_warrant(&tuple, 5).unwrap(),
                })
                .collect();
            assert!(done.windows(2).all(|two| two[0] == two[1]), "{tuple:?}");
        };
        for _ in 0..round * 150 + 20 {
            change(&mut [&mut below], round);
        }
        for name in ["doc", "user", "team"] {
            below.ensure_resource(name, "always", 0).unwrap();
        }
        let before = content(below.state());
        let mut above = Graph::overlay(below.snapshot());
        let mut plain = Graph::from_snapshot(below.snapshot());
        for _ in 0..300 {
            change(&mut [&mut above, &mut plain], round + 50);
        }
        let held = above.snapshot();
        let as_held = content(&held);
        for step in 0..50 {
            change(&mut [&mut above, &mut plain], round + 50);
            let gone = format!("doc {}", step * 3);
            let deleted = [&mut above, &mut plain].map(|graph| graph.delete_resource("doc", &gone));
            assert_eq!(deleted[0], deleted[1]);
        }
        assert_eq!(content(above.state()), content(plain.state()));
        assert_eq!(
            content(&held),
            as_held,
            "a snapshot of an overlay does not see later changes"
        );
        assert_eq!(content(below.state()), before, "what lies below stays");
    }
}
