//! The functions about sets.

use std::collections::BTreeMap;

use rowgate_binding::Subject;

use super::Function;
use super::function::{OF_SESSION, in_plpgsql};
use crate::sql::clause::indent;
use crate::sql::members::broad;
use crate::sql::quote::ident;
use crate::sql::who::{VARIABLE, id_of_session};
use crate::sql::writer::{Finding, MANY, SetFunction};

/// Compiling to machine code is switched off: the costs of recursive queries are overestimated, and compiling them takes seconds where running
/// them takes milliseconds. What looks one key up can have such a query inside, too.
const NO_JIT: &str = "set jit = off";

/// The functions that say whether sets are large, those that list sets, and those that look a member up.
pub(super) fn of_sets(sets: &BTreeMap<String, SetFunction>, subject: &Subject) -> Vec<Function> {
    let weighed = sets.iter().filter(|(_, set)| set.is_weighed);
    let mut out: Vec<Function> = weighed.map(|(name, set)| broad_function(name, set)).collect();
    out.extend(sets.iter().map(|(name, set)| match set.finding {
        Finding::Listed => list_function(name, set),
        Finding::LookedUp => asking_function(name, set, subject),
    }));
    out
}

fn list_function(name: &str, set: &SetFunction) -> Function {
    let (returns, names_are_columns) = match set.columns.as_slice() {
        [one] => (format!("setof {}", one.sql()), ""),
        many => {
            let columns: Vec<String> = many
                .iter()
                .enumerate()
                .map(|(index, ty)| format!("k{} {}", index + 1, ty.sql()))
                .collect();
            // The columns of its result are variables, too.
            (
                format!("table ({})", columns.join(", ")),
                "#variable_conflict use_column\n",
            )
        }
    };
    in_plpgsql(
        &format!("{}()", ident(name)),
        &returns,
        &format!("{OF_SESSION} {NO_JIT}"),
        &format!(
            "{names_are_columns}begin\n    return query\n{};\nend",
            indent(&set.body)
        ),
        &format!("Lists {}", set.comment),
    )
}

fn asking_function(name: &str, set: &SetFunction, subject: &Subject) -> Function {
    let types: Vec<&str> = set.columns.iter().map(|ty| ty.sql()).collect();
    let answer = format!("return (\n{}\n);", indent(&set.body));
    let body = if set.has_variable {
        // No column can be meant by the name of the variable: all are written with their tables.
        format!(
            "#variable_conflict use_variable\ndeclare\n    {VARIABLE} constant text := {};\nbegin\n    if {VARIABLE} is null then\n        \
             return false;\n    end if;\n{}\nend",
            id_of_session(subject),
            indent(&answer)
        )
    } else {
        format!("begin\n{}\nend", indent(&answer))
    };
    in_plpgsql(
        &format!("{}({})", ident(name), types.join(", ")),
        "boolean",
        &format!("{OF_SESSION} {NO_JIT}"),
        &body,
        &format!("Whether something is one of {}", set.comment),
    )
}

/// The function that says whether a set is large. The planner has to know it before it chooses a plan, so it is declared immutable, which it is
/// not. It only chooses between forms that mean the same: a plan that is kept when the answer has changed, or for another subject, is
/// slower at worst. Who calls it learns whether much is visible to the subject of the session, which that one may list anyway.
///
/// It reads the first members itself: the function that lists the set would list all.
///
/// Where claims cannot be read, planning the statement says so, as running it would.
fn broad_function(name: &str, set: &SetFunction) -> Function {
    let members = indent(&indent(&set.body));
    let body = format!(
        "begin\n    return exists (select from (\n{members}\n    ) s offset {});\nend",
        MANY - 1
    );
    in_plpgsql(
        &format!("{}()", ident(&broad(name))),
        "boolean",
        &format!("immutable parallel restricted security definer {NO_JIT}"),
        &body,
        &format!("Whether there are many of {}", set.comment),
    )
}
