//! A graph on top of a snapshot changes nothing below it.

#![allow(clippy::unwrap_used)]

use rowgate_graph::{Graph, Tuple};

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
