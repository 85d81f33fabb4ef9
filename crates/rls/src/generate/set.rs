//! The functions about sets.

use std::collections::BTreeMap;

use super::Function;
use super::function::OF_SESSION;
use super::plan::in_plpgsql;
use crate::sql::SCHEMA;
use crate::sql::clause::indent;
use crate::sql::members::broad;
use crate::sql::quote::ident;
use crate::sql::writer::{Finding, MANY, SetFunction};

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
///
/// It has the function that lists the set give its first members, so the session keeps the plan of one body and not of two.
///
/// Where claims cannot be read, the statement says so when it needs them, and planning it raises nothing. Except before version 17, where no
/// error can be caught in a statement that runs in parallel: there planning it says so, with the same code.
fn broad_function(name: &str, set: &SetFunction) -> Function {
    let members = format!("select {SCHEMA}.{}() limit {MANY}", ident(name));
    let answer = format!("return exists (select from ({members}) s offset {});", MANY - 1);
    let body = format!(
        "begin\n    if current_setting('server_version_num')::integer < 170000 then\n        {answer}\n    end if;\n    \
         begin\n        {answer}\n    exception when others then\n        return false;\n    end;\nend"
    );
    let comment = format!("Whether there are many of {}", set.comment);
    in_plpgsql(
        &ident(&broad(name)),
        "boolean",
        "immutable parallel restricted",
        &body,
        &comment,
    )
}
