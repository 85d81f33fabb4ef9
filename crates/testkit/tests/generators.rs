//! The generators make what they promise.

mod common;
use common::{False, True, Unknown};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rowgate_schema::ast::{GroupOp, Rule};
use rowgate_testkit::expressions::{AtomPlan, ExpressionPlan, KEYS};
use rowgate_testkit::scenario_dump::{Expectation, dump};
use rowgate_testkit::{Names, Oracle, Resource, Subject, Value, World, generate, sample_context};
use std::collections::{BTreeMap, BTreeSet};

fn errors_of(world: &World) -> Vec<String> {
    match rowgate_schema::resolve(world.schema.clone()) {
        Ok(_) => Vec::new(),
        Err(found) => found
            .iter()
            .filter(|d| d.is_error())
            .map(|d| format!("{}: {}", d.code, d.message))
            .collect(),
    }
}

fn negates(rule: &Rule) -> bool {
    match rule {
        Rule::Group { op, rules, .. } => *op == GroupOp::NoneOf || rules.iter().any(negates),
        _ => false,
    }
}

fn has_negation(world: &World) -> bool {
    world
        .schema
        .types
        .iter()
        .flat_map(|t| &t.relations)
        .filter_map(|r| r.rule.as_ref())
        .any(negates)
}

#[test]
fn every_atom_compiles_in_a_schema_and_on_a_warrant() {
    for atom in 0..ExpressionPlan::ATOMS {
        for negated in [false, true] {
            let plan = ExpressionPlan(vec![
                AtomPlan {
                    atom,
                    negated,
                    or: false,
                },
                AtomPlan {
                    atom: 0,
                    negated: true,
                    or: true,
                },
                AtomPlan {
                    atom,
                    negated,
                    or: false,
                },
            ]);
            let text = plan.for_warrant();
            rowgate_policy::Policy::compile_warrant(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
            let (text, params) = plan.for_schema();
            let params: Vec<_> = params
                .iter()
                .map(|(k, ty)| rowgate_policy::Param::new(*k, *ty))
                .collect();
            rowgate_policy::Policy::compile_schema(&params, &text).unwrap_or_else(|e| panic!("{text}: {e}"));
        }
    }
}

#[test]
fn a_seed_is_a_world_for_ever() {
    assert_eq!(World::sample(7, 40), World::sample(7, 40));
    assert_ne!(World::sample(7, 40), World::sample(8, 40));
    assert_eq!(sample_context(7), sample_context(7));
}

#[test]
fn samples_are_stratified_and_their_schemas_are_accepted() {
    for seed in 0..300 {
        let world = World::sample(seed, 30);
        assert!(Oracle::new(&world, &sample_context(seed), 0).is_stratified());
        assert_eq!(
            errors_of(&world),
            [""; 0],
            "seed {seed}:\n{}",
            rowgate_schema::format(&world.schema)
        );
    }
}

#[test]
fn samples_reach_every_corner() {
    let mut values: BTreeMap<Value, usize> = BTreeMap::new();
    let (mut negations, mut refused, mut wildcard_rows, mut groups, mut gone, mut missing) =
        (0, 0, 0, 0, 0, 0);
    for seed in 0..40 {
        let world = World::sample(seed, 30);
        let oracle = Oracle::new(&world, &sample_context(seed), 0);
        negations += usize::from(has_negation(&world));
        groups += world
            .warrants
            .iter()
            .filter(|w| w.subject.relation.is_some())
            .count();
        gone += world
            .warrants
            .iter()
            .filter(|w| w.subject.resource_type == "gone")
            .count();
        let accepted =
            |w: &&rowgate_testkit::Warrant| world.accepts(&w.resource.resource_type, &w.relation, &w.subject);
        refused += world.warrants.len() - world.warrants.iter().filter(accepted).count();
        let pairs = world.all_pairs();
        for subject in world.all_subjects().iter().step_by(9) {
            for value in oracle.holds_many(&pairs, subject) {
                *values.entry(value.expect("samples are stratified")).or_default() += 1;
            }
            missing += oracle
                .missing_where(subject, &Names::All, &Names::All, false)
                .len();
        }
        for (resource, _) in pairs.iter().step_by(23) {
            let rows = oracle.query_for(resource, &Names::All, &Names::All, false);
            wildcard_rows += rows.iter().filter(|row| row.id == "*").count();
        }
    }
    println!("{values:?} {negations} {refused} {wildcard_rows} {groups} {gone} {missing}");
    for value in [False, Unknown, True] {
        let share = values[&value] as f64 / values.values().sum::<usize>() as f64;
        assert!(share > 0.02, "{value} is {share} of all answers: {values:?}");
    }
    assert!(negations > 10, "{negations} worlds of 40 negate something");
    assert!(refused > 40 && wildcard_rows > 10 && groups > 150 && gone > 0 && missing > 20);
}

#[test]
fn a_large_sample_has_as_many_warrants_as_asked_for_or_a_little_fewer() {
    let world = World::sample(1, 2000);
    assert!(world.warrants.len() > 1000, "{}", world.warrants.len());
}

#[test]
fn a_world_survives_being_saved() {
    for seed in 0..50 {
        let world = World::sample(seed, 20);
        let saved = serde_json::to_string(&world).unwrap();
        assert_eq!(serde_json::from_str::<World>(&saved).unwrap(), world, "{saved}");
    }
}

#[test]
fn a_failing_world_shrinks_to_next_to_nothing() {
    // "No wildcard warrant" fails with one; the smallest such world has one warrant.
    let mut runner = TestRunner::deterministic();
    let fails = |world: &World| world.warrants.iter().any(|w| w.subject.is_wildcard());
    let mut tree = loop {
        let tree = generate::world().new_tree(&mut runner).unwrap();
        if fails(&tree.current()) {
            break tree;
        }
    };
    let mut smallest = tree.current();
    let mut more = tree.simplify();
    while more {
        let current = tree.current();
        let failed = fails(&current);
        if failed {
            smallest = current;
        }
        more = if failed {
            tree.simplify()
        } else {
            tree.complicate()
        };
    }
    assert_eq!(smallest.warrants.len(), 1, "{smallest:#?}");
    assert_eq!(smallest.schema.types.len(), 2, "{smallest:#?}");
    assert!(smallest.schema.policies.is_empty(), "{smallest:#?}");
}

#[test]
fn a_dump_is_readable() {
    use rowgate_testkit::builder::rel;
    let world = World::default()
        .with_type("user")
        .restricted("doc", "editor", &["user"])
        .rule("doc", "viewer", rel("editor"))
        .resource("doc:d", Some(serde_json::json!({"s": "x"})))
        .warrant("doc:d#editor@user:ann")
        .warrant_if("doc:d#viewer@user:*", "s == 'x'");
    let expectation = Expectation {
        question: "doc:d#viewer@user:ann".to_owned(),
        expected: True.to_string(),
        actual: False.to_string(),
    };
    let schema: String = rowgate_schema::format(&world.schema)
        .lines()
        .map(|l| format!("  {l}").trim_end().to_owned() + "\n")
        .collect();
    assert_eq!(
        dump(&world, &common::context(r#"{"s": "y"}"#), 0, &[expectation]),
        format!(
            "schema: |\n{schema}resources:\n  - 'doc:d {{\"s\":\"x\"}}'\nwarrants:\n  - 'doc:d#editor@user:ann'\n  \
             - 'doc:d#viewer@user:* [s == ''x'']'\ncontext: {{\"s\":\"y\"}}\nnow: 0\nexpect:\n  \
             - question: 'doc:d#viewer@user:ann'\n    expected: 'true'\n    actual: 'false'\n"
        )
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn generated_worlds_keep_to_their_bounds(world in generate::world(), context in generate::context()) {
        prop_assert!((2..=5).contains(&world.schema.types.len()));
        prop_assert!(world.schema.types.iter().all(|t| (1..=5).contains(&t.relations.len())));
        prop_assert!(world.schema.policies.len() <= 3);
        prop_assert!(world.warrants.len() <= 40);
        prop_assert!(context.keys().all(|key| KEYS.iter().any(|(k, _)| k == key)));
        prop_assert_eq!(errors_of(&world), Vec::<String>::new());
        prop_assert!(Oracle::new(&world, &context, 0).is_stratified());
        let tuples: BTreeSet<_> = world.warrants.iter().map(ToString::to_string).collect();
        prop_assert_eq!(tuples.len(), world.warrants.len(), "no warrant is stored twice");
        prop_assert!(world.warrants.iter().all(|w| w.resource.id != "*"));
        prop_assert!(world.warrants.iter().all(|w| w.subject.id != "*" || w.subject.relation.is_none()));
    }

    #[test]
    fn data_may_break_a_schema_that_is_accepted(world in generate::world_maybe_broken_by_data()) {
        prop_assert_eq!(errors_of(&world), Vec::<String>::new());
    }

    /// What must hold between the oracle's own answers.
    #[test]
    fn answers_agree_with_each_other(world in generate::world_maybe_unstratified(), context in generate::context()) {
        let oracle = Oracle::new(&world, &context, 0);
        let pairs = world.all_pairs();
        let existing = world.existing();
        for subject in world.all_subjects().iter().step_by(7) {
            let rows = oracle.query_where(subject, &Names::All, &Names::All, false);
            let explicit = oracle.query_where(subject, &Names::All, &Names::All, true);
            prop_assert!(explicit.iter().all(|row| !row.is_implicit));
            for ((resource, relation), value) in pairs.iter().zip(oracle.holds_many(&pairs, subject)) {
                let listed = rows.iter().any(|row| {
                    row.resource_type == resource.resource_type && row.id == resource.id && row.relation == *relation
                });
                let declared = world.relations_of(&resource.resource_type).any(|r| r.name.text == *relation);
                prop_assert_eq!(listed, value == Ok(True) && declared && existing.contains(resource));
            }
        }
    }

    /// The shorthand loses nobody and adds nobody.
    #[test]
    fn rows_for_a_resource_are_the_subjects_that_hold(world in generate::world(), context in generate::context()) {
        let oracle = Oracle::new(&world, &context, 0);
        for resource in world.existing().iter().filter(|x| x.resource_type != "gone").step_by(5) {
            let rows = oracle.query_for(resource, &Names::All, &Names::All, false);
            let has = |subject: &Resource, relation: &str| rows.iter().any(|row| {
                row.resource_type == subject.resource_type && row.id == subject.id && row.relation == relation
            });
            for subject in world.existing().iter().filter(|x| x.resource_type != "gone") {
                let everybody = Subject::wildcard(&subject.resource_type).resource();
                for relation in world.relations_of(&resource.resource_type) {
                    let relation = &relation.name.text;
                    let holds = oracle.holds(resource, relation, subject.as_subject()) == Ok(True);
                    prop_assert_eq!(has(subject, relation) || has(&everybody, relation), holds);
                }
            }
        }
    }
}
