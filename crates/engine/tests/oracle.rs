//! The engine against the naive reference evaluator, on generated worlds: every check, both forms of query in every order
//! and direction, reported warrants, missing keys, and decision trees.
//!
//! `ROWGATE_ORACLE_WORLDS=100000 cargo test --release -p rowgate-engine --test oracle` is the long run.

mod common;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rowgate_testkit as kit;

fn worlds(default: u64) -> u64 {
    std::env::var("ROWGATE_ORACLE_WORLDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

/// Shrinks to the smallest world that differs and prints it as a scenario.
fn run(strategy: impl Strategy<Value = kit::World>, cases: u64) {
    let config = Config {
        cases: cases as u32,
        max_shrink_iters: 20_000,
        failure_persistence: None,
        ..Config::default()
    };
    let asked = std::cell::Cell::new(0);
    let mut runner = TestRunner::new(config);
    let outcome = runner.run(
        &(strategy, kit::generate::context()),
        |(world, context)| match common::compare(&world, &context) {
            Ok(count) => {
                asked.set(asked.get() + count);
                Ok(())
            }
            Err(difference) => Err(TestCaseError::fail(common::scenario(
                &world,
                &context,
                &difference,
            ))),
        },
    );
    if let Err(error) = outcome {
        panic!("{error}");
    }
    println!("{} questions about {cases} worlds", asked.get());
}

#[test]
fn agrees_on_generated_worlds() {
    run(kit::generate::world(), worlds(300));
}

#[test]
fn agrees_where_it_must_on_worlds_broken_by_their_data() {
    run(kit::generate::world_maybe_broken_by_data(), worlds(300) / 3);
}

/// Cheaper per world than the shrinking runs, so many more of them.
#[test]
fn agrees_on_sampled_worlds() {
    let mut asked = 0;
    for seed in 0..worlds(300) {
        let world = kit::World::sample(seed, 10 + (seed % 40) as u32);
        let context = kit::sample::sample_context(seed);
        match common::compare(&world, &context) {
            Ok(count) => asked += count,
            Err(difference) => panic!("seed {seed}\n{}", common::scenario(&world, &context, &difference)),
        }
    }
    println!("{asked} questions");
    assert!(
        asked >= 100_000 || worlds(300) < 300,
        "only {asked} questions were compared"
    );
}

/// A hundred thousand worlds of a few warrants each, one subject in each: the small ones find most of what there is to find.
#[test]
fn agrees_on_a_hundred_thousand_small_worlds() {
    let worlds = worlds(300) * 100_000 / 300;
    let mut asked = 0;
    for seed in 0..worlds {
        let world = kit::World::sample(1_000_000 + seed, (seed % 9) as u32);
        let context = kit::sample::sample_context(seed);
        match common::compare_one_subject(&world, &context, seed) {
            Ok(count) => asked += count,
            Err(difference) => panic!("seed {seed}\n{}", common::scenario(&world, &context, &difference)),
        }
    }
    println!("{asked} questions about {worlds} worlds");
}
