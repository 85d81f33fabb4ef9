//! The functions about sets.

use std::collections::BTreeMap;

use rowgate_binding::Subject;

use super::Function;
use super::function::{OF_SESSION, in_plpgsql};
use crate::sql::clause::indent;
use crate::sql::members::{array_of, broad};
use crate::sql::quote::ident;
use crate::sql::who::{VARIABLE, id_of_session};
use crate::sql::writer::{Finding, MANY, Own, SetFunction};

/// How the bodies are planned: one plan serves all subjects. For one with few warrants Postgres would otherwise plan in each call, which takes longer
/// than what such a plan saves.
const PLANNED: &str = "set plan_cache_mode = force_generic_plan";

/// The same for what lists. Compiling to machine code is switched off: the costs of recursive queries are overestimated, and compiling them takes
/// seconds where running them takes milliseconds.
const PLANNED_LIST: &str = "set jit = off set plan_cache_mode = force_generic_plan";

/// The functions that say whether sets are large, those that list sets, and those that look a member up.
pub(super) fn of_sets(sets: &BTreeMap<String, SetFunction>, subject: &Subject) -> Vec<Function> {
    let weighed = sets
        .iter()
        .filter_map(|(name, set)| Some((name, set, set.weight.as_ref()?)));
    let mut out: Vec<Function> = weighed
        .map(|(name, set, weight)| broad_function(name, set, weight, subject))
        .collect();
    out.extend(sets.iter().map(|(name, set)| match set.finding {
        Finding::Listed => list_function(name, set, subject),
        Finding::LookedUp => asking_function(name, set, subject),
    }));
    out
}

/// A body that reads who asks, and has an answer for nobody.
fn body(subject: &Subject, nobody: &str, answer: &str) -> String {
    // No column can be meant by the name of the variable, nor by those of the result: all are written with their tables.
    format!(
        "#variable_conflict use_variable\ndeclare\n    {VARIABLE} constant text := {};\nbegin\n    if {VARIABLE} is null then\n        \
         {nobody};\n    end if;\n{}\nend",
        id_of_session(subject),
        indent(answer)
    )
}

fn list_function(name: &str, set: &SetFunction, subject: &Subject) -> Function {
    let array = array_of(&set.columns);
    let nobody = if array.is_some() { "return '{}'" } else { "return" };
    let answer = |body: &str| match &array {
        Some(_) => format!("return array(\n{}\n);", indent(body)),
        None => format!("return query\n{};", indent(body)),
    };
    let returns = array.clone().unwrap_or_else(|| {
        let columns = set.columns.iter().enumerate();
        let columns: Vec<String> = columns
            .map(|(index, ty)| format!("k{} {}", index + 1, ty.sql()))
            .collect();
        format!("table ({})", columns.join(", "))
    });
    // The argument is the table that is asked about, see `sql::reference`. A caller who names another one learns at most of grants of its own to rows
    // that are not there.
    let (arguments, answers) = match &set.referred {
        None => ("", answer(&set.body)),
        Some((holds, referred)) => (
            "regclass",
            format!(
                "if {holds} then\n{}\nelse\n{}\nend if;",
                indent(&answer(referred)),
                indent(&answer(&set.body))
            ),
        ),
    };
    in_plpgsql(
        &format!("{}({arguments})", ident(name)),
        &returns,
        &format!("{OF_SESSION} {PLANNED_LIST}"),
        &body(subject, nobody, &answers),
        &format!("Lists {}", set.comment),
    )
}

fn asking_function(name: &str, set: &SetFunction, subject: &Subject) -> Function {
    let types: Vec<&str> = set.columns.iter().map(|ty| ty.sql()).collect();
    let first = set.own.as_ref().map(|Own { found, others }| {
        format!(
            "if {found} then\n    return true;\nend if;\nif not {others} then\n    return false;\nend if;\n"
        )
    });
    let answer = format!("{}return {};", first.unwrap_or_default(), set.body);
    // A list can be inside.
    let planned = if set.body.contains("with recursive") {
        PLANNED_LIST
    } else {
        PLANNED
    };
    in_plpgsql(
        &format!("{}({})", ident(name), types.join(", ")),
        "boolean",
        &format!("{OF_SESSION} {planned}"),
        &body(subject, "return false", &answer),
        &format!("Whether something is one of {}", set.comment),
    )
}

/// The function that says whether a set is large. The planner has to know it before it chooses a plan, so it is declared immutable, which it is
/// not. It only chooses between forms that mean the same: a plan that is kept when the answer has changed, or for another subject, is
/// slower at worst. Who calls it learns whether the subject of the session sees much, which that one may list anyway, or has many grants of rows that
/// are not there.
///
/// It counts the first members itself, and what is nearly one: the function that lists the set would list all.
///
/// Where claims cannot be read, planning the statement says so, as running it would.
fn broad_function(name: &str, set: &SetFunction, weight: &str, subject: &Subject) -> Function {
    let members = indent(&indent(weight));
    let answer = format!(
        "return exists (\n    select from (\n{members}\n    ) s offset {}\n);",
        MANY - 1
    );
    in_plpgsql(
        &format!("{}()", ident(&broad(name))),
        "boolean",
        &format!("immutable parallel restricted security definer {PLANNED_LIST}"),
        &body(subject, "return false", &answer),
        &format!("Whether there are many of {}", set.comment),
    )
}
