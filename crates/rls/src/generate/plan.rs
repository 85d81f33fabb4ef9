//! What the planner asks before it chooses between the forms of a condition, besides whether a set is large.
//!
//! These functions guess from the client's statement. They choose between forms that mean the same, so a wrong guess takes time and changes no
//! row. The planner has to know the answer before it chooses a plan, so they are declared immutable, which they are not.
//!
//! A statement inside a function is not the client's, whose text says nothing about it. So where others are running (`pg_context`), the
//! answer is no.

use std::collections::BTreeMap;

use rowgate_binding::{Bindings, Table};

use super::Function;
use super::function::{in_plpgsql, reads};
use super::policy::GuardedTable;
use crate::sql::SCHEMA;
use crate::sql::clause::indent;
use crate::sql::quote::{ident, text};
use crate::sql::writer::SetFunction;

/// The statement; nothing where it is longer than a statement about a row is.
const SHORT: &str = "case when length(current_query()) <= 4000 then current_query() end";

/// So many commas has a statement about a few rows at most: they part its keys, or its rows. To look that many up takes some milliseconds.
const MOST: usize = 200;

/// How a statement begins.
const BEGINNING: &str = r"^\s*(explain\M(\s|analyze\M|verbose\M|\([^)]*\))*)?";

/// The end of the statement.
const END: &str = "right(current_query(), 4000)";

/// A value that a statement gives: a parameter or a literal.
const VALUE: &str = r"(\$\d+|'[^']*'|-?\d+)";

/// What a statement about a row has not: a query inside it, another table, other conditions beside the key.
const OTHERS: &str = r"\m(select|insert|update|delete)\M.*\mselect\M|\mfrom\M.*\mfrom\M|\mupdate\M.*\mfrom\M|\mor\M|\mnot\s*\(|\mtable\M";

/// What the query of an `insert` may have that gives several rows. Besides, functions may.
const ROWS: &str = r"\mselect\M.*\mselect\M|\m(from|table|values|union|intersect|except)\M";

/// The name before a parenthesis.
const CALL: &str = r#"(\w+)"?\s*\("#;

/// The question whether a statement names rows of a table by their key.
pub(super) struct ByKey {
    /// In double quotes.
    name: String,
    body: String,
}

impl ByKey {
    /// Asks it.
    pub(super) fn call(&self) -> String {
        format!("{SCHEMA}.{}()", self.name)
    }
}

/// The question for a table; none where its names are not plain words.
///
/// Yes: a `select`, `update` or `delete` of this table and no other, with each column of the id set equal to a value, or one of a list, and
/// no `or` anywhere. Or an `insert`, of values or of a query that gives one row: conditions on rows that are there are then about the new ones that
/// it returns.
pub(super) fn by_key(table: &Table) -> Option<ByKey> {
    let names = [&table.name.schema, &table.name.name];
    if !names.into_iter().chain(&table.id).all(|name| is_plain(name)) {
        return None;
    }
    let [schema, name] = names;
    let from = format!(r#"(only\s+)?("?{schema}"?\s*\.\s*)?"?{name}"?(\s+(as\s+)?"?\w+"?)?"#);
    let of_table = format!(
        r"{BEGINNING}(insert\M|(select\s.*\sfrom\s+{from}|delete\s+from\s+{from}|update\s+{from}\s+set\s.*)\s+where\M)"
    );
    let of_column = |column: &String| {
        let equal = format!(r"(=\s*{VALUE}|in\s*\(\s*{VALUE}(\s*,\s*{VALUE})*\s*\))");
        let key = format!(r#"\m(where|and)\s*\(*\s*("?\w+"?\s*\.\s*)*"?{column}"?\s*{equal}"#);
        format!("statement ~* {}", text(&key))
    };
    let keys: Vec<String> = table.id.iter().map(of_column).collect();
    let body = format!(
        "if words not like '%where%' and words not like '%insert%'
    or statement !~* {}
    or length(statement) - length(replace(statement, ',', '')) > {MOST}
then
    return false;
end if;
if statement !~* {} then
    if statement ~* {} or not ({}) then
        return false;
    end if;
elsif words like '%select%' then
    if statement ~* {} or exists (
        select from regexp_matches(statement, {}, 'g') w (word)
            join pg_proc p on p.proname = any (array[w.word[1], lower(w.word[1])]) and p.proretset
    ) then
        return false;
    end if;
elsif words like '%table%' and statement ~* {} then
    return false;
end if;",
        text(&of_table),
        text(&format!(r"{BEGINNING}insert\M")),
        text(OTHERS),
        keys.join(" and "),
        text(ROWS),
        text(CALL),
        text(r"\mtable\M"),
    );
    let hash = blake3::hash(body.as_bytes()).to_hex();
    let mut short = name.to_ascii_lowercase();
    short.truncate(40);
    let name = ident(&format!("{short}_by_key_{}", &hash[..8]));
    Some(ByKey { name, body })
}

fn is_plain(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The functions that are asked.
pub(super) fn functions(
    bindings: &Bindings,
    sets: &BTreeMap<String, SetFunction>,
    tables: &[GuardedTable],
) -> Vec<Function> {
    let mut out = Vec::new();
    for asked in bindings.tables.iter().filter_map(by_key) {
        if reads(sets, tables, &asked.name) {
            let comment = "Whether the statement names rows by their key";
            out.push(of_statement(&asked.name, SHORT, &asked.body, comment));
        }
    }
    if reads(sets, tables, "page") {
        let comment = "Whether the statement asks for a page";
        out.push(of_statement("page", END, NO_PAGE, comment));
        out.extend([forget_plans(), kept(), dear()]);
    }
    out
}

/// Asks whether the end of the statement has a `limit` or a `fetch`.
const NO_PAGE: &str = r"if words not like '%limit%' and words not like '%fetch%' or statement !~* E'\\m(limit|fetch)\\M' then
    return false;
end if;";

/// A condition that is always true, for policies that have a form for pages: it keeps Postgres from keeping the plan of a page, which would have the
/// form that was good for who asked first. None where there is no such form.
pub(super) fn not_kept(condition: &str) -> Option<String> {
    let asks = condition.contains(&format!("{SCHEMA}.page()"));
    asks.then(|| format!("case when {SCHEMA}.kept() then (select {SCHEMA}.dear()) else true end"))
}

/// Postgres keeps the plan of a prepared statement that has no parameters, whatever `plan_cache_mode` says. While such a plan is made, those of the
/// session are forgotten: the next time the statement is planned for who asks then.
///
/// One that has parameters is planned five times for their values. Then a plan for all values is made, and kept if it costs no more than those
/// did on the average. It is said to cost very much. So is the plan for the values of that time, which is made next and run: no machine code is
/// made of it, as `jit_above_cost` would have it. From then on the statement is planned for its values each time.
fn kept() -> Function {
    let statement = Statement {
        text: END,
        no: NO_PAGE,
        declared: "has_parameters boolean;",
        answer: KEPT,
    };
    let comment = "Whether a plan for all values of the parameters of a page is made";
    statement.asked("kept", comment)
}

const KEPT: &str = "select p.parameter_types <> '{}' into has_parameters
from pg_prepared_statement() p
where p.statement = current_query() and (p.parameter_types = '{}' or p.custom_plans = 5)
limit 1;
if has_parameters then
    perform set_config('jit', 'off', true);
    return true;
elsif not has_parameters then
    perform rowgate_rls.forget_plans();
end if;
return false;";

/// Its cost is the planner's; it takes a microsecond.
fn dear() -> Function {
    let options = "stable parallel safe cost 400000000000";
    let comment = "True, at a cost at which no plan is kept";
    in_plpgsql(
        "dear()",
        "boolean",
        options,
        "begin\n    return true;\nend",
        comment,
    )
}

/// What a function asks that looks at the client's statement.
struct Statement<'s> {
    /// An expression for the text, of which there is more than is looked at.
    text: &'s str,
    /// Returns where the answer is no. In it `statement` is the text, and `words` the same in small letters: most answers are known when a word is
    /// not in it, which is found much faster than a pattern.
    no: &'s str,
    /// Variables of the answer.
    declared: &'s str,
    /// Returns the answer otherwise, unless the statement is not the client's.
    answer: &'s str,
}

impl Statement<'_> {
    fn asked(&self, name: &str, comment: &str) -> Function {
        let Self {
            text,
            no,
            declared,
            answer,
        } = self;
        let body = format!(
            "declare\n    statement constant text := coalesce({text}, '');\n    words constant text collate \"C\" := lower(statement collate \"C\");\n    \
             stack text;\n{}begin\n{}\nend",
            indent(declared) + if declared.is_empty() { "" } else { "\n" },
            indent(&format!(
                "{no}\nget diagnostics stack = pg_context;\nif strpos(stack, E'\\nPL/') > 0 or strpos(stack, E'\\nSQL ') > 0 then\n    \
                 return false;\nend if;\n{answer}"
            ))
        );
        in_plpgsql(
            &format!("{name}()"),
            "boolean",
            "immutable parallel restricted",
            &body,
            comment,
        )
    }
}

/// A function that says yes to the client's statement where it does not say no.
fn of_statement(name: &str, text: &str, no: &str, comment: &str) -> Function {
    let statement = Statement {
        text,
        no,
        declared: "",
        answer: "return true;",
    };
    statement.asked(name, comment)
}

fn forget_plans() -> Function {
    let body = "begin\n    discard plans;\nend";
    let comment = "Has the statements of the session be planned again";
    in_plpgsql("forget_plans()", "void", "volatile", body, comment)
}
