//! Policy expressions, read with a SQL parser: which of them are slow, and the same condition in the form that is fast.
//!
//! The text is what Postgres prints, not what somebody typed, so its form is regular: columns of the policy's own table stand bare, inside a
//! sub-select they are qualified with the table's name, and all other names there have an alias that is unique. The parser is
//! `sqlparser`: it is in Rust alone, where the parser of Postgres itself would bring a C library and a code generator for a few
//! hundred lines of rules. An expression that it cannot read is reported as not examined, never as fine.
//!
//! * `scope`: whose columns a part of an expression reads, and which functions it calls
//! * `rewrite`: the slow shapes and their replacements; `semijoin`: sub-selects that look at the row
//! * `needs`: the columns that an index should find

mod needs;
mod rewrite;
mod scope;
mod semijoin;

use rowgate_binding::Qualified;
use sqlparser::ast::Expr;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

pub(super) use needs::{Need, needs};
pub(super) use rewrite::{Rewritten, Shape, rewrite};
pub(super) use scope::Scope;

/// Reads an expression; `None` when the parser does not know some of it.
pub(crate) fn parse(text: &str) -> Option<Expr> {
    let mut parser = Parser::new(&PostgreSqlDialect {})
        .with_recursion_limit(200)
        .try_with_sql(text)
        .ok()?;
    let expr = parser.parse_expr().ok()?;
    parser.expect_token(&sqlparser::tokenizer::Token::EOF).ok()?;
    Some(expr)
}

/// The tables that an expression reads in sub-selects.
pub(super) fn tables(expr: &Expr) -> Vec<Qualified> {
    let mut found = Vec::new();
    let _ = sqlparser::ast::visit_relations(expr, |name| {
        found.extend(scope::qualified(name));
        std::ops::ControlFlow::<()>::Continue(())
    });
    found.sort();
    found.dedup();
    found
}

/// The expression inside any number of parentheses.
fn inside(expr: &Expr) -> &Expr {
    match expr {
        Expr::Nested(inner) => inside(inner),
        other => other,
    }
}
