//! `rowgate.check` against the naive reference evaluator, on sampled worlds.
#![allow(clippy::unwrap_used, reason = "tests may say what must hold by panicking")]

mod common;

use common::*;
use postgres::Client;
use rowgate_pgtest::versions;
use rowgate_store::{Change, Commit, Revision, Store, Warrant, WarrantKey};
use rowgate_testkit as kit;

const WORLDS: u64 = 25;

fn changes(world: &kit::World) -> Vec<Change> {
    let json = rowgate_schema::to_json(&world.schema).to_string();
    let warrants = world.warrants.iter().map(|warrant| {
        Change::CreateWarrant(Warrant {
            key: WarrantKey {
                resource_type: warrant.resource.resource_type.clone(),
                resource_id: warrant.resource.id.clone(),
                relation: warrant.relation.clone(),
                subject_type: warrant.subject.resource_type.clone(),
                subject_id: warrant.subject.id.clone(),
                subject_relation: warrant.subject.relation.clone(),
                policy: warrant.policy.clone(),
            },
            created_at: warrant.created_at,
        })
    });
    std::iter::once(Change::Schema { json }).chain(warrants).collect()
}

/// Yes, no, or that a policy would have to be evaluated.
fn check(
    client: &mut Client,
    environment: &str,
    pair: &(kit::Resource, String),
    who: &kit::Subject,
) -> Option<bool> {
    let (resource, relation) = pair;
    let subject = match &who.relation {
        Some(relation) => format!("{}:{}#{relation}", who.resource_type, who.id),
        None => format!("{}:{}", who.resource_type, who.id),
    };
    let resource = format!("{}:{}", resource.resource_type, resource.id);
    let sql = "select rowgate.check($1, $2, $3, $4)";
    match client.query_one(sql, &[&resource, relation, &subject, &environment]) {
        Ok(row) => Some(row.get(0)),
        Err(error) => {
            let code = error.code().map(postgres::error::SqlState::code);
            assert_eq!(code, Some("0A000"), "{resource}#{relation}@{subject}: {error:?}");
            None
        }
    }
}

/// Where the answer does not depend on a policy it is that of the reference evaluator, whatever the context; where it does, there is none.
#[test]
fn check_answers_what_the_reference_evaluator_answers() {
    for version in versions() {
        let database = pg::installed(version, "oracle");
        let store = pg::store(&database);
        let mut app = database.client_as("rg_app");
        let (mut yes, mut no, mut open) = (0, 0, 0);
        for seed in 0..WORLDS {
            let world = kit::World::sample(31_000 + seed, 8 + (seed % 20) as u32);
            let name = format!("world-{seed}");
            let environment = create_environment(&store, &name);
            let commit = Commit {
                environment,
                revision: Revision::from_u64(1),
                at: 1,
                changes: changes(&world),
            };
            store.append(&[commit]).unwrap();
            let has_policies = !world.schema.policies.is_empty()
                || world.warrants.iter().any(|warrant| warrant.policy.is_some());
            let oracles: Vec<kit::Oracle> = (0..3)
                .map(|context| kit::Oracle::new(&world, &kit::sample_context(seed * 3 + context), 0))
                .collect();
            let pairs: Vec<_> = world.all_pairs().into_iter().collect();
            for who in world.all_subjects().into_iter().step_by(3).take(24) {
                let expected: Vec<Vec<_>> = oracles
                    .iter()
                    .map(|oracle| oracle.holds_many(&pairs, who.clone()))
                    .collect();
                for (at, pair) in pairs.iter().enumerate() {
                    if expected.iter().any(|of| of[at].is_err()) {
                        continue;
                    }
                    // Nearly everything is a no: all that is not one is asked, and a part of the rest.
                    let plain = expected.iter().all(|of| of[at] == Ok(kit::Value::False));
                    if plain && !at.is_multiple_of(9) {
                        continue;
                    }
                    let found = check(&mut app, &name, pair, &who);
                    match found {
                        Some(true) => yes += 1,
                        Some(false) => no += 1,
                        None => open += 1,
                    }
                    let Some(found) = found else {
                        assert!(has_policies, "{pair:?} {who:?} of {world:?}");
                        continue;
                    };
                    for of in &expected {
                        let value = of[at].as_ref().unwrap();
                        let same = if found {
                            *value == kit::Value::True
                        } else {
                            *value == kit::Value::False
                        };
                        assert!(
                            same,
                            "seed {seed}: {pair:?} {who:?}: {found} and {value:?} in {world:?}"
                        );
                    }
                }
            }
        }
        println!("PostgreSQL {version}: {yes} yes, {no} no, {open} depend on a policy");
        assert!(yes > 200 && no > 200);
    }
}
