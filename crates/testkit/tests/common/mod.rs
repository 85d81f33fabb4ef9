//! Questions as one line of text.
#![allow(dead_code, unused_imports, clippy::unwrap_used)] // each test file uses a part; a test may panic

use rowgate_testkit::{Context, Names, Oracle, Row, Value, Warrant, World};

pub use Value::{False, True, Unknown};

pub fn context(json: &str) -> Context {
    serde_json::from_str(json).unwrap()
}

pub fn oracle(world: &World, json: &str) -> Oracle {
    Oracle::new(world, &context(json), 0)
}

/// The value of `doc:d#viewer@user:ann` in a context.
pub fn check_in(world: &World, json: &str, question: &str) -> Value {
    let asked = Warrant::parse(question, 0);
    oracle(world, json)
        .holds(asked.resource, &asked.relation, asked.subject)
        .unwrap()
}

/// The value of `doc:d#viewer@user:ann` without a context.
pub fn check(world: &World, question: &str) -> Value {
    check_in(world, "{}", question)
}

pub fn explicit(world: &World, question: &str) -> Value {
    let asked = Warrant::parse(question, 0);
    oracle(world, "{}").holds_explicit(asked.resource, &asked.relation, asked.subject)
}

pub fn is_implicit(world: &World, question: &str) -> bool {
    let asked = Warrant::parse(question, 0);
    oracle(world, "{}")
        .is_implicit_check(asked.resource, &asked.relation, asked.subject)
        .unwrap()
}

pub fn missing(world: &World, json: &str, question: &str) -> Vec<String> {
    let asked = Warrant::parse(question, 0);
    let keys = oracle(world, json).missing_keys(asked.resource, &asked.relation, asked.subject);
    keys.unwrap().into_iter().collect()
}

/// Rows as `doc:d viewer`, with a trailing `*` when implicit.
fn shown(rows: &[Row]) -> Vec<String> {
    let show = |row: &Row| {
        let mark = if row.is_implicit { " (implicit)" } else { "" };
        format!("{}:{} {}{mark}", row.resource_type, row.id, row.relation)
    };
    rows.iter().map(show).collect()
}

/// `select TYPES where SUBJECT is RELATIONS`
pub fn select_where(world: &World, types: &str, subject: &str, relations: &str) -> Vec<String> {
    let rows = oracle(world, "{}").query_where(subject, &Names::of(types), &Names::of(relations), false);
    shown(&rows)
}

/// `select explicit TYPES where SUBJECT is RELATIONS`
pub fn select_explicit_where(world: &World, types: &str, subject: &str, relations: &str) -> Vec<String> {
    let rows = oracle(world, "{}").query_where(subject, &Names::of(types), &Names::of(relations), true);
    shown(&rows)
}

/// `select RELATIONS of type TYPES for RESOURCE`
pub fn select_for(world: &World, relations: &str, types: &str, resource: &str) -> Vec<String> {
    let rows = oracle(world, "{}").query_for(resource, &Names::of(relations), &Names::of(types), false);
    shown(&rows)
}

/// `select explicit RELATIONS of type TYPES for RESOURCE`
pub fn select_explicit_for(world: &World, relations: &str, types: &str, resource: &str) -> Vec<String> {
    let rows = oracle(world, "{}").query_for(resource, &Names::of(relations), &Names::of(types), true);
    shown(&rows)
}
