//! Pieces of conditions: columns, tests, and what joins them.

use rowgate_binding::{Condition, Test};

use super::key;
use super::quote::{self, ident};
use crate::shape::KeyType;

/// A column of a row.
pub(crate) fn column(alias: &str, name: &str) -> String {
    if alias.is_empty() {
        ident(name)
    } else {
        format!("{alias}.{}", ident(name))
    }
}

/// Tests that columns hold an edge: a null in one of them is none, and `*` is nobody.
pub(crate) fn is_edge(keys: &[(String, KeyType)]) -> Vec<String> {
    let single = keys.len() == 1;
    keys.iter()
        .flat_map(|(key, ty)| {
            [
                Some(format!("{key} is not null")),
                key::is_id(key, *ty).filter(|_| single),
            ]
        })
        .flatten()
        .collect()
}

/// The tests of a `where`.
pub(crate) fn conditions(alias: &str, conditions: &[Condition]) -> Vec<String> {
    let test = |condition: &Condition| {
        let column = column(alias, &condition.column);
        let list = |literals: &[rowgate_binding::Literal]| {
            literals.iter().map(literal).collect::<Vec<_>>().join(", ")
        };
        match &condition.test {
            Test::Null => format!("{column} is null"),
            Test::NotNull => format!("{column} is not null"),
            Test::In(literals) => match literals.as_slice() {
                [one] => format!("{column} = {}", literal(one)),
                many => format!("{column} in ({})", list(many)),
            },
            Test::NotIn(literals) => match literals.as_slice() {
                [one] => format!("{column} <> {}", literal(one)),
                many => format!("{column} not in ({})", list(many)),
            },
        }
    };
    conditions.iter().map(test).collect()
}

fn literal(literal: &rowgate_binding::Literal) -> String {
    match literal {
        rowgate_binding::Literal::Text(text) => quote::text(text),
        rowgate_binding::Literal::Integer(number) => format!("({number})"),
        rowgate_binding::Literal::Boolean(truth) => truth.to_string(),
    }
}

/// The names of the columns of a set.
pub(crate) fn names(count: usize) -> Vec<String> {
    (1..=count).map(|n| format!("k{n}")).collect()
}

/// The columns of a set by an alias.
pub(super) fn columns_named(alias: &str, count: usize) -> Vec<String> {
    names(count)
        .into_iter()
        .map(|name| format!("{alias}.{name}"))
        .collect()
}

/// Conditions joined by an operator; parts that hold another operator bring their own parentheses.
pub(crate) fn join(parts: &[String], operator: &str) -> String {
    match parts {
        [one] => one.clone(),
        many => {
            let other = if operator == "and" { " or " } else { " and " };
            let grouped = |part: &String| {
                if top_level(part, other) {
                    format!("({part})")
                } else {
                    part.clone()
                }
            };
            many.iter()
                .map(grouped)
                .collect::<Vec<_>>()
                .join(&format!("\n    {operator} "))
        }
    }
}

/// Whether an operator stands outside parentheses and quotes.
fn top_level(sql: &str, operator: &str) -> bool {
    let flat = sql.replace('\n', " ");
    let mut depth = 0_i32;
    let mut quoted: Option<char> = None;
    for (at, c) in flat.char_indices() {
        match (quoted, c) {
            (Some(quote), c) if c == quote => quoted = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quoted = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            (None, ' ')
                if depth == 0
                    && flat[at..].trim_start().starts_with(operator.trim_start())
                    && flat[at..].starts_with(' ') =>
            {
                return true;
            }
            _ => {}
        }
    }
    false
}

/// SQL with each line four spaces further in.
pub(crate) fn indent(sql: &str) -> String {
    let lines: Vec<String> = sql.lines().map(|line| format!("    {line}")).collect();
    lines.join("\n")
}
