//! What `rowgate.check` and `rowgate.create_warrant` learn of bound relations: the bodies of the hooks in the schema `rowgate`.

use super::{Compiler, Function};
use crate::sql::SCHEMA;
use crate::sql::quote::text;

const OPTIONS: &str = "language sql stable parallel safe set search_path = pg_catalog, pg_temp";

impl Compiler {
    /// The hooks for these bindings.
    pub(super) fn hooks(&self) -> Vec<Function> {
        let here = format!("$1 = {}", self.environment);
        let mut types = Vec::new();
        let mut relations = Vec::new();
        for table in self.resolved.tables() {
            types.push(text(&table.resource_type));
            for (relation, sources) in &table.relations {
                let places: Vec<String> = sources
                    .iter()
                    .map(|source| {
                        let holder = source.join.as_ref().map_or(&table.name, |join| &join.name);
                        format!("{holder} ({})", source.columns.join(", "))
                    })
                    .collect();
                let name = format!("({}, {}", text(&table.resource_type), text(relation));
                relations.push(format!("{name}, {})", text(&places.join(", "))));
            }
        }
        let list = |rows: &[String], none: &str| {
            if rows.is_empty() {
                none.to_owned()
            } else {
                rows.join(", ")
            }
        };
        let types = list(&types, "null");
        let relations = list(&relations, "(null, null, null)");
        let place = format!(
            "(select b.place from (values {relations}) b (type, relation, place) where b.type = $2 and b.relation = $3)"
        );
        let hook = |name: &str, arguments: &str, returns: &str, body: &str| Function {
            signature: format!("rowgate.{name}({})", types_only(arguments)),
            sql: format!(
                "create or replace function rowgate.{name}({arguments}) returns {returns}\n    {OPTIONS}\n    {body}"
            ),
            for_roles: false,
            comment: String::new(),
        };
        let by_relation = "environment integer, type text, relation text";
        vec![
            hook(
                "is_bound",
                "environment integer, type text",
                "boolean",
                &format!("return {here} and coalesce($2 in ({types}), false)"),
            ),
            hook(
                "is_bound",
                by_relation,
                "boolean",
                &format!("return {here} and {place} is not null"),
            ),
            hook(
                "bound_to",
                by_relation,
                "text",
                &format!("return case when {here} then {place} end"),
            ),
            hook(
                "row_exists",
                "environment integer, type text, id text",
                "boolean",
                &format!("return {here} and {SCHEMA}.row_exists($2, $3)"),
            ),
            hook(
                "bound_edges",
                "environment integer, type text, id text, relation text",
                "table (subject_type text, subject_id text, subject_relation text)",
                &format!(
                    "begin atomic\n        select e.subject_type, e.subject_id, e.subject_relation\n        from {SCHEMA}.edges($2, $3, $4) e where {here};\n    end"
                ),
            ),
        ]
    }
}

/// What hooks answer where there are no bindings.
pub(crate) fn without_bindings() -> Vec<String> {
    let hook = |head: &str, body: &str| {
        format!("create or replace function rowgate.{head}\n    {OPTIONS}\n    {body}")
    };
    let by_relation = "(environment integer, type text, relation text)";
    vec![
        hook(
            "is_bound(environment integer, type text) returns boolean",
            "return false",
        ),
        hook(&format!("is_bound{by_relation} returns boolean"), "return false"),
        hook(
            &format!("bound_to{by_relation} returns text"),
            "return null::text",
        ),
        hook(
            "row_exists(environment integer, type text, id text) returns boolean",
            "return false",
        ),
        hook(
            "bound_edges(environment integer, type text, id text, relation text) returns table (subject_type text, subject_id text, subject_relation text)",
            "begin atomic\n        select null::text, null::text, null::text where false;\n    end",
        ),
        // One that is new is open to everybody.
        "revoke all on function rowgate.is_bound(integer, text), rowgate.is_bound(integer, text, text), rowgate.bound_to(integer, text, text), \
         rowgate.row_exists(integer, text, text), rowgate.bound_edges(integer, text, text, text) from public"
            .to_owned(),
    ]
}

fn types_only(arguments: &str) -> String {
    let types: Vec<&str> = arguments
        .split(", ")
        .filter_map(|argument| argument.rsplit(' ').next())
        .collect();
    types.join(", ")
}
