//! The functions about sets, and what the planner asks before it chooses between the forms of a condition.

use std::collections::BTreeMap;

use super::Function;
use super::function::{OF_SESSION, reads};
use super::policy::GuardedTable;
use crate::sql::SCHEMA;
use crate::sql::clause::indent;
use crate::sql::members::broad;
use crate::sql::quote::ident;
use crate::sql::who::Form;
use crate::sql::writer::{Finding, SetFunction};

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
                "create or replace function {signature} returns {returns}\n    {OF_SESSION}\nbegin atomic\n{};\nend",
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
             set search_path = pg_catalog, pg_temp set jit = off\nbegin atomic\n{};\nend",
            indent(&set.broad)
        ),
        signature,
        for_roles: true,
        comment: format!("Whether there are many of {}", set.comment),
    }
}

/// The functions that the planner asks besides whether a set is large.
///
/// `page()` and `many()` guess from the client's statement whether it asks for a page, by its end, and whether it makes many rows, by its
/// beginning. A wrong guess takes time and changes no row. They are declared immutable for the same reason.
///
/// `signed_in()`: where claims cannot be read, the statement says so when it needs them, and planning it raises nothing. Except before version 17,
/// where no error can be caught in a statement that runs in parallel: there planning it says so.
pub(super) fn of_plans(sets: &BTreeMap<String, SetFunction>, tables: &[GuardedTable]) -> Vec<Function> {
    let function = |name: &str, volatility: &str, body: &str, comment: &str| {
        let signature = format!("{SCHEMA}.{name}()");
        Function {
            sql: format!(
                "create or replace function {signature} returns boolean\n    language plpgsql {volatility} parallel restricted\n    \
                 set search_path = pg_catalog, pg_temp\nas $$ begin\n{}\nend $$",
                indent(body)
            ),
            signature,
            for_roles: true,
            comment: comment.to_owned(),
        }
    };
    let mut out = Vec::new();
    if reads(sets, tables, "page") {
        let body = r"return coalesce(right(current_query(), 4000) ~* '\m(limit|fetch)\M', false);";
        let comment = "Whether the statement asks for a page";
        out.push(function("page", "immutable", body, comment));
        let me = format!("{SCHEMA}.{}()", Form::ID.function());
        let body = format!(
            "if current_setting('server_version_num')::integer < 170000 then\n    return true;\nend if;\n\
             begin\n    return {me} is not null;\nexception when others then\n    return false;\nend;"
        );
        out.push(Function {
            for_roles: false,
            ..function("signed_in", "stable", &body, "Whether somebody is signed in")
        });
    }
    if reads(sets, tables, "many") {
        let body = "return coalesce(left(current_query(), 4000) ~* '\\minsert\\M.*(\\mselect\\M|\\)\\s*,\\s*\\()', false);";
        let comment = "Whether the statement makes many rows";
        out.push(function("many", "immutable", body, comment));
    }
    out
}
