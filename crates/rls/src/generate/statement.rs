//! The server's statement for checks, which it runs as `rowgate_server`.

use std::collections::BTreeSet;

use rowgate_binding::{Source, Table, relations_behind};
use rowgate_schema::ast::Rule;

use super::Compiler;
use super::line::{Asked, Lines};
use crate::error::Refusal;
use crate::lower;
use crate::shape::KeyType;
use crate::sql::clause::{column, conditions, indent, is_edge, join};
use crate::sql::key::{self, Coding};
use crate::sql::quote::{qualified, text};

/// Most edges that one source of one row gives: a reader that meets this many has not read all of them, and refuses to decide.
pub const MAX_EDGES: usize = 100_000;

/// The rows that checks of a relation on resources of a bound type need: those asked for, and those that bound edges lead to.
///
/// Parameters: `$1` the ids, see [`RowsStatement::ids`]; `$2` and `$3` text, the subject's type and id: edges that only matter when they name the
/// subject are left out when they name another; null for all edges. What a line holds is read by [`RowsStatement::read`]. A resource without
/// a row has no line. A table that joins gives at most one edge more than [`MAX_EDGES`] for one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowsStatement {
    /// The statement.
    pub sql: String,
    /// The relations, by type, of which it reads all edges that can matter.
    pub relations: BTreeSet<(String, String)>,
    pub(super) asked: Asked,
    pub(super) lines: Lines,
}

impl Compiler {
    /// The rows that checks of a relation of a bound type need.
    pub fn rows(&self, resource_type: &str, relation: &str) -> Result<RowsStatement, Refusal> {
        self.rows_from(resource_type, (resource_type, relation))
    }

    /// The rows of a bound type, and those that their edges lead to, that checks of a relation of any type need.
    pub fn rows_from(
        &self,
        resource_type: &str,
        (asked_type, asked): (&str, &str),
    ) -> Result<RowsStatement, Refusal> {
        self.bound(resource_type, asked)?;
        let mut needed = self.needed(asked_type, asked);
        // Whether there is a row is a question of its own.
        needed.types.insert(resource_type.to_owned());
        if let Some(statement) = self.beside(resource_type, &needed)? {
            return Ok(statement);
        }
        self.walked(resource_type, needed)
    }

    /// Rows that lead back to their own type, or to any number of others.
    fn walked(&self, resource_type: &str, needed: Needed) -> Result<RowsStatement, Refusal> {
        let mut walks = Vec::new();
        let mut results = Vec::new();
        for table in self
            .resolved
            .tables()
            .iter()
            .filter(|table| needed.contains_type(&table.resource_type))
        {
            let here = format!("r.type = {}", text(&table.resource_type));
            let mut lists = Vec::new();
            for (relation, sources) in &table.relations {
                if !needed.contains(&table.resource_type, relation) {
                    continue;
                }
                for source in sources {
                    if self
                        .resolved
                        .table_of_type(&source.resource_type)
                        .is_some_and(|far| needed.contains_type(&far.resource_type))
                    {
                        walks.push(format!(
                            "select e.type, e.id\nfrom (\n{}\n) e (type, id, relation)",
                            indent(&self.edges_of(table, source, "r.id", &here))
                        ));
                    }
                    lists.push(self.edge_list(table, relation, source, &needed));
                }
            }
            results.push(self.row_result(table, &here, &lists)?);
        }
        let walk = if walks.is_empty() {
            String::new()
        } else {
            format!(
                "\n    union\n    select n.type, n.id from r cross join lateral (\n{}\n    ) n",
                indent(&indent(&walks.join("\nunion all\n")))
            )
        };
        let sql = format!(
            "with recursive r (type, id) as (\n    select {}::text, asked.id from unnest($1::text[]) asked (id){walk}\n)\n\
             select r.type, r.id, o.edges, o.attributes\nfrom r cross join lateral (\n{}\n) o\nwhere ($2::text, $3::text) is distinct from null",
            text(resource_type),
            indent(&results.join("\nunion all\n"))
        );
        Ok(RowsStatement {
            sql,
            relations: needed.relations,
            asked: Asked::Texts,
            lines: Lines::Each,
        })
    }

    pub(super) fn bound(&self, resource_type: &str, relation: &str) -> Result<&Table, Refusal> {
        self.resolved.table_of_type(resource_type).ok_or_else(|| {
            let reason = format!("type `{resource_type}` is not bound to a table");
            Refusal::new(
                "not_bound",
                format!("{resource_type}#{relation}"),
                reason,
                "ask the store",
            )
        })
    }

    /// The relations that an answer depends on, edges included.
    fn needed(&self, resource_type: &str, relation: &str) -> Needed {
        let mut needed = Needed::default();
        let bindings = self.resolved.bindings();
        for behind in relations_behind(bindings, &self.model, resource_type, relation) {
            let def = self.model.relation(&behind.resource_type, &behind.relation);
            if let Some(rule) = def.and_then(|def| def.rule.as_ref()) {
                needed.edges(&behind.resource_type, rule);
            }
            needed.relations.insert((behind.resource_type, behind.relation));
        }
        needed
    }

    /// A list of the edges of one source, as a scalar query about row `t`.
    fn edge_list(&self, table: &Table, relation: &str, source: &Source, needed: &Needed) -> String {
        if source.join.is_some() {
            return self.joined_edges(table, "t", relation, source, needed);
        }
        let (tests, id) = self.edge(table, "t", relation, source, needed);
        let edge = edge_of(relation, source, &id);
        let tests = join(&tests, "and");
        format!("case when {tests} then jsonb_build_array({edge}) else '[]'::jsonb end")
    }

    /// A list of the edges that a table that joins has for a row.
    pub(super) fn joined_edges(
        &self,
        table: &Table,
        alias: &str,
        relation: &str,
        source: &Source,
        needed: &Needed,
    ) -> String {
        let (mut tests, id) = self.edge(table, alias, relation, source, needed);
        let Some(join_table) = &source.join else {
            return "'[]'::jsonb".to_owned();
        };
        let edge = edge_of(relation, source, &id);
        let pairs = table.id.iter().zip(&join_table.key);
        tests.extend(pairs.map(|(id, key)| format!("{} = {}", column("j", key), column(alias, id))));
        tests.extend(conditions("j", &join_table.conditions));
        let from = format!("{} j", qualified(&join_table.name));
        format!(
            "coalesce((select jsonb_agg(e.edge) from (select {edge} from {from} where {} limit {}) e (edge)), '[]'::jsonb)",
            join(&tests, "and"),
            MAX_EDGES + 1
        )
    }

    /// What columns must meet to hold an edge that can matter, and the id that they then hold. Those of a table that joins are of row `j`.
    pub(super) fn edge(
        &self,
        table: &Table,
        alias: &str,
        relation: &str,
        source: &Source,
        needed: &Needed,
    ) -> (Vec<String>, String) {
        let (mut tests, id) = self.held_id(table, alias, source);
        let leads_on =
            source.relation.is_some() || needed.leads(&table.resource_type, relation, &source.resource_type);
        if !leads_on {
            let ty = text(&source.resource_type);
            tests.push(format!(
                "($2::text is null or ($2::text = {ty} and {id} = $3::text))"
            ));
        }
        (tests, id)
    }

    /// What the columns of a source must meet to hold an id, and that id.
    pub(super) fn held_id(&self, table: &Table, alias: &str, source: &Source) -> (Vec<String>, String) {
        let keys = self.held_keys(table, alias, source);
        let coding = Coding::of_columns(&source.resource_type, keys.len());
        let id = key::id(&keys, &coding);
        let mut tests = is_edge(&keys);
        tests.extend(key::can_be_none(&id, &coding));
        (tests, id)
    }

    /// The columns of a source and their types.
    pub(super) fn held_keys(&self, table: &Table, alias: &str, source: &Source) -> Vec<(String, KeyType)> {
        let (holder, alias) = source
            .join
            .as_ref()
            .map_or((&table.name, alias), |join| (&join.name, "j"));
        let types = self.shapes.keys(holder, &source.columns).unwrap_or_default();
        let columns = source.columns.iter().map(|name| column(alias, name));
        columns.zip(types).collect()
    }

    fn row_result(&self, table: &Table, here: &str, lists: &[String]) -> Result<String, Refusal> {
        let edges = if lists.is_empty() {
            "'[]'::jsonb".to_owned()
        } else {
            lists.join("\n    || ")
        };
        let attributes = self.attributes(table, "t")?;
        let attributes = attributes.unwrap_or_else(|| "'{}'::jsonb".to_owned());
        Ok(format!(
            "select {edges} as edges, {attributes} as attributes\nfrom {}\nand {here}",
            self.rows_where(table, "r.id")
        ))
    }

    /// The attributes of a row as an object, where its type has any.
    pub(super) fn attributes(&self, table: &Table, alias: &str) -> Result<Option<String>, Refusal> {
        let mut values = Vec::new();
        for (parameter, name) in &table.attributes {
            let Some(shape) = self.shapes.column(&table.name, name) else {
                continue;
            };
            for ty in lower::declared_types(&self.model, parameter) {
                let value = lower::attribute(&column(alias, name), shape, ty).map_err(|why| {
                    Refusal::new(
                        "policy_not_compiled",
                        table.resource_type.clone(),
                        why,
                        "bind another column",
                    )
                })?;
                values.push(format!("({}::text, to_jsonb({value}))", text(parameter)));
            }
        }
        Ok((!values.is_empty()).then(|| {
            format!(
                "(select coalesce(jsonb_object_agg(a.k, a.v), '{{}}'::jsonb) from (values {}) a (k, v) where a.v is not null)",
                values.join(", ")
            )
        }))
    }
}

/// An edge as a line has it.
fn edge_of(relation: &str, source: &Source, id: &str) -> String {
    format!(
        "jsonb_build_array({}::text, {}::text, {id}, {}::text)",
        text(relation),
        text(&source.resource_type),
        text(source.relation.as_deref().unwrap_or_default())
    )
}

/// Relations that an answer depends on.
#[derive(Debug, Default)]
pub(super) struct Needed {
    /// Types of which rows are read although none of their relations matters.
    types: BTreeSet<String>,
    pub(super) relations: BTreeSet<(String, String)>,
    /// Edges that rules follow: type, relation, far type.
    followed: BTreeSet<(String, String, String)>,
}

impl Needed {
    pub(super) fn contains(&self, resource_type: &str, relation: &str) -> bool {
        self.relations
            .contains(&(resource_type.to_owned(), relation.to_owned()))
    }

    pub(super) fn contains_type(&self, resource_type: &str) -> bool {
        self.types.contains(resource_type) || self.relations.iter().any(|(other, _)| other == resource_type)
    }

    fn leads(&self, resource_type: &str, relation: &str, far: &str) -> bool {
        self.followed
            .contains(&(resource_type.to_owned(), relation.to_owned(), far.to_owned()))
    }

    fn edges(&mut self, resource_type: &str, rule: &Rule) {
        match rule {
            Rule::On {
                edge,
                resource_type: far,
                ..
            } => {
                self.relations
                    .insert((resource_type.to_owned(), edge.text.clone()));
                self.followed
                    .insert((resource_type.to_owned(), edge.text.clone(), far.text.clone()));
            }
            Rule::Group { rules, .. } => rules.iter().for_each(|rule| self.edges(resource_type, rule)),
            Rule::Relation { .. } | Rule::Policy { .. } => {}
        }
    }
}
