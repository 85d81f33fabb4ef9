//! Rows with the rows that they lead to beside them, in one line: where columns lead from type to type and never back, one join after the
//! other. A check of one row takes a third of the time that a recursive query takes.

use rowgate_binding::{Source, Table};

use super::Compiler;
use super::line::{Asked, Edges, Lines, Part};
use super::statement::{Needed, RowsStatement};
use crate::error::Refusal;
use crate::shape::KeyType;
use crate::sql::clause::{column, conditions, join};
use crate::sql::key::{self, Coding};
use crate::sql::quote::qualified;

/// More tables than this are walked through, not joined.
const MOST: usize = 8;

/// A table of the join.
struct Joined<'c> {
    alias: String,
    table: &'c Table,
    /// The types on the way to it, its own included.
    path: Vec<&'c str>,
    /// The edge that leads to it: the place of the table before it, and the source of its columns. None to the first.
    edge: Option<(usize, &'c Source)>,
}

impl Compiler {
    /// The statement, where no table that joins and no circle of types stands in its way.
    pub(super) fn beside(
        &self,
        resource_type: &str,
        needed: &Needed,
    ) -> Result<Option<RowsStatement>, Refusal> {
        let Some(tables) = self.joined(resource_type, needed) else {
            return Ok(None);
        };
        let Some(first) = tables.first() else {
            return Ok(None);
        };
        let (asked, mut from, asked_id, mut tests) = self.asked(first);
        let mut columns = Vec::new();
        let mut parts = Vec::new();
        for (at, joined) in tables.iter().enumerate() {
            columns.push(if at == 0 {
                asked_id.clone()
            } else {
                self.id_of(joined)
            });
            if let Some(edge) = joined.edge {
                from.push_str(&self.join_to(joined, &tables[edge.0], edge.1));
            }
            let (part, more) = self.part(joined, needed)?;
            columns.extend(more);
            parts.push(part);
        }
        // Parameters keep their types although nothing need read them.
        tests.push("($2::text, $3::text) is distinct from null".to_owned());
        let columns = columns.iter().enumerate();
        let columns: Vec<String> = columns.map(|(at, sql)| format!("{sql} as c{}", at + 1)).collect();
        Ok(Some(RowsStatement {
            sql: format!(
                "select {}\nfrom {from}\nwhere {}",
                columns.join(",\n    "),
                join(&tests, "and")
            ),
            relations: needed.relations.clone(),
            asked,
            lines: Lines::Beside(parts),
        }))
    }

    /// The tables that edges of columns lead to; none where there is a circle, a table that joins, or too many.
    fn joined(&self, resource_type: &str, needed: &Needed) -> Option<Vec<Joined<'_>>> {
        let first = self.resolved.table_of_type(resource_type)?;
        let mut tables = vec![Joined {
            alias: "t0".to_owned(),
            table: first,
            path: vec![&first.resource_type],
            edge: None,
        }];
        let mut at = 0;
        while at < tables.len() {
            let (table, path) = (tables[at].table, tables[at].path.clone());
            let relations = table.relations.iter();
            let relations = relations.filter(|(relation, _)| needed.contains(&table.resource_type, relation));
            for source in relations.flat_map(|(_, sources)| sources) {
                let far = self.resolved.table_of_type(&source.resource_type);
                let Some(far) = far.filter(|far| needed.contains_type(&far.resource_type)) else {
                    continue;
                };
                if source.join.is_some() || path.contains(&far.resource_type.as_str()) || tables.len() == MOST
                {
                    return None;
                }
                tables.push(Joined {
                    alias: format!("t{}", tables.len()),
                    table: far,
                    path: [path.as_slice(), &[far.resource_type.as_str()]].concat(),
                    edge: Some((at, source)),
                });
            }
            at += 1;
        }
        Some(tables)
    }

    /// How ids are asked for: their form, the `from` with the first table, the id of a line, and what the rows meet.
    fn asked(&self, first: &Joined<'_>) -> (Asked, String, String, Vec<String>) {
        let (table, alias) = (first.table, first.alias.as_str());
        let types = self.shapes.keys(&table.name, &table.id).unwrap_or_default();
        let is_plain = Coding::of(&table.resource_type, types.len()) == Coding::Plain;
        let from = format!("{} {alias}", qualified(&table.name));
        let (asked, from, id, mut tests) = match (types.as_slice(), table.id.as_slice()) {
            ([KeyType::Integer], [name]) if is_plain => {
                let key = column(alias, name);
                let test = format!("{key} = any ($1::bigint[])");
                (Asked::Integers, from, self.id_of(first), vec![test])
            }
            _ => {
                let from = format!("unnest($1::text[]) asked (id)\n    cross join {from}");
                let tests = self.key_is(table, alias, "asked.id");
                (Asked::Texts, from, "asked.id".to_owned(), tests)
            }
        };
        tests.extend(conditions(alias, &table.conditions));
        (asked, from, id, tests)
    }

    fn id_of(&self, joined: &Joined<'_>) -> String {
        let Joined { alias, table, .. } = joined;
        let types = self.shapes.keys(&table.name, &table.id).unwrap_or_default();
        let coding = Coding::of(&table.resource_type, types.len());
        let columns = table.id.iter().map(|name| column(alias, name));
        let keys: Vec<(String, KeyType)> = columns.zip(types).collect();
        let id = key::id(&keys, &coding);
        match (&coding, keys.as_slice()) {
            // Without a row they are null, and so is what is made of them.
            (Coding::Plain, _) | (_, []) => id,
            (_, [(first, _), ..]) => format!("case when {first} is not null then {id} end"),
        }
    }

    /// The join that an edge leads over.
    fn join_to(&self, far: &Joined<'_>, near: &Joined<'_>, source: &Source) -> String {
        let (mut tests, id) = self.held_id(near.table, &near.alias, source);
        let held = self.held_keys(near.table, &near.alias, source);
        let types = self
            .shapes
            .keys(&far.table.name, &far.table.id)
            .unwrap_or_default();
        let codings = [
            Coding::of_columns(&source.resource_type, held.len()),
            Coding::of(&far.table.resource_type, types.len()),
        ];
        // Columns of the same types mean the same key, and need not become an id in between.
        let alike = codings == [Coding::Plain, Coding::Plain] && held.iter().map(|(_, ty)| ty).eq(&types);
        if alike {
            let pairs = far.table.id.iter().zip(&held);
            tests.extend(pairs.map(|(name, (held, _))| format!("{} = {held}", column(&far.alias, name))));
        } else {
            tests.extend(self.key_is(far.table, &far.alias, &id));
        }
        tests.extend(conditions(&far.alias, &far.table.conditions));
        format!(
            "\n    left join {} {} on {}",
            qualified(&far.table.name),
            far.alias,
            join(&tests, "and")
        )
    }

    /// What a line holds of one table, after the id: the edges of each source, and the attributes.
    fn part(&self, joined: &Joined<'_>, needed: &Needed) -> Result<(Part, Vec<String>), Refusal> {
        let Joined { alias, table, .. } = joined;
        let mut columns = Vec::new();
        let mut edges = Vec::new();
        for (relation, sources) in &table.relations {
            if !needed.contains(&table.resource_type, relation) {
                continue;
            }
            for source in sources {
                if source.join.is_some() {
                    columns.push(self.joined_edges(table, alias, relation, source, needed));
                    edges.push(Edges::List);
                    continue;
                }
                let (tests, id) = self.edge(table, alias, relation, source, needed);
                columns.push(format!("case when {} then {id} end", join(&tests, "and")));
                edges.push(Edges::One {
                    relation: relation.clone(),
                    subject_type: source.resource_type.clone(),
                    subject_relation: source.relation.clone(),
                });
            }
        }
        let attributes = self.attributes(table, alias)?;
        let part = Part {
            resource_type: table.resource_type.clone(),
            edges,
            has_attributes: attributes.is_some(),
        };
        columns.extend(attributes);
        Ok((part, columns))
    }
}
