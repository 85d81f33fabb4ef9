//! The functions about sets.

use std::collections::BTreeMap;

use super::Function;
use super::function::OF_SESSION;
use crate::sql::SCHEMA;
use crate::sql::clause::indent;
use crate::sql::members::broad;
use crate::sql::quote::ident;
use crate::sql::writer::{Finding, SetFunction};

/// Compiling to machine code is switched off: the costs of recursive queries are overestimated, and compiling them takes seconds where running
/// them takes milliseconds. What looks one key up can have such a query inside, too.
const NO_JIT: &str = " set jit = off";

/// The functions that list sets, and those that look a member up.
pub(super) fn of_sets(sets: BTreeMap<String, SetFunction>) -> Vec<Function> {
    let function = |(name, set): (String, SetFunction)| {
        let asked = set.finding == Finding::LookedUp;
        let types: Vec<&str> = set.columns.iter().map(|ty| ty.sql()).collect();
        let arguments = if asked { types.join(", ") } else { String::new() };
        let signature = format!("{SCHEMA}.{}({arguments})", ident(&name));
        let returns = match set.columns.as_slice() {
            _ if asked => "boolean".to_owned(),
            [one] => format!("setof {}", one.sql()),
            many => {
                let columns: Vec<String> = many
                    .iter()
                    .enumerate()
                    .map(|(index, ty)| format!("k{} {}", index + 1, ty.sql()))
                    .collect();
                format!("table ({})", columns.join(", "))
            }
        };
        Function {
            sql: format!(
                "create or replace function {signature} returns {returns}\n    {OF_SESSION}{NO_JIT}\nbegin atomic\n{};\nend",
                indent(&set.body)
            ),
            signature,
            for_roles: true,
            comment: if asked {
                format!("Whether something is one of {}", set.comment)
            } else {
                format!("Lists {}", set.comment)
            },
        }
    };
    let weighed = |(name, set): &(String, SetFunction)| set.is_weighed.then(|| broad_function(name, set));
    let sets: Vec<(String, SetFunction)> = sets.into_iter().collect();
    let mut out: Vec<Function> = sets.iter().filter_map(weighed).collect();
    out.extend(sets.into_iter().map(function));
    out
}

/// The function that says whether a set is large. The planner has to know it before it chooses a plan, so it is declared immutable, which it is
/// not. It only chooses between forms that mean the same: a plan that is kept when the answer has changed, or for another subject, is
/// slower at worst. Who calls it learns whether much is visible to the subject of the session, which that one may list anyway.
fn broad_function(name: &str, set: &SetFunction) -> Function {
    let signature = format!("{SCHEMA}.{}()", ident(&broad(name)));
    Function {
        sql: format!(
            "create or replace function {signature} returns boolean\n    language sql immutable parallel restricted security definer\n    \
             set search_path = pg_catalog, pg_temp{NO_JIT}\nbegin atomic\n{};\nend",
            indent(&set.broad)
        ),
        signature,
        for_roles: true,
        comment: format!("Whether there are many of {}", set.comment),
    }
}
