//! Batch, any_of and all_of requests over HTTP against the naive reference evaluator, on sampled worlds that come in by
//! import as an export would bring them.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fmt::Write as _;

use rowgate_testkit as kit;
use serde_json::{Value, json};
use support::Served;

/// The lines of an export of the world.
fn lines(world: &kit::World) -> String {
    let mut out = String::new();
    let mut line = |value: Value| writeln!(out, "{value}").unwrap();
    line(json!({"rowgate_export": 1}));
    line(json!({"schema": rowgate_schema::to_json(&world.schema)}));
    for (resource, meta) in &world.resources {
        let mut body = json!({"resource_type": resource.resource_type, "resource_id": resource.id});
        if let Some(meta) = meta {
            body["meta"] = meta.clone();
        }
        line(json!({ "resource": body }));
    }
    for warrant in &world.warrants {
        let created = std::time::Duration::from_micros(warrant.created_at.unsigned_abs());
        let created = jiff::Timestamp::UNIX_EPOCH + created;
        line(json!({"warrant": {
            "resource_type": warrant.resource.resource_type,
            "resource_id": warrant.resource.id,
            "relation": warrant.relation,
            "subject": subject(&warrant.subject),
            "policy": warrant.policy,
            "created_at": created.to_string(),
            "leftover": true,
        }}));
    }
    out
}

fn subject(who: &kit::Subject) -> Value {
    json!({"resource_type": who.resource_type, "resource_id": who.id, "relation": who.relation})
}

#[test]
fn batches_answer_what_the_reference_evaluator_answers() {
    let served = Served::start();
    let mut asked = 0;
    for seed in 0..40 {
        let world = kit::World::sample(7_000 + seed, 12 + (seed % 25) as u32);
        let context = kit::sample::sample_context(seed);
        let oracle = kit::Oracle::new(&world, &context, 0);
        served
            .send(
                "POST",
                "/rowgate/v1/import",
                &[("Authorization", &format!("Bearer {}", served.key))],
                Some(lines(&world).as_bytes()),
            )
            .ok();
        let mut questions = Vec::new();
        let mut expected = Vec::new();
        let pairs: Vec<_> = world.all_pairs().into_iter().collect();
        for who in world.all_subjects().into_iter().step_by(4) {
            for ((resource, relation), value) in pairs.iter().zip(oracle.holds_many(&pairs, who.clone())) {
                let Ok(value) = value else { continue };
                questions.push(json!({
                    "resource_type": resource.resource_type,
                    "resource_id": resource.id,
                    "relation": relation,
                    "subject": subject(&who),
                    "context": context,
                }));
                expected.push(value == kit::Value::True);
            }
        }
        for (checks, expected) in questions.chunks(100).zip(expected.chunks(100)).take(4) {
            let check = |op: &str| {
                served
                    .call_as(
                        &served.key,
                        "POST",
                        "/fga/v1/check",
                        Some(&json!({"op": op, "checks": checks})),
                    )
                    .ok()
            };
            let granted = |answer: &Value| answer["result"] == "authorized";
            let answers: Vec<bool> = check("batch").as_array().unwrap().iter().map(granted).collect();
            assert_eq!(answers, expected, "seed {seed}");
            assert_eq!(
                granted(&check("any_of")),
                expected.contains(&true),
                "any_of, seed {seed}"
            );
            assert_eq!(
                granted(&check("all_of")),
                !expected.contains(&false),
                "all_of, seed {seed}"
            );
            asked += checks.len();
        }
        // The next world begins with nothing.
        for resource in world.existing() {
            let path = format!("/fga/v1/resources/{}/{}", resource.resource_type, resource.id);
            served.call_as(&served.key, "DELETE", &path, None).ok_empty();
        }
    }
    println!("{asked} checks in batches");
    assert!(asked > 4_000, "only {asked} checks were compared");
}
