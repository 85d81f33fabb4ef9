//! The recursive query of relations that depend on each other.
//!
//! A row of it is (m, columns): object `columns` has the relation of member `m`. It starts with what holds on its own, and each round
//! adds what follows in one step. `union` drops what is there already, so that cycles in data end.
//!
//! Members may have keys of different types. Each key column has a place among the columns of its type; the others are null.

use super::clause::{conditions, indent, join, names};
use super::key::{self, Coding};
use super::quote::qualified;
use super::set::{certain, nothing, stored_subject};
use super::writer::{Object, Sql, Writer};
use crate::error::Refusal;
use crate::predicate::{Edge, Member, Node, Predicate, Reading, Step};
use crate::shape::KeyType;

/// The columns of the recursive query.
struct Layout {
    columns: Vec<(String, KeyType)>,
}

impl Layout {
    fn new(types: impl Iterator<Item = Vec<KeyType>>) -> Self {
        let mut columns: Vec<(String, KeyType)> = Vec::new();
        for types in types {
            for (index, ty) in types.iter().enumerate() {
                let same = types[..=index].iter().filter(|other| *other == ty).count();
                let name = format!("{}{same}", letter(*ty));
                if !columns.iter().any(|(known, _)| *known == name) {
                    columns.push((name, *ty));
                }
            }
        }
        columns.sort();
        Self { columns }
    }

    /// The names of the columns that hold a key of these types.
    fn of(types: &[KeyType]) -> Vec<String> {
        let place = |(index, ty): (usize, &KeyType)| {
            let same = types[..=index].iter().filter(|other| *other == ty).count();
            format!("{}{same}", letter(*ty))
        };
        types.iter().enumerate().map(place).collect()
    }

    /// The select list of a row of member `m` with these keys.
    fn row(&self, m: usize, keys: &[String], types: &[KeyType]) -> String {
        let names = Self::of(types);
        let mut out = vec![m.to_string()];
        for (column, ty) in &self.columns {
            let key = names
                .iter()
                .position(|name| name == column)
                .and_then(|at| keys.get(at));
            let key = format!("{}::{}", key.map_or("null", String::as_str), ty.sql());
            // Texts of warrants and of columns have collations of their own, and every row of a recursive query has to have the same.
            out.push(match ty {
                KeyType::Text => format!("{key} collate pg_catalog.\"default\""),
                KeyType::Integer | KeyType::Uuid => key,
            });
        }
        out.join(", ")
    }
}

fn letter(ty: KeyType) -> char {
    match ty {
        KeyType::Text => 't',
        KeyType::Integer => 'i',
        KeyType::Uuid => 'u',
    }
}

impl Writer<'_> {
    /// The objects of one member.
    pub(super) fn recursive(&mut self, node: &Node) -> Sql {
        let component = self.builder.component(node)?;
        let place = |node: &Node| {
            component
                .members
                .iter()
                .position(|member| member.node == *node)
                .unwrap_or_default()
        };
        let layout = Layout::new(
            component
                .members
                .iter()
                .map(|member| self.types_of(&member.node.resource_type)),
        );
        let mut starts = Vec::new();
        let mut steps = Vec::new();
        for (m, member) in component.members.iter().enumerate() {
            starts.extend(self.start(&layout, m, member)?);
            for step in &member.steps {
                steps.push(self.step(&layout, m, member, step, place(&step.from))?);
            }
        }
        if starts.is_empty() {
            return Ok(nothing_like(&self.types_of(&node.resource_type)));
        }
        let names: Vec<&str> = layout.columns.iter().map(|(name, _)| name.as_str()).collect();
        let members = Layout::of(&self.types_of(&node.resource_type));
        let selected: Vec<String> = members.iter().map(|name| format!("r.{name}")).collect();
        let step = match steps.as_slice() {
            [] => String::new(),
            // A recursive query may name itself once; all steps share that place.
            many => format!(
                "\n    union\n    select n.* from r cross join lateral (\n{}\n    ) n",
                indent(&indent(&many.join("\nunion all\n")))
            ),
        };
        Ok(format!(
            "with recursive r (m, {}) as (\n    (\n{}\n    ){step}\n)\nselect {}\nfrom r\nwhere r.m = {}",
            names.join(", "),
            indent(&indent(&starts.join("\nunion all\n"))),
            selected.join(", "),
            place(node),
        ))
    }

    fn start(&mut self, layout: &Layout, m: usize, member: &Member) -> Result<Vec<String>, Refusal> {
        if member.start == Predicate::FALSE {
            return Ok(Vec::new());
        }
        let types = self.types_of(&member.node.resource_type);
        let source = match self.table_of(&member.node.resource_type) {
            Some(table) => {
                // One scan for each way to hold, so that each can use its own index.
                let ways = match &member.start {
                    Predicate::Any(parts) => parts.clone(),
                    one => vec![one.clone()],
                };
                let rows: Result<Vec<String>, Refusal> =
                    ways.iter().map(|way| self.rows(table, way)).collect();
                rows?
            }
            None => self.listed(&member.start, &member.node.resource_type)?,
        };
        let names = names(types.len());
        let keys: Vec<String> = names.iter().map(|name| format!("s.{name}")).collect();
        let row = |query: &String| {
            format!(
                "select {}\nfrom (\n{}\n) s ({})",
                layout.row(m, &keys, &types),
                indent(query),
                names.join(", ")
            )
        };
        Ok(source.iter().map(row).collect())
    }

    /// Queries of the ids for which a predicate holds.
    fn listed(&mut self, predicate: &Predicate, resource_type: &str) -> Result<Vec<String>, Refusal> {
        match predicate {
            Predicate::In(set) => Ok(vec![self.set(set)?]),
            Predicate::Any(parts) => {
                let lists: Result<Vec<_>, _> = parts
                    .iter()
                    .map(|part| self.listed(part, resource_type))
                    .collect();
                Ok(lists?.into_iter().flatten().collect())
            }
            Predicate::All(parts) => {
                let Some(at) = parts.iter().position(crate::predicate::can_be_listed) else {
                    return Ok(Vec::new());
                };
                let mut others = parts.clone();
                let first = others.remove(at);
                let filter = Predicate::All(others);
                let mut out = Vec::new();
                for query in self.listed(&first, resource_type)? {
                    let id = Object::Id {
                        resource_type,
                        id: "l.k1",
                    };
                    let test = self.condition(&filter, &id)?;
                    out.push(format!(
                        "select l.k1\nfrom (\n{}\n) l (k1)\nwhere {test}",
                        indent(&query)
                    ));
                }
                Ok(out)
            }
            _ => Ok(Vec::new()),
        }
    }

    /// The rows that follow from row `r` of the recursive query in one step.
    fn step(&mut self, layout: &Layout, m: usize, member: &Member, step: &Step, from: usize) -> Sql {
        let resource_type = member.node.resource_type.as_str();
        let types = self.types_of(resource_type);
        let far_types = self.types_of(&step.from.resource_type);
        let there: Vec<(String, KeyType)> = Layout::of(&far_types)
            .into_iter()
            .map(|name| format!("r.{name}"))
            .zip(far_types.iter().copied())
            .collect();
        let mut tests = vec![format!("r.m = {from}")];
        let mut sources: Vec<String> = Vec::new();
        // The id of the object, where no row of its table is at hand yet.
        let mut id: Option<String> = None;
        let table = self.table_of(resource_type);
        match (&step.edge, table) {
            (None, Some(table)) => {
                sources.push(format!("{} t", qualified(&table.name)));
                let keys = self.key_columns(&table.name, &table.id, "t");
                tests.extend(equal(&keys, &there));
            }
            (None, None) => id = there.first().map(|(name, _)| name.clone()),
            (Some(Edge::Columns(columns)), Some(table)) => {
                sources.push(format!("{} t", qualified(&table.name)));
                let keys = self.key_columns(&table.name, columns, "t");
                tests.extend(equal(&keys, &there));
            }
            (Some(Edge::Join(join_table)), Some(table)) => {
                sources.push(format!("{} j", qualified(&join_table.table.name)));
                sources.push(format!("{} t", qualified(&table.name)));
                let edge = self.key_columns(&join_table.table.name, &join_table.columns, "j");
                tests.extend(equal(&edge, &there));
                tests.extend(conditions("j", &join_table.table.conditions));
                let keys = self.key_columns(&table.name, &table.id, "t");
                let key = self.key_columns(&join_table.table.name, &join_table.table.key, "j");
                tests.extend(equal(&keys, &key));
            }
            (
                Some(Edge::Stored {
                    relation,
                    group,
                    reading,
                }),
                table,
            ) => {
                sources.push("rowgate.warrant w".to_owned());
                tests.extend(self.step_warrant(
                    resource_type,
                    relation,
                    &step.from,
                    group.as_deref(),
                    *reading,
                ));
                let coding = Coding::of(&step.from.resource_type, there.len());
                tests.push(format!("w.subject_id = {}", key::id(&there, &coding)));
                if let Some(table) = table {
                    sources.push(format!("{} t", qualified(&table.name)));
                    let keys = self.key_columns(&table.name, &table.id, "t");
                    let coding = Coding::of(resource_type, types.len());
                    let wanted = key::keys("w.resource_id", &types, &coding);
                    tests.extend(
                        keys.iter()
                            .zip(wanted)
                            .map(|((key, _), wanted)| format!("{key} = {wanted}")),
                    );
                } else {
                    id = Some("w.resource_id".to_owned());
                }
            }
            (Some(Edge::Columns(_) | Edge::Join(_)), None) => return Ok(nothing()),
        }
        let keys: Vec<String> = match (table, &id) {
            (Some(table), _) => {
                tests.extend(self.ids("t", table));
                tests.extend(conditions("t", &table.conditions));
                let row = Object::Row { alias: "t", table };
                tests.push(self.condition(&step.filter, &row)?);
                self.key_columns(&table.name, &table.id, "t")
                    .into_iter()
                    .map(|(key, _)| key)
                    .collect()
            }
            (None, Some(id)) => {
                tests.push(self.condition(&step.filter, &Object::Id { resource_type, id })?);
                vec![id.clone()]
            }
            (None, None) => return Ok(nothing()),
        };
        tests.retain(|test| test != "true");
        let source = if sources.is_empty() {
            String::new()
        } else {
            format!("\nfrom {}", sources.join(", "))
        };
        Ok(format!(
            "select {}{source}\nwhere {}",
            layout.row(m, &keys, &types),
            join(&tests, "and")
        ))
    }

    fn step_warrant(
        &self,
        resource_type: &str,
        relation: &str,
        from: &Node,
        group: Option<&str>,
        reading: Reading,
    ) -> Vec<String> {
        let mut tests = vec![format!("w.environment = {}", self.environment)];
        tests.extend(stored_subject("w", &from.resource_type, group));
        tests.push(format!("w.resource_type = {}", super::quote::text(resource_type)));
        tests.push(format!("w.relation = {}", super::quote::text(relation)));
        tests.extend(certain("w", resource_type, reading));
        tests
    }
}

/// Key columns that hold the same key. Of a type without a table the key is a text, whatever the columns hold.
fn equal(columns: &[(String, KeyType)], keys: &[(String, KeyType)]) -> Vec<String> {
    let wanted: Vec<KeyType> = columns.iter().map(|(_, ty)| *ty).collect();
    let keys = match keys {
        [(id, KeyType::Text)] if wanted != [KeyType::Text] => key::keys(id, &wanted, &Coding::Plain),
        keys => keys.iter().map(|(key, _)| key.clone()).collect(),
    };
    columns
        .iter()
        .zip(keys)
        .map(|((column, _), key)| format!("{column} = {key}"))
        .collect()
}

fn nothing_like(types: &[KeyType]) -> String {
    let columns: Vec<String> = types.iter().map(|ty| format!("null::{}", ty.sql())).collect();
    format!("select {} where false", columns.join(", "))
}
