//! The functions in the schema `rowgate_rls`.

use std::collections::BTreeMap;

use rowgate_binding::{Bindings, Source, Table};

use super::Compiler;
use super::policy::{GuardedTable, TablePolicy};
use crate::shape::KeyType;
use crate::sql::clause::{column, conditions, indent, is_edge, join};
use crate::sql::key::{self, Coding};
use crate::sql::quote::{self, ident, qualified, text};
use crate::sql::who::{Form, Who, id_of_session};
use crate::sql::writer::SetFunction;
use crate::sql::{SCHEMA, within};

/// A function that reads with the rights of its owner and is executed by those it is granted to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name with its argument types, as `grant` wants it.
    pub signature: String,
    /// The whole `create or replace function`.
    pub sql: String,
    /// Whether the guarded roles may execute it. The others serve the server and the hooks.
    pub for_roles: bool,
    /// What it is for, in words.
    pub comment: String,
}

/// Who is asking is known only in the process of the session, and the function reads what its caller may not.
pub(super) const OF_SESSION: &str = "stable parallel restricted security definer";
const OPTIONS: &str =
    "language sql stable parallel safe security definer\n    set search_path = pg_catalog, pg_temp";

impl Function {
    /// Whether it is one of the functions in the schema `rowgate` that others call, and not one behind them.
    pub(crate) fn is_hook(&self) -> bool {
        self.signature.starts_with("rowgate.")
    }

    /// A function of the session without arguments that returns one value.
    fn value(name: &str, returns: &str, body: &str, comment: &str) -> Self {
        let signature = format!("{}()", ident(name));
        in_plpgsql(
            &signature,
            returns,
            OF_SESSION,
            &format!("begin\n    return {body};\nend"),
            comment,
        )
    }
}

/// A function in PL/pgSQL, by its name in double quotes and its arguments.
///
/// What a session asks often is written in it, for it keeps the plan of a body from one statement to the next, where before version 18 a function in
/// SQL plans it in each (0.3 ms for a lookup). Such a body is read in the session, whose settings its text must not depend on: names are
/// qualified, or the system's, as `search_path` says; texts are quoted so that `standard_conforming_strings` does not matter; and dates are numbers.
/// It is not bound to the columns that it reads, either, see `super::reads`.
pub(super) fn in_plpgsql(
    signature: &str,
    returns: &str,
    options: &str,
    body: &str,
    comment: &str,
) -> Function {
    let signature = format!("{SCHEMA}.{signature}");
    Function {
        sql: format!(
            "create or replace function {signature} returns {returns}\n    language plpgsql {options}\n    \
             set search_path = pg_catalog, pg_temp\nas {}",
            quote::body(body)
        ),
        signature,
        for_roles: true,
        comment: comment.to_owned(),
    }
}

/// The function that takes parts of ids out. Its body is bound when it is created, so no search path matters to it, and it runs with the rights
/// of the caller. It is null for null without being declared so: then the planner can put it in place.
pub(super) fn of_parts() -> Function {
    let (name, arguments, returns, body) = key::PART;
    Function {
        signature: signature(name, arguments),
        sql: format!(
            "create or replace function {SCHEMA}.{name}({arguments}) returns {returns}\n    \
             language sql immutable parallel safe\n    return {body}"
        ),
        for_roles: false,
        comment: "Part of an id, null where it has none".to_owned(),
    }
}

/// The name of a function with the types of its arguments, which have names.
fn signature(name: &str, arguments: &str) -> String {
    let types = arguments
        .split(", ")
        .filter_map(|argument| argument.split(' ').nth(1));
    let types: Vec<&str> = types.collect();
    format!("{SCHEMA}.{name}({})", types.join(", "))
}

/// The functions about ids of the authorization API, where a table is guarded by permissions. They run with the rights of the caller, too.
pub(super) fn of_organizations(environment: i32, bindings: &Bindings) -> Vec<Function> {
    if bindings.tables.iter().all(|table| table.parents.is_empty()) {
        return Vec::new();
    }
    let function = |(name, arguments, returns, body): within::Helper| Function {
        signature: signature(name, arguments),
        sql: format!(
            "create or replace function {SCHEMA}.{name}({arguments}) returns {returns}\n    \
                 language sql stable strict parallel safe\n    return {body}"
        ),
        for_roles: false,
        comment: "Ids of the authorization API, and assignments that end".to_owned(),
    };
    within::functions(environment).into_iter().map(function).collect()
}

/// Which membership asks, and in which organization it is.
pub(super) fn of_membership(
    environment: i32,
    bindings: &Bindings,
    sets: &BTreeMap<String, SetFunction>,
    tables: &[GuardedTable],
) -> (Option<Function>, Option<Function>) {
    let subject = &bindings.subject;
    let membership = subject.is_of_claims().then(|| Function {
        for_roles: false,
        ..Function::value(
            &subject.function.name,
            "text",
            &within::membership_of_claims(environment, subject.claim.as_deref()),
            "The active organization membership that the claims of the session name",
        )
    });
    let me = format!("(select {SCHEMA}.{}())", Form::ID.function());
    let organization = reads(sets, tables, "organization").then(|| {
        Function::value(
            "organization",
            "text",
            &within::organization_of(environment, &me),
            "The organization of the membership of the session",
        )
    });
    (membership, organization)
}

/// Whether a set or a policy calls a function of the session.
pub(super) fn reads(sets: &BTreeMap<String, SetFunction>, tables: &[GuardedTable], function: &str) -> bool {
    let call = format!("{SCHEMA}.{function}()");
    let policies = tables.iter().flat_map(|table| &table.policies);
    let mut texts = sets
        .values()
        .map(|set| set.body.as_str())
        .chain(policies.flat_map(TablePolicy::conditions));
    texts.any(|sql| sql.contains(&call))
}

/// The functions of the session: the subject's id in the forms that are needed, the context and the claims where they are read.
pub(super) fn of_session(
    who: &Who,
    bindings: &Bindings,
    sets: &BTreeMap<String, SetFunction>,
    tables: &[GuardedTable],
) -> Vec<Function> {
    let Who::Session(forms) = who else {
        return Vec::new();
    };
    let mut out = vec![Function::value(
        &Form::ID.function(),
        "text",
        &id_of_session(&bindings.subject),
        "The id of the subject of the session",
    )];
    for form in forms.borrow().iter().filter(|form| **form != Form::ID) {
        let body = form.of(&format!("{SCHEMA}.{}()", Form::ID.function()));
        let comment = "A part of the id of the subject of the session as a key, null where it is none";
        out.push(Function::value(&form.function(), form.ty.sql(), &body, comment));
    }
    if reads(sets, tables, "context") {
        out.push(Function::value(
            "context",
            "jsonb",
            "rowgate.context()",
            "The context of the session, for policies",
        ));
    }
    if reads(sets, tables, "claims") {
        out.push(Function::value(
            "claims",
            "jsonb",
            "auth.session()",
            "The claims of the session, for policies",
        ));
    }
    out
}

impl Compiler {
    /// `row_exists(type, id)` and `edges(type, id, relation)`: what rows say, for the server and for `rowgate.check`.
    pub(super) fn row_functions(&self) -> Vec<Function> {
        let mut exists = Vec::new();
        let mut edges = vec!["select null::text, null::text, null::text where false".to_owned()];
        for table in self.resolved.tables() {
            let ty = text(&table.resource_type);
            let rows = self.rows_where(table, "$2");
            exists.push(format!("when {ty} then exists (select from {rows})"));
            for (relation, sources) in &table.relations {
                for source in sources {
                    let tests = format!("$1 = {ty} and $3 = {}", text(relation));
                    edges.push(self.edges_of(table, source, "$2", &tests));
                }
            }
        }
        let exists = if exists.is_empty() {
            "false".to_owned()
        } else {
            format!("case $1 {} else false end", exists.join("\n        "))
        };
        let row_exists = format!("{SCHEMA}.row_exists(text, text)");
        let all_edges = format!("{SCHEMA}.edges(text, text, text)");
        vec![
            Function {
                sql: format!(
                    "create or replace function {row_exists} returns boolean\n    {OPTIONS}\n    return {exists}"
                ),
                signature: row_exists,
                for_roles: false,
                comment: "Whether a resource of a bound type has its row".to_owned(),
            },
            Function {
                sql: format!(
                    "create or replace function {all_edges}\n    \
                     returns table (subject_type text, subject_id text, subject_relation text)\n    {OPTIONS}\nbegin atomic\n{};\nend",
                    indent(&edges.join("\nunion all\n"))
                ),
                signature: all_edges,
                for_roles: false,
                comment: "The subjects that have a bound relation to a resource, as its row says".to_owned(),
            },
        ]
    }

    /// `table t where …`: the row of an id, if it counts.
    pub(super) fn rows_where(&self, table: &Table, id: &str) -> String {
        let mut tests = self.key_is(table, "t", id);
        tests.extend(conditions("t", &table.conditions));
        format!("{} t where {}", qualified(&table.name), join(&tests, "and"))
    }

    pub(super) fn key_is(&self, table: &Table, alias: &str, id: &str) -> Vec<String> {
        let types = self.shapes.keys(&table.name, &table.id).unwrap_or_default();
        let keys = key::keys(id, &types, &Coding::of(&table.resource_type, types.len()));
        let mut tests: Vec<String> = table
            .id
            .iter()
            .zip(keys)
            .map(|(name, key)| format!("{} = {key}", column(alias, name)))
            .collect();
        if types == [KeyType::Text] {
            tests.push(format!("{id} <> '*'"));
        }
        tests
    }

    /// The edges of one source of the row of an id: subject type, id, relation.
    pub(super) fn edges_of(&self, table: &Table, source: &Source, id: &str, extra: &str) -> String {
        let mut tests = vec![extra.to_owned()];
        tests.extend(self.key_is(table, "t", id));
        tests.extend(conditions("t", &table.conditions));
        let mut from = format!("{} t", qualified(&table.name));
        let (holder, alias) = match &source.join {
            None => (&table.name, "t"),
            Some(join) => {
                from = format!("{from}, {} j", qualified(&join.name));
                let pairs = table.id.iter().zip(&join.key);
                tests.extend(pairs.map(|(id, key)| format!("{} = {}", column("j", key), column("t", id))));
                tests.extend(conditions("j", &join.conditions));
                (&join.name, "j")
            }
        };
        let types = self.shapes.keys(holder, &source.columns).unwrap_or_default();
        let keys: Vec<(String, KeyType)> = source
            .columns
            .iter()
            .map(|name| column(alias, name))
            .zip(types)
            .collect();
        tests.extend(is_edge(&keys));
        let coding = Coding::of_columns(&source.resource_type, keys.len());
        let far = key::id(&keys, &coding);
        tests.extend(key::can_be_none(&far, &coding));
        let relation = source.relation.as_deref().unwrap_or_default();
        format!(
            "select {}::text, {}, {}::text\nfrom {from}\nwhere {}",
            text(&source.resource_type),
            far,
            text(relation),
            join(&tests, "and")
        )
    }
}
