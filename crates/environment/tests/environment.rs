//! Environments on a real store in a temporary directory.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use rowgate_engine::{Ambient, Check, Subject};
use rowgate_environment::{Environment, Error, Freshness, NewResource, Op, Registry, Warrant, Write};
use rowgate_policy::{Context, Timestamp};

const TICKETING: &str = "version 0.3
type user
type team
    relation member [user, team#member]
type ticket
    relation parent [organization]
    relation assignee [user, team#member]
    relation banned [user, team]
    relation viewer []
    inherit viewer if
        all_of
            any_of
                relation assignee
                relation member on parent [organization]
            none_of
                relation banned
type organization
    relation member [user]
";

fn open(directory: &tempfile::TempDir) -> (Registry, Environment) {
    let registry = Registry::open(directory.path()).unwrap();
    let environment = registry.environment("default").unwrap();
    (registry, environment)
}

fn apply(environment: &Environment, text: &str) -> Result<rowgate_environment::Written, Error> {
    let schema = rowgate_schema::parse(text).schema.unwrap();
    environment.write(Write::Schema(Arc::new(move |_| Ok(schema.clone()))))
}

fn warrant(text: &str) -> Warrant {
    let (resource, rest) = text.split_once('#').unwrap();
    let (relation, subject) = rest.split_once('@').unwrap();
    let (resource_type, resource_id) = resource.split_once(':').unwrap();
    let (subject, subject_relation) = match subject.split_once('#') {
        Some((subject, relation)) => (subject, Some(relation.to_owned())),
        None => (subject, None),
    };
    let (subject_type, subject_id) = subject.split_once(':').unwrap();
    Warrant {
        resource_type: resource_type.into(),
        resource_id: resource_id.into(),
        relation: relation.into(),
        subject_type: subject_type.into(),
        subject_id: subject_id.into(),
        subject_relation,
        policy: None,
    }
}

fn create(environment: &Environment, texts: &[&str]) -> Result<rowgate_environment::Written, Error> {
    environment.write(Write::Warrants(
        texts.iter().map(|text| (Op::Create, warrant(text))).collect(),
    ))
}

fn delete(environment: &Environment, text: &str) -> Result<rowgate_environment::Written, Error> {
    environment.write(Write::Warrants(vec![(Op::Delete, warrant(text))]))
}

fn check(environment: &Environment, text: &str) -> bool {
    let asked = warrant(text);
    let check = Check {
        resource_type: &asked.resource_type,
        resource_id: &asked.resource_id,
        relation: &asked.relation,
        subject: Subject {
            resource_type: &asked.subject_type,
            id: &asked.subject_id,
            relation: asked.subject_relation.as_deref(),
        },
    };
    let context = Context::new();
    let ambient = Ambient {
        context: &context,
        claims: None,
        now: Timestamp(0),
    };
    environment
        .read()
        .view()
        .check(&check, &ambient)
        .unwrap()
        .value
        .grants()
}

#[test]
fn what_was_written_decides_at_once_and_after_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let (registry, environment) = open(&directory);
    apply(&environment, TICKETING).unwrap();
    create(
        &environment,
        &[
            "ticket:7#parent@organization:acme",
            "organization:acme#member@user:ann",
        ],
    )
    .unwrap();
    assert!(check(&environment, "ticket:7#viewer@user:ann"));
    let revision = environment.read().revision();
    registry.close().unwrap();
    let (_registry, environment) = open(&directory);
    assert_eq!(environment.read().revision(), revision);
    assert!(check(&environment, "ticket:7#viewer@user:ann"));
    create(&environment, &["ticket:7#banned@user:ann"]).unwrap();
    assert!(!check(&environment, "ticket:7#viewer@user:ann"));
}

#[test]
fn a_snapshot_and_the_log_after_it_give_the_same_state() {
    let directory = tempfile::tempdir().unwrap();
    let (registry, environment) = open(&directory);
    apply(&environment, TICKETING).unwrap();
    // Enough commits that closing writes a snapshot.
    for number in 0..600 {
        create(
            &environment,
            &[&format!("ticket:{number}#assignee@user:u{}", number % 7)],
        )
        .unwrap();
    }
    registry.close().unwrap();
    let (registry, environment) = open(&directory);
    create(
        &environment,
        &["ticket:0#assignee@team:t#member", "team:t#member@user:ann"],
    )
    .unwrap();
    delete(&environment, "ticket:1#assignee@user:u1").unwrap();
    registry.close().unwrap();
    let (_registry, environment) = open(&directory);
    assert_eq!(environment.read().graph.warrant_count(), 601);
    assert!(check(&environment, "ticket:0#viewer@user:ann"));
    assert!(!check(&environment, "ticket:1#viewer@user:u1"));
    assert!(check(&environment, "ticket:599#viewer@user:u4"));
}

#[test]
fn a_repeated_create_changes_nothing_and_a_delete_of_nothing_is_not_found() {
    let directory = tempfile::tempdir().unwrap();
    let (_registry, environment) = open(&directory);
    apply(&environment, TICKETING).unwrap();
    let first = create(&environment, &["ticket:7#assignee@user:ann"])
        .unwrap()
        .revision;
    assert_eq!(
        create(&environment, &["ticket:7#assignee@user:ann"])
            .unwrap()
            .revision,
        first
    );
    delete(&environment, "ticket:7#assignee@user:ann").unwrap();
    let error = delete(&environment, "ticket:7#assignee@user:ann").unwrap_err();
    assert_eq!(
        (error.code(), error.to_string().as_str()),
        ("not_found", "Warrant ticket:7#assignee@user:ann not found")
    );
}

#[test]
fn a_batch_is_carried_out_whole_or_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let (_registry, environment) = open(&directory);
    apply(&environment, TICKETING).unwrap();
    let before = environment.read().revision();
    let batch = vec![
        (Op::Create, warrant("ticket:7#assignee@user:ann")),
        (Op::Delete, warrant("ticket:7#assignee@user:ann")),
        (Op::Delete, warrant("ticket:7#assignee@user:ann")),
    ];
    assert_eq!(
        environment.write(Write::Warrants(batch)).unwrap_err().code(),
        "not_found"
    );
    assert_eq!(
        (
            environment.read().revision(),
            environment.read().graph.warrant_count()
        ),
        (before, 0)
    );
    let in_order = vec![
        (Op::Create, warrant("ticket:7#assignee@user:ann")),
        (Op::Delete, warrant("ticket:7#assignee@user:ann")),
        (Op::Create, warrant("ticket:7#assignee@user:bob")),
    ];
    environment.write(Write::Warrants(in_order)).unwrap();
    assert!(
        check(&environment, "ticket:7#viewer@user:bob") && !check(&environment, "ticket:7#viewer@user:ann")
    );
}

/// Every sequence of up to four creates and deletes of one warrant in one batch does what the same writes do one by one.
#[test]
fn a_batch_does_what_its_entries_do_one_by_one() {
    let directory = tempfile::tempdir().unwrap();
    let (_registry, environment) = open(&directory);
    apply(&environment, TICKETING).unwrap();
    let text = "ticket:7#assignee@user:ann";
    for there in [false, true] {
        for (length, bits) in
            (1..=4u32).flat_map(|length| (0..1u32 << length).map(move |bits| (length, bits)))
        {
            let ops = (0..length).map(|at| {
                if bits >> at & 1 == 1 {
                    Op::Create
                } else {
                    Op::Delete
                }
            });
            let mut want = Some(there);
            for op in ops.clone() {
                want = match (want, op) {
                    (Some(_), Op::Create) => Some(true),
                    (Some(true), Op::Delete) => Some(false),
                    (None | Some(false), Op::Delete) | (None, Op::Create) => None,
                };
            }
            if there != check(&environment, text) {
                let op = if there { Op::Create } else { Op::Delete };
                environment
                    .write(Write::Warrants(vec![(op, warrant(text))]))
                    .unwrap();
            }
            let batch = ops.clone().map(|op| (op, warrant(text))).collect();
            let outcome = environment.write(Write::Warrants(batch));
            assert_eq!(
                outcome.is_ok(),
                want.is_some(),
                "{there} {:?}",
                ops.collect::<Vec<_>>()
            );
            assert_eq!(check(&environment, text), want.unwrap_or(there));
            assert_eq!(
                environment.read().graph.warrant_count(),
                usize::from(want.unwrap_or(there))
            );
        }
    }
}

#[test]
fn what_the_schema_does_not_allow_is_refused_with_the_parameter() {
    let directory = tempfile::tempdir().unwrap();
    let (_registry, environment) = open(&directory);
    apply(&environment, TICKETING).unwrap();
    for (text, parameter, part) in [
        (
            "note:7#assignee@user:ann",
            "resource_type",
            "`note` does not exist",
        ),
        (
            "ticket:7#owner@user:ann",
            "relation",
            "`owner` does not exist on resource type `ticket`",
        ),
        ("ticket:7#viewer@user:ann", "subject", "computed by its rule"),
        ("ticket:7#parent@user:ann", "subject", "allows [organization]"),
        (
            "ticket:7#assignee@team:t",
            "subject",
            "does not accept `team`; its schema allows [user, team#member]",
        ),
        ("ticket:*#assignee@user:ann", "resource_id", "on one resource"),
        ("ticket:7#assignee@team:*#member", "subject.relation", "wildcard"),
        ("ticket:a b#assignee@user:ann", "resource_id", "can only contain"),
    ] {
        match create(&environment, &[text]).unwrap_err() {
            Error::Invalid {
                parameter: got,
                message,
            } => {
                assert_eq!(got, parameter, "{text}");
                assert!(message.contains(part), "{text}: {message}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
    let long = "x".repeat(256);
    assert_eq!(
        create(&environment, &[&format!("ticket:{long}#assignee@user:ann")])
            .unwrap_err()
            .code(),
        "invalid_parameter"
    );
    let mut bad_policy = warrant("ticket:7#assignee@user:ann");
    bad_policy.policy = Some("element = 1".into());
    let error = environment
        .write(Write::Warrants(vec![(Op::Create, bad_policy)]))
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("error validating policy 'element = 1'"),
        "{error}"
    );
    assert_eq!(environment.read().graph.warrant_count(), 0);
}

#[test]
fn a_group_that_would_negate_itself_is_refused_and_so_is_a_schema_that_makes_one() {
    let directory = tempfile::tempdir().unwrap();
    let (_registry, environment) = open(&directory);
    let open_to_all = "version 0.3
type user
type room
    relation banned [user, room]
    relation guest [user]
    inherit guest if
        none_of
            relation banned
";
    apply(&environment, open_to_all).unwrap();
    let error = create(&environment, &["room:1#banned@room:2#guest"]).unwrap_err();
    assert!(error.to_string().contains("through none_of"), "{error}");
    // The other way round: the warrant first, then the schema.
    apply(&environment, &open_to_all.replace("none_of", "any_of")).unwrap();
    create(&environment, &["room:1#banned@room:2#guest"]).unwrap();
    let error = apply(&environment, open_to_all).unwrap_err();
    assert!(
        error.to_string().contains("delete those warrants first"),
        "{error}"
    );
}

#[test]
fn groups_of_one_batch_that_negate_themselves_together_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (_registry, environment) = open(&directory);
    let schema = "version 0.3
type user
type room
    relation banned [user, house]
    relation guest [user]
    inherit guest if
        none_of
            relation banned
type house
    relation member [user, room]
";
    apply(&environment, schema).unwrap();
    let (banned, member) = ("room:1#banned@house:1#member", "house:1#member@room:1#guest");
    let error = create(&environment, &[banned, member]).unwrap_err();
    assert!(error.to_string().contains("through none_of"), "{error}");
    create(&environment, &[banned]).unwrap();
    assert!(create(&environment, &[member]).is_err());
}

#[test]
fn deleting_a_resource_deletes_its_warrants_on_both_sides() {
    let directory = tempfile::tempdir().unwrap();
    let (_registry, environment) = open(&directory);
    apply(&environment, TICKETING).unwrap();
    create(
        &environment,
        &[
            "ticket:7#assignee@team:t#member",
            "team:t#member@user:ann",
            "ticket:8#assignee@user:ann",
        ],
    )
    .unwrap();
    let written = environment
        .write(Write::DeleteResources(vec![("team".into(), "t".into())]))
        .unwrap();
    assert_eq!(written.resources[0].resource_id, "t");
    assert_eq!(environment.read().graph.warrant_count(), 1);
    assert!(
        !check(&environment, "ticket:7#viewer@user:ann") && check(&environment, "ticket:8#viewer@user:ann")
    );
    let again = environment
        .write(Write::DeleteResources(vec![("team".into(), "t".into())]))
        .unwrap_err();
    assert_eq!(again.to_string(), "Resource team:t not found");
}

#[test]
fn metadata_is_kept_replaced_and_cleared() {
    let directory = tempfile::tempdir().unwrap();
    let (registry, environment) = open(&directory);
    let meta = |text: &str| serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).unwrap();
    let new = |meta| NewResource {
        resource_type: "user".into(),
        resource_id: Some("ann".into()),
        meta,
    };
    environment
        .write(Write::CreateResources(vec![new(Some(meta(r#"{"a":1}"#)))]))
        .unwrap();
    let kept = environment
        .write(Write::CreateResources(vec![new(None)]))
        .unwrap();
    assert_eq!(kept.resources[0].meta, Some(serde_json::json!({"a": 1})));
    let (resource_type, resource_id) = ("user".to_owned(), "ann".to_owned());
    let cleared = Write::UpdateResource {
        resource_type,
        resource_id,
        meta: None,
    };
    assert_eq!(environment.write(cleared).unwrap().resources[0].meta, None);
    let generated = NewResource {
        resource_type: "user".into(),
        resource_id: Some(String::new()),
        meta: None,
    };
    let written = environment
        .write(Write::CreateResources(vec![generated]))
        .unwrap();
    assert_eq!(written.resources[0].resource_id.len(), 36);
    let large = meta(&format!(r#"{{"a":"{}"}}"#, "x".repeat(50_000)));
    assert_eq!(
        environment
            .write(Write::CreateResources(vec![new(Some(large))]))
            .unwrap_err()
            .code(),
        "invalid_parameter"
    );
    registry.close().unwrap();
    let (_registry, environment) = open(&directory);
    assert_eq!(environment.read().graph.meta("user", "ann"), None);
    assert_eq!(environment.read().graph.resource_count(), 2);
}

#[test]
fn many_writers_share_flushes_and_none_is_lost() {
    let directory = tempfile::tempdir().unwrap();
    let (registry, environment) = open(&directory);
    apply(&environment, TICKETING).unwrap();
    std::thread::scope(|scope| {
        for writer in 0..16 {
            let environment = environment.clone();
            scope.spawn(move || {
                for number in 0..50 {
                    let text = format!("ticket:{writer}-{number}#assignee@user:u{writer}");
                    let written = create(&environment, &[&text]).unwrap();
                    assert!(
                        environment.read().revision() >= written.revision,
                        "an answer came before it could be read"
                    );
                    assert!(check(&environment, &text));
                }
            });
        }
    });
    assert_eq!(environment.read().graph.warrant_count(), 800);
    registry.close().unwrap();
    let (_registry, environment) = open(&directory);
    assert_eq!(environment.read().graph.warrant_count(), 800);
}

#[test]
fn tokens_name_a_revision_of_one_environment() {
    let directory = tempfile::tempdir().unwrap();
    let (registry, environment) = open(&directory);
    let other = registry.create_environment("staging").unwrap();
    let token = environment.token(environment.read().revision());
    let freshness = environment.freshness(Some(&token)).unwrap();
    assert!(environment.read_at_least(freshness).is_some());
    assert_eq!(
        other.freshness(Some(&token)).unwrap_err().code(),
        "invalid_parameter"
    );
    let future = environment.freshness(Some(&environment.token(1_000))).unwrap();
    assert_eq!(future, Freshness::AtLeast(1_000));
    assert!(environment.read_at_least(future).is_none());
    assert!(
        environment
            .from_the_future(Freshness::AtLeast(99))
            .to_string()
            .contains("later revision")
    );
}

#[test]
fn a_kept_revision_stays_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let (_registry, environment) = open(&directory);
    apply(&environment, TICKETING).unwrap();
    let published = environment.read();
    environment.pin(&published);
    create(&environment, &["ticket:7#assignee@user:ann"]).unwrap();
    let kept = environment.pinned(published.revision()).unwrap();
    assert_eq!(
        (
            kept.graph.warrant_count(),
            environment.read().graph.warrant_count()
        ),
        (0, 1)
    );
    assert!(environment.pinned(published.revision() + 100).is_none());
}

#[test]
fn keys_open_their_own_environment_until_they_are_deleted() {
    let directory = tempfile::tempdir().unwrap();
    let (registry, environment) = open(&directory);
    let staging = registry.create_environment("staging").unwrap();
    let (first, secret) = registry.create_key(&staging, "ci").unwrap();
    let (second, other) = registry.create_key(&staging, "laptop").unwrap();
    assert_eq!(registry.authenticate(&secret).unwrap().name(), "staging");
    assert!(registry.authenticate("sk_nonsense_nonsense").is_none());
    registry.delete_key(&staging, &first.id).unwrap();
    assert!(registry.authenticate(&secret).is_none());
    assert_eq!(
        registry.delete_key(&staging, &second.id).unwrap_err().code(),
        "invalid_request"
    );
    assert_eq!(
        registry.add_key(&environment, "x", "short").unwrap_err().code(),
        "invalid_parameter"
    );
    assert_eq!(
        registry.add_key(&environment, "x", &other).unwrap_err().code(),
        "duplicate_record"
    );
    registry.close().unwrap();
    let (registry, _) = open(&directory);
    assert_eq!(registry.authenticate(&other).unwrap().name(), "staging");
    registry.delete_environment("staging").unwrap();
    assert!(registry.authenticate(&other).is_none());
    assert_eq!(
        registry.delete_environment("default").unwrap_err().code(),
        "invalid_request"
    );
}

#[test]
fn a_second_server_on_the_same_store_is_told_so() {
    let directory = tempfile::tempdir().unwrap();
    let (_registry, _environment) = open(&directory);
    let error = Registry::open(directory.path()).err().unwrap();
    assert_eq!(error.code(), "store_locked");
}

/// Writes to an environment that was deleted share a flush with others; those must not suffer.
#[test]
fn a_deleted_environment_fails_its_own_writes_and_no_others() {
    let directory = tempfile::tempdir().unwrap();
    let (registry, environment) = open(&directory);
    let gone = registry.create_environment("gone").unwrap();
    apply(&environment, TICKETING).unwrap();
    apply(&gone, TICKETING).unwrap();
    registry.delete_environment("gone").unwrap();
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let (environment, gone) = (environment.clone(), gone.clone());
            scope.spawn(move || {
                for number in 0..40 {
                    let text = format!("ticket:{writer}-{number}#assignee@user:u");
                    if writer % 2 == 0 {
                        create(&environment, &[&text]).unwrap();
                    } else {
                        assert_eq!(create(&gone, &[&text]).unwrap_err().code(), "environment_unknown");
                    }
                }
            });
        }
    });
    assert_eq!(environment.read().graph.warrant_count(), 160);
    assert_eq!(gone.read().graph.warrant_count(), 0);
}

#[test]
fn a_write_after_the_end_is_answered() {
    let directory = tempfile::tempdir().unwrap();
    let (registry, environment) = open(&directory);
    registry.close().unwrap();
    assert_eq!(
        create(&environment, &["user:a#parent@user:b"])
            .unwrap_err()
            .code(),
        "stopping"
    );
}
