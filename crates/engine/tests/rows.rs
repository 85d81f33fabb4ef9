//! Decisions about resources that are rows, read one round after the other, against the reference evaluator that knows all rows.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rowgate_engine::rows::{Attributes, Rows};
use rowgate_engine::{Ambient, Check, EngineError, Program, Subject, Value, View};
use rowgate_graph::{Graph, Tuple};
use rowgate_policy::{Context, Timestamp};
use rowgate_testkit as kit;

const NOW: i64 = 1_700_000_000_000_000;

/// A world of which some types are rows, as the engine meets it: the warrants in memory, and a "database" with the rows.
struct Split {
    graph: Graph,
    program: Program,
    bound: kit::Bound,
    attributes: BTreeMap<String, Arc<[String]>>,
    /// The edges of each row.
    edges: BTreeMap<kit::Resource, Vec<kit::Warrant>>,
}

fn tuple(warrant: &kit::Warrant) -> Tuple<'_> {
    Tuple {
        resource_type: &warrant.resource.resource_type,
        resource_id: &warrant.resource.id,
        relation: &warrant.relation,
        subject_type: &warrant.subject.resource_type,
        subject_id: &warrant.subject.id,
        subject_relation: warrant.subject.relation.as_deref(),
        policy: warrant.policy.as_deref(),
    }
}

impl Split {
    fn new(world: &kit::World, bound: kit::Bound) -> Self {
        let (model, _) = rowgate_schema::resolve(world.schema.clone()).unwrap();
        let mut graph = Graph::default();
        let program = Program::compile(&model, &mut graph).unwrap();
        for (resource, meta) in &world.resources {
            graph
                .put_resource(&resource.resource_type, &resource.id, meta.clone(), 0)
                .unwrap();
        }
        let mut edges: BTreeMap<kit::Resource, Vec<kit::Warrant>> = BTreeMap::new();
        for warrant in &world.warrants {
            let is_row =
                bound.types.contains_key(&warrant.resource.resource_type) && warrant.policy.is_none();
            if is_row {
                // A bound relation is one that the schema declares, so the graph knows its name before any row is read.
                graph.intern(&warrant.relation).unwrap();
                if let Some(relation) = &warrant.subject.relation {
                    graph.intern(relation).unwrap();
                }
                edges
                    .entry(warrant.resource.clone())
                    .or_default()
                    .push(warrant.clone());
            } else {
                graph.create_warrant(&tuple(warrant), warrant.created_at).unwrap();
            }
        }
        let attributes = bound
            .types
            .iter()
            .map(|(name, attributes)| (name.clone(), attributes.iter().cloned().collect()))
            .collect();
        Self {
            graph,
            program,
            bound,
            attributes,
            edges,
        }
    }

    /// Asks until nothing is unread. Returns the answer and what was read.
    fn ask<T>(&self, ask: impl Fn(&View<'_>) -> Result<T, EngineError>) -> (T, BTreeSet<(String, String)>) {
        let mut read: BTreeSet<(String, String)> = BTreeSet::new();
        loop {
            let mut graph = Graph::from_snapshot(self.graph.state().clone());
            let mut rows = Rows::unread(graph.state(), self.bound.types.keys().map(String::as_str));
            for (resource_type, id) in &read {
                let resource = kit::Resource::new(resource_type.as_str(), id.as_str());
                let object = graph.ensure_resource(resource_type, id, 0).unwrap();
                let row = self.bound.rows.get(&resource);
                rows.put(object, row.map(|values| self.row(resource_type, values)));
                for edge in self
                    .edges
                    .get(&resource)
                    .into_iter()
                    .flatten()
                    .filter(|_| row.is_some())
                {
                    graph.create_warrant(&tuple(edge), 0).unwrap();
                }
            }
            let state = graph.snapshot();
            match ask(&View::new(&self.program, &state).with_rows(&rows)) {
                Ok(answer) => return (answer, read),
                Err(EngineError::Unread(needed)) => {
                    let before = read.len();
                    read.extend(needed);
                    assert!(read.len() > before, "asked again for what it has");
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn row(&self, resource_type: &str, values: &Context) -> Attributes {
        Attributes {
            names: Arc::clone(&self.attributes[resource_type]),
            values: values.clone(),
        }
    }
}

/// Binds some types of a world; of each, most resources have rows.
fn bind(world: &kit::World, seed: u64) -> kit::Bound {
    let mut numbers = kit::sample::Numbers::new(seed ^ 0xb0);
    let mut bound = kit::Bound::default();
    let names: BTreeSet<String> = world
        .schema
        .policies
        .iter()
        .flat_map(|policy| {
            policy
                .parameters
                .iter()
                .map(|parameter| parameter.name.text.clone())
        })
        .collect();
    for name in world.types() {
        if numbers.chance(50) {
            let attributes = names.iter().filter(|_| numbers.chance(50)).cloned().collect();
            bound.types.insert(name.to_owned(), attributes);
        }
    }
    for (number, resource) in world.existing().into_iter().enumerate() {
        let Some(attributes) = bound.types.get(&resource.resource_type) else {
            continue;
        };
        if numbers.chance(85) {
            let values = kit::sample_context(seed.wrapping_mul(31) + number as u64);
            let values = values
                .into_iter()
                .filter(|(name, _)| attributes.contains(name))
                .collect();
            bound.rows.insert(resource, values);
        }
    }
    bound
}

fn value(value: kit::Value) -> Value {
    match value {
        kit::Value::False => Value::False,
        kit::Value::Unknown => Value::Unknown,
        kit::Value::True => Value::True,
    }
}

#[test]
fn agrees_with_the_evaluator_that_knows_all_rows() {
    let worlds: u64 = std::env::var("ROWGATE_ORACLE_WORLDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(400);
    let (mut asked, mut granted, mut read_rows) = (0, 0, 0);
    for seed in 0..worlds {
        let world = kit::World::sample(5_000_000 + seed, 5 + (seed % 30) as u32);
        let context = kit::sample_context(seed);
        let split = Split::new(&world, bind(&world, seed));
        let oracle = kit::Oracle::new(&world, &context, NOW).with_bound(split.bound.clone());
        let ambient = Ambient {
            context: &context,
            claims: None,
            now: Timestamp(NOW),
        };
        let subjects: Vec<kit::Subject> = world.all_subjects().into_iter().collect();
        let Some(who) = subjects.get(seed as usize % subjects.len().max(1)) else {
            continue;
        };
        let pairs: Vec<_> = world.all_pairs().into_iter().collect();
        let expected = oracle.holds_many(&pairs, who.clone());
        for ((resource, relation), expected) in pairs.iter().zip(expected) {
            let check = Check {
                resource_type: &resource.resource_type,
                resource_id: &resource.id,
                relation,
                subject: Subject {
                    resource_type: &who.resource_type,
                    id: &who.id,
                    relation: who.relation.as_deref(),
                },
            };
            let expected = value(expected.unwrap());
            let (decision, read) = split.ask(|view| view.check(&check, &ambient));
            let (tree, _) = split.ask(|view| view.explain(&check, &ambient, &|| 0));
            let scenario = || format!("seed {seed}: {check}\n{world:?}\n{:?}", split.bound);
            assert_eq!(decision.value, expected, "{}", scenario());
            assert_eq!(tree.root.value, expected, "{}", scenario());
            if expected == Value::Unknown {
                let missing = oracle
                    .missing_keys(resource.clone(), relation, who.clone())
                    .unwrap();
                assert!(missing.iter().eq(decision.missing.iter()), "{}", scenario());
            }
            asked += 1;
            granted += usize::from(expected == Value::True);
            read_rows += read.len();
        }
    }
    println!("{asked} questions, {granted} granted, {read_rows} rows read");
    assert!(
        granted > asked / 100 && read_rows > asked / 10,
        "the worlds say too little"
    );
}

#[test]
fn a_row_that_is_not_needed_is_not_read() {
    let world = kit::World::default()
        .relation("doc", "viewer")
        .warrant("doc:d#viewer@user:ann")
        .warrant("group:g#member@user:ann");
    let bound = kit::Bound {
        types: BTreeMap::from([("doc".to_owned(), BTreeSet::new())]),
        rows: BTreeMap::from([(kit::Resource::new("doc", "d"), Context::new())]),
    };
    let split = Split::new(&world, bound);
    let context = Context::new();
    let ambient = Ambient {
        context: &context,
        claims: None,
        now: Timestamp(0),
    };
    let check = |resource_type, resource_id, relation| Check {
        resource_type,
        resource_id,
        relation,
        subject: Subject {
            resource_type: "user",
            id: "ann",
            relation: None,
        },
    };
    let (decision, read) = split.ask(|view| view.check(&check("doc", "d", "viewer"), &ambient));
    assert_eq!((decision.value, read.len()), (Value::True, 1));
    let (decision, read) = split.ask(|view| view.check(&check("doc", "gone", "viewer"), &ambient));
    assert_eq!((decision.value, read.len()), (Value::False, 1));
    let (tree, _) = split.ask(|view| view.explain(&check("doc", "gone", "viewer"), &ambient, &|| 0));
    assert_eq!(
        tree.root.reason.as_deref(),
        Some("there is no row for `doc:gone`")
    );
}
