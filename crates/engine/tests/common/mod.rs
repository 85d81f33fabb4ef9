//! A world of the testkit in the engine, and every question about it compared with the oracle.

// Each test binary uses its own part of this.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rowgate_engine::explain::{Node, Step};
use rowgate_engine::query::page::{Order, Page, RowKey};
use rowgate_engine::query::text::{Names, Query, Reference, Select};
use rowgate_engine::{Ambient, Check, Program, Subject, Value, View};
use rowgate_graph::{Graph, Snapshot, Tuple};
use rowgate_policy::{Context, Timestamp};
use rowgate_testkit as kit;

pub const NOW: i64 = 1_700_000_000_000_000;

pub struct Loaded {
    pub program: Program,
    pub graph: Snapshot,
}

/// Puts a world into a graph in the order in which it would have been written.
pub fn load(world: &kit::World) -> Loaded {
    let (model, _) = rowgate_schema::resolve(world.schema.clone()).unwrap_or_else(|errors| {
        panic!(
            "the generated schema has errors: {errors:?}\n{}",
            rowgate_schema::format(&world.schema)
        )
    });
    let mut graph = Graph::default();
    let program = Program::compile(&model, &mut graph).unwrap();
    for (resource, meta) in &world.resources {
        graph
            .put_resource(&resource.resource_type, &resource.id, meta.clone(), 0)
            .unwrap();
    }
    for warrant in &world.warrants {
        graph.create_warrant(&tuple(warrant), warrant.created_at).unwrap();
    }
    Loaded {
        program,
        graph: graph.snapshot(),
    }
}

pub fn tuple(warrant: &kit::Warrant) -> Tuple<'_> {
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

pub fn subject(subject: &kit::Subject) -> Subject<'_> {
    Subject {
        resource_type: &subject.resource_type,
        id: &subject.id,
        relation: subject.relation.as_deref(),
    }
}

fn value(value: kit::Value) -> Value {
    match value {
        kit::Value::False => Value::False,
        kit::Value::Unknown => Value::Unknown,
        kit::Value::True => Value::True,
    }
}

/// A difference between the engine and the oracle.
#[derive(Debug)]
pub struct Difference {
    pub question: String,
    pub expected: String,
    pub actual: String,
}

/// Compares every question about a world. Returns how many were asked, or the first difference.
pub fn compare(world: &kit::World, context: &Context) -> Result<usize, Difference> {
    let loaded = load(world);
    let view = View::new(&loaded.program, &loaded.graph);
    let oracle = kit::Oracle::new(world, context, NOW);
    let ambient = Ambient {
        context,
        claims: None,
        now: Timestamp(NOW),
    };
    let subjects = some(world.all_subjects().into_iter());
    let mut asked = checks(world, &subjects, &view, &oracle, &ambient)?;
    if oracle.is_stratified() {
        asked += queries(world, &view, &oracle, &ambient)?;
    }
    Ok(asked)
}

fn differ(question: String, expected: impl std::fmt::Debug, actual: impl std::fmt::Debug) -> Difference {
    Difference {
        question,
        expected: format!("{expected:?}"),
        actual: format!("{actual:?}"),
    }
}

/// Compares the checks of one subject, which costs the oracle one fixpoint.
pub fn compare_one_subject(world: &kit::World, context: &Context, pick: u64) -> Result<usize, Difference> {
    let loaded = load(world);
    let view = View::new(&loaded.program, &loaded.graph);
    let oracle = kit::Oracle::new(world, context, NOW);
    let ambient = Ambient {
        context,
        claims: None,
        now: Timestamp(NOW),
    };
    let subjects: Vec<kit::Subject> = world.all_subjects().into_iter().collect();
    let one = pick as usize % subjects.len().max(1);
    checks(
        world,
        subjects.get(one..=one).unwrap_or(&[]),
        &view,
        &oracle,
        &ambient,
    )
}

fn checks(
    world: &kit::World,
    subjects: &[kit::Subject],
    view: &View<'_>,
    oracle: &kit::Oracle,
    ambient: &Ambient<'_>,
) -> Result<usize, Difference> {
    let pairs: Vec<_> = world.all_pairs().into_iter().collect();
    let mut asked = 0;
    for who in subjects {
        let expected = oracle.holds_many(&pairs, who.clone());
        for ((resource, relation), expected) in pairs.iter().zip(expected) {
            let check = Check {
                resource_type: &resource.resource_type,
                resource_id: &resource.id,
                relation,
                subject: subject(who),
            };
            let decision = view.check(&check, ambient).unwrap();
            asked += 1;
            let Ok(expected) = expected else {
                // Unstratified data: anything but a crash, as long as nothing is granted through the paradox. What may be
                // granted by another way the oracle does not say.
                continue;
            };
            let expected = value(expected);
            if decision.value != expected {
                return Err(differ(check.to_string(), expected, decision.value));
            }
            // Some of these: each costs the oracle a fixpoint of its own.
            if decision.is_implicit && expected != Value::True {
                return Err(differ(format!("is_implicit of {check}"), false, true));
            }
            if expected == Value::True && asked % 4 == 0 {
                let implicit = oracle
                    .is_implicit_check(resource.clone(), relation, who.clone())
                    .unwrap();
                if decision.is_implicit != implicit {
                    return Err(differ(
                        format!("is_implicit of {check}"),
                        implicit,
                        decision.is_implicit,
                    ));
                }
            }
            if expected == Value::Unknown && asked % 4 == 0 {
                let missing = oracle
                    .missing_keys(resource.clone(), relation, who.clone())
                    .unwrap();
                if !missing.iter().eq(decision.missing.iter()) {
                    return Err(differ(
                        format!("missing keys of {check}"),
                        missing,
                        decision.missing,
                    ));
                }
            }
            // A sixteenth of the trees: they are large.
            if asked % 16 == 0 {
                let explanation = view.explain(&check, ambient, &|| 0).unwrap();
                if explanation.root.value != expected {
                    return Err(differ(
                        format!("explain {check}"),
                        expected,
                        explanation.root.value,
                    ));
                }
                sound(&explanation.root)
                    .map_err(|what| differ(format!("tree of {check}"), "a sound tree", what))?;
            }
        }
    }
    Ok(asked)
}

/// What must be true of every node: a yes shows something that holds, a no shows nothing that does.
fn sound(node: &Node) -> Result<(), String> {
    let holds = |node: &Node| node.value == Value::True;
    let leaf = node.children.is_empty();
    match &node.step {
        Step::Check(words) if !leaf => {
            if node.children.iter().any(holds) != holds(node) {
                return Err(format!("{words} is {:?}", node.value));
            }
        }
        Step::Check(words) => {
            if holds(node) && node.reason.is_none() {
                return Err(format!("{words} holds for no reason"));
            }
            if node.value == Value::False && node.reason.is_none() {
                return Err(format!("{words} fails for no reason"));
            }
        }
        Step::Operator(op) => {
            let all: Vec<Value> = node.children.iter().map(|child| child.value).collect();
            let expected = match op {
                rowgate_schema::ast::GroupOp::AnyOf => all.iter().max().copied(),
                rowgate_schema::ast::GroupOp::AllOf => all.iter().min().copied(),
                rowgate_schema::ast::GroupOp::NoneOf => all.iter().max().map(|value| match value {
                    Value::True => Value::False,
                    Value::Unknown => Value::Unknown,
                    Value::False => Value::True,
                }),
            };
            // A rule over several edges lies flat among the operator's children, so only the sign can be told for all_of.
            let flat = node
                .children
                .iter()
                .filter(|child| matches!(child.step, Step::Warrant { .. }))
                .count()
                > 1;
            if expected != Some(node.value) && !flat {
                return Err(format!("{op:?} of {all:?} is {:?}", node.value));
            }
        }
        Step::Warrant { .. } | Step::Policy { .. } | Step::NoEdge { .. } => {}
    }
    node.children.iter().try_for_each(sound)
}

type PlainRow = (String, String, String, bool);

fn plain(view: &View<'_>, rows: &rowgate_engine::query::Rows) -> Vec<PlainRow> {
    rows.rows
        .iter()
        .map(|row| {
            let graph = view.graph;
            let resource_type = graph.name(graph.type_of(row.object)).to_owned();
            (
                resource_type,
                graph.id_of(row.object).to_owned(),
                graph.name(row.relation).to_owned(),
                row.is_implicit,
            )
        })
        .collect()
}

fn expected_rows(rows: Vec<kit::query::Row>) -> Vec<PlainRow> {
    rows.into_iter()
        .map(|row| (row.resource_type, row.id, row.relation, row.is_implicit))
        .collect()
}

fn queries(
    world: &kit::World,
    view: &View<'_>,
    oracle: &kit::Oracle,
    ambient: &Ambient<'_>,
) -> Result<usize, Difference> {
    let mut asked = 0;
    let all = kit::query::Names::All;
    for explicit in [false, true] {
        let single = |who: &kit::Subject| who.relation.is_none() && !who.is_wildcard();
        for who in some(world.all_subjects().into_iter().filter(single)) {
            let reference = Reference {
                resource_type: who.resource_type.clone(),
                id: who.id.clone(),
            };
            let select = Select::Resources {
                types: Names::All,
                subject: reference,
                relations: Names::All,
            };
            let question = format!(
                "select {}* where {who} is *",
                if explicit { "explicit " } else { "" }
            );
            let query = Query { explicit, select };
            let expected = expected_rows(oracle.query_where(who.clone(), &all, &all, explicit));
            let missing = oracle.missing_where(who.clone(), &all, &all, explicit);
            asked += compare_query(view, ambient, &query, &question, expected, &missing)?;
            for row in view.query(&query, &Page::default(), ambient).unwrap().rows {
                let resource = resource_of(view, row.object);
                let relation = view.graph.name(row.relation);
                let allowed = oracle.warrants_of_where_row(resource.clone(), relation, who.clone());
                right_warrant(view, &row, &allowed).map_err(|actual| {
                    differ(
                        format!("warrant of {resource}#{relation} in {question}"),
                        &allowed,
                        actual,
                    )
                })?;
            }
        }
        for resource in some(world.existing().into_iter()) {
            if world.types().all(|known| known != resource.resource_type) {
                continue;
            }
            let reference = Reference {
                resource_type: resource.resource_type.clone(),
                id: resource.id.clone(),
            };
            let select = Select::Subjects {
                relations: Names::All,
                types: Names::All,
                resource: reference,
            };
            let question = format!(
                "select {}* of type * for {resource}",
                if explicit { "explicit " } else { "" }
            );
            let query = Query { explicit, select };
            let expected = expected_rows(oracle.query_for(resource.clone(), &all, &all, explicit));
            let missing = oracle.missing_for(resource.clone(), &all, &all, explicit);
            asked += compare_query(view, ambient, &query, &question, expected, &missing)?;
            for row in view.query(&query, &Page::default(), ambient).unwrap().rows {
                let who = resource_of(view, row.object).as_subject();
                let relation = view.graph.name(row.relation);
                let allowed = oracle.warrants_of_for_row(resource.clone(), relation, who.clone());
                right_warrant(view, &row, &allowed).map_err(|actual| {
                    differ(
                        format!("warrant of {resource}#{relation}@{who} in {question}"),
                        &allowed,
                        actual,
                    )
                })?;
            }
        }
    }
    Ok(asked)
}

/// At most five, from all over: the oracle takes its time over a query.
fn some<T>(items: impl Iterator<Item = T>) -> Vec<T> {
    let items: Vec<T> = items.collect();
    let step = items.len().div_ceil(5).max(1);
    items.into_iter().step_by(step).collect()
}

fn resource_of(view: &View<'_>, object: rowgate_graph::ObjectId) -> kit::Resource {
    kit::Resource::new(
        view.graph.name(view.graph.type_of(object)),
        view.graph.id_of(object),
    )
}

/// The row carries one of the warrants that the page allows, or none where it allows none.
fn right_warrant(
    view: &View<'_>,
    row: &rowgate_engine::query::Row,
    allowed: &[kit::Warrant],
) -> Result<(), String> {
    let Some(warrant) = row.warrant else {
        return if allowed.is_empty() {
            Ok(())
        } else {
            Err("none".into())
        };
    };
    let graph = view.graph;
    let found = graph.warrant(warrant).ok_or("a warrant that is not stored")?;
    let same = |candidate: &&kit::Warrant| {
        let tuple = tuple(candidate);
        graph.name(graph.type_of(found.resource)) == tuple.resource_type
            && graph.id_of(found.resource) == tuple.resource_id
            && graph.name(found.relation) == tuple.relation
            && graph.name(graph.type_of(found.subject)) == tuple.subject_type
            && graph.id_of(found.subject) == tuple.subject_id
            && graph.name(found.subject_relation) == tuple.subject_relation.unwrap_or("")
            && graph.policy(found.policy).map(|policy| policy.text()) == tuple.policy
    };
    match allowed.iter().find(same) {
        Some(_) => Ok(()),
        None => Err(format!(
            "{}:{}#{}@{}:{}#{}",
            graph.name(graph.type_of(found.resource)),
            graph.id_of(found.resource),
            graph.name(found.relation),
            graph.name(graph.type_of(found.subject)),
            graph.id_of(found.subject),
            graph.name(found.subject_relation)
        )),
    }
}

fn compare_query(
    view: &View<'_>,
    ambient: &Ambient<'_>,
    query: &Query,
    question: &str,
    expected: Vec<PlainRow>,
    missing: &std::collections::BTreeSet<String>,
) -> Result<usize, Difference> {
    let whole = view.query(query, &Page::default(), ambient).unwrap();
    if plain(view, &whole) != expected {
        return Err(differ(question.into(), expected, plain(view, &whole)));
    }
    if !missing.iter().eq(whole.missing.iter()) {
        return Err(differ(
            format!("missing keys of {question}"),
            missing,
            whole.missing,
        ));
    }
    // The same list page by page, in both orders and both directions.
    for order in [Order::Desc, Order::Asc] {
        let mut forwards: Vec<PlainRow> = Vec::new();
        let mut page = Page {
            limit: Some(2),
            order,
            ..Page::default()
        };
        loop {
            let rows = view.query(query, &page, ambient).unwrap();
            forwards.extend(plain(view, &rows));
            if !rows.more {
                break;
            }
            page.after = forwards.last().map(key);
        }
        let mut wanted = expected.clone();
        if order == Order::Asc {
            wanted.reverse();
        }
        if forwards != wanted {
            return Err(differ(format!("pages of {question}"), wanted, forwards));
        }
        if let Some(last) = wanted.last() {
            let before = Page {
                limit: Some(3),
                order,
                before: Some(key(last)),
                after: None,
            };
            let rows = plain(view, &view.query(query, &before, ambient).unwrap());
            let end = wanted.len() - 1;
            if rows != wanted[end.saturating_sub(3)..end] {
                return Err(differ(
                    format!("page before the last row of {question}"),
                    &wanted,
                    rows,
                ));
            }
        }
    }
    Ok(1)
}

fn key(row: &PlainRow) -> RowKey {
    RowKey {
        resource_type: row.0.clone(),
        id: row.1.clone(),
        relation: row.2.clone(),
    }
}

/// A difference as a readable scenario.
pub fn scenario(world: &kit::World, context: &Context, difference: &Difference) -> String {
    let Difference {
        question,
        expected,
        actual,
    } = difference;
    let expectation = kit::scenario_dump::Expectation {
        question: question.clone(),
        expected: expected.clone(),
        actual: actual.clone(),
    };
    kit::scenario_dump::dump(world, context, NOW, &[expectation])
}
