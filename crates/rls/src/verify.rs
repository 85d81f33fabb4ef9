//! What is wrong with the row-level security of a database, and how to mend it.
//!
//! Works on any database: with bindings it also compares what is there with what `apply` would make. The rules ask the
//! database nothing: they decide on a [`Catalog`] and, with bindings, on what is [`Expected`].
//!
//! # Layout
//!
//! * `run`: everything in one call
//! * `finding`: what is reported; [`codes`]: every kind of it
//! * `inspection`: what the rules look at: guarded roles, protected tables, who can reach what
//! * `expected`: what `apply` would make; `stored`: the schema and bindings that the database holds
//! * the rules: `drift`, `protection`, `roles`, `grants`, `policies`, `rules`, `views`, `functions`, `partitions`, `indexes`, `sessions`,
//!   `clients`, `oracles`, `shapes`
//! * `expression`: reading policy expressions, for `shapes` and `indexes`

mod clients;
pub mod codes;
mod drift;
mod expected;
mod expression;
mod finding;
mod functions;
mod grants;
mod indexes;
mod inspection;
mod oracles;
mod partitions;
mod policies;
mod protection;
mod roles;
mod rules;
mod run;
mod sessions;
mod shapes;
mod stored;
mod views;

use crate::catalog::Catalog;
use inspection::Inspection;

pub(crate) use expression::parse as parse_expression;

pub use expected::Expected;
pub use finding::{Finding, Remedy, Severity};
pub use run::{Compared, Question, Report, run};
pub use stored::Stored;

/// Everything that is wrong, errors first.
#[must_use]
pub fn verify(catalog: &Catalog, expected: Option<&Expected>) -> Vec<Finding> {
    let inspection = Inspection::new(catalog, expected);
    let rules: [fn(&Inspection<'_>, &mut Vec<Finding>); 14] = [
        drift::check,
        protection::check,
        roles::check,
        grants::check,
        policies::check,
        rules::check,
        views::check,
        functions::check,
        partitions::check,
        indexes::check,
        sessions::check,
        clients::check,
        oracles::check,
        shapes::check,
    ];
    let mut found = Vec::new();
    for rule in rules {
        rule(&inspection, &mut found);
    }
    found.sort_by(|a, b| (a.severity, &a.object, a.code).cmp(&(b.severity, &b.object, b.code)));
    found.dedup();
    found
}
