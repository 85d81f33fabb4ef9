//! Whether the tables and columns that bindings name are there and fit.

use std::fmt::Write as _;

use rowgate_binding::{Bindings, Condition, Literal, Qualified, Resolved, Source, Table, Test};
use rowgate_schema::Diagnostic;

use crate::lower;
use crate::shape::{Column, ColumnType, KeyType, Shapes, UniqueIndex};
use crate::sql::quote::{ident, qualified};
use crate::unique::is_unique;

/// Everything that is wrong with the tables, each with its place in the bindings.
#[must_use]
pub fn check(resolved: &Resolved, shapes: &Shapes) -> Vec<Diagnostic> {
    let mut checker = Checker {
        bindings: resolved.bindings(),
        resolved,
        shapes,
        found: Vec::new(),
    };
    for (index, table) in resolved.tables().iter().enumerate() {
        checker.table(table, &format!("table[{index}]"));
    }
    checker.found
}

struct Checker<'a> {
    bindings: &'a Bindings,
    resolved: &'a Resolved,
    shapes: &'a Shapes,
    found: Vec<Diagnostic>,
}

impl Checker<'_> {
    fn table(&mut self, table: &Table, path: &str) {
        if !self.exists(&table.name, &format!("{path}.name")) {
            return;
        }
        let id = self.keys(&table.name, &table.id, &format!("{path}.id"));
        if id.is_some() {
            self.unique(table, &format!("{path}.id"));
        }
        self.organization(table, &format!("{path}.organization"));
        self.conditions(&table.name, &table.conditions, &format!("{path}.where"));
        for (relation, sources) in &table.relations {
            for (at, source) in sources.iter().enumerate() {
                let path = format!("{path}.{}", table.place_of(relation));
                // One source may be written without a list; its place is found either way.
                let path = if sources.len() == 1 {
                    path
                } else {
                    format!("{path}[{at}]")
                };
                self.source(table, source, id.as_deref(), &path);
            }
        }
        for (parameter, column) in &table.attributes {
            self.attribute(
                table,
                parameter,
                column,
                &format!("{path}.attributes.{parameter}"),
            );
        }
    }

    /// One id, one row.
    fn unique(&mut self, table: &Table, path: &str) {
        let indexes = self.shapes.unique.get(&table.name).map_or(&[][..], Vec::as_slice);
        let columns = self.shapes.tables.get(&table.name);
        if columns.is_some_and(|columns| is_unique(table, columns, indexes)) {
            return;
        }
        let of_id = |index: &&UniqueIndex| index.columns.iter().all(|column| table.id.contains(column));
        let help = match indexes.iter().find(of_id) {
            Some(UniqueIndex { inherited: true, .. }) => {
                "other tables inherit from it, and no index holds for their rows too; where ids are unique all the same, say `id_is_unique = true`"
                    .to_owned()
            }
            Some(UniqueIndex { deferrable: true, .. }) => {
                "its unique constraint is deferrable, so within a transaction it does not hold: make it `not deferrable`".to_owned()
            }
            Some(UniqueIndex {
                predicate: Some(predicate),
                ..
            }) => format!("a unique index has the rows with {predicate} only: say the same in `where`, or make one for all rows"),
            _ => not_indexed(table, indexes),
        };
        let message = format!(
            "nothing keeps rows of `{}` from having the same {}, and who may see one of them could see all",
            table.name,
            quoted(&table.id)
        );
        self.report("id_not_unique", path, message, Some(help));
    }

    /// The ids of organizations are texts.
    fn organization(&mut self, table: &Table, path: &str) {
        let Some(name) = &table.organization else { return };
        let Some(column) = self.column(&table.name, name, path) else {
            return;
        };
        if column.key() != Some(KeyType::Text) {
            let message = format!(
                "`{name}` of `{}` is {} and cannot hold the ids of organizations",
                table.name,
                described(&column)
            );
            let help = "they are texts, such as org_01JZ7W3Q0X8S2N4V6B1C5D9E7F".to_owned();
            self.report("key_type_mismatch", path, message, Some(help));
        }
    }

    /// The column must be able to give what policies declare.
    fn attribute(&mut self, table: &Table, parameter: &str, name: &str, path: &str) {
        let Some(column) = self.column(&table.name, name, path) else {
            return;
        };
        let types = lower::declared_types(self.resolved.model(), parameter);
        let wrong = types
            .iter()
            .find(|ty| lower::attribute("t.c", &column, **ty).is_err());
        if let Some(wanted) = wrong {
            let message = format!(
                "`{name}` of `{}` is {} and cannot give `{parameter}`, which a policy declares as {wanted}",
                table.name,
                described(&column)
            );
            let help = "bind another column, or declare the parameter with a type that the column can give: `Attributes` in docs/bindings.md lists them";
            self.report("attribute_type_mismatch", path, message, Some(help.to_owned()));
        }
    }

    fn source(&mut self, table: &Table, source: &Source, id: Option<&[KeyType]>, path: &str) {
        let holder = match &source.join {
            None => &table.name,
            Some(join) => {
                if !self.exists(&join.name, &format!("{path}.table")) {
                    return;
                }
                let key = self.keys(&join.name, &join.key, &format!("{path}.key"));
                self.conditions(&join.name, &join.conditions, &format!("{path}.where"));
                if let (Some(id), Some(key)) = (id, &key) {
                    let what = format!("the id of `{}`", table.name);
                    self.same(&what, id, (&join.name, &join.key, key), &format!("{path}.key"));
                }
                &join.name
            }
        };
        let path = format!("{path}.column");
        let columns = self.keys(holder, &source.columns, &path);
        let Some(far) = self.resolved.table_of_type(&source.resource_type) else {
            return;
        };
        let far_id = self.shapes.keys(&far.name, &far.id);
        if let (Some(far_id), Some(columns)) = (far_id, &columns) {
            let what = format!("the id of `{}`", far.name);
            self.same(&what, &far_id, (holder, &source.columns, columns), &path);
        }
    }

    fn same(
        &mut self,
        what: &str,
        wanted: &[KeyType],
        (table, columns, found): (&Qualified, &[String], &[KeyType]),
        path: &str,
    ) {
        let mut sorted = [found.to_vec(), wanted.to_vec()];
        sorted.iter_mut().for_each(|types| types.sort());
        let is_turned = found != wanted && found.len() == wanted.len() && sorted[0] == sorted[1];
        for ((column, found), wanted) in columns.iter().zip(found).zip(wanted) {
            if found == wanted {
                continue;
            }
            let is = self
                .shapes
                .column(table, column)
                .map_or("", |column| column.name.as_str());
            let message = format!("`{column}` of `{table}` is {is}, and {what} is {}", wanted.sql());
            let help = if is_turned {
                "the types are the same in another order: list the columns in the order of the key's"
                    .to_owned()
            } else {
                format!(
                    "make the column {}, so that it can only hold ids that exist",
                    wanted.sql()
                )
            };
            self.report("key_type_mismatch", path, message, Some(help));
        }
    }

    fn exists(&mut self, table: &Qualified, path: &str) -> bool {
        let known = self.shapes.tables.contains_key(table);
        if !known {
            let near = self
                .shapes
                .tables
                .keys()
                .find(|other| other.name.eq_ignore_ascii_case(&table.name));
            let help = near.map(|other| format!("there is a table `{other}`; letter case counts"));
            self.report(
                "missing_table",
                path,
                format!("the database has no table `{table}` that can be read"),
                help,
            );
        }
        known
    }

    fn keys(&mut self, table: &Qualified, columns: &[String], path: &str) -> Option<Vec<KeyType>> {
        let mut out = Vec::new();
        for name in columns {
            let column = self.column(table, name, path)?;
            let Some(key) = column.key() else {
                let message = format!(
                    "`{name}` of `{table}` is {} and cannot hold ids",
                    described(&column)
                );
                let help =
                    "ids are text, varchar with a deterministic collation, smallint, integer, bigint or uuid";
                self.report("unsupported_key", path, message, Some(help.to_owned()));
                return None;
            };
            out.push(key);
        }
        Some(out)
    }

    fn column(&mut self, table: &Qualified, name: &str, path: &str) -> Option<Column> {
        let columns = self.shapes.tables.get(table)?;
        if let Some(column) = columns.get(name) {
            return Some(column.clone());
        }
        let near = columns.keys().find(|other| other.eq_ignore_ascii_case(name));
        let help = match near {
            Some(near) => format!("there is a column `{near}`; letter case counts"),
            None => format!("its columns are {}", quoted(columns.keys())),
        };
        self.report(
            "missing_column",
            path,
            format!("table `{table}` has no column `{name}`"),
            Some(help),
        );
        None
    }

    fn conditions(&mut self, table: &Qualified, conditions: &[Condition], path: &str) {
        for condition in conditions {
            let Some(column) = self.column(table, &condition.column, path) else {
                continue;
            };
            let (Test::In(literals) | Test::NotIn(literals)) = &condition.test else {
                continue;
            };
            if let Some(literal) = literals.iter().find(|literal| !fits(literal, column.ty)) {
                let message = format!(
                    "`{}` of `{table}` is {}, and `{literal}` is of another kind",
                    condition.column, column.name
                );
                let help = how_to_compare(&condition.column, column.ty);
                self.report("wrong_condition", path, message, Some(help));
            }
        }
    }

    fn report(&mut self, code: &'static str, path: &str, message: String, help: Option<String>) {
        self.found.push(self.bindings.error_at(code, path, message, help));
    }
}

fn fits(literal: &Literal, ty: ColumnType) -> bool {
    match literal {
        Literal::Text(_) => matches!(ty, ColumnType::Text | ColumnType::Enum | ColumnType::Uuid),
        Literal::Integer(_) => matches!(ty, ColumnType::Integer | ColumnType::Numeric),
        Literal::Boolean(_) => ty == ColumnType::Boolean,
    }
}

/// How values of a column are written in a condition.
fn how_to_compare(column: &str, ty: ColumnType) -> String {
    match ty {
        ColumnType::Boolean => format!("write `{column} = true` or `{column} = false`"),
        ColumnType::Integer | ColumnType::Numeric => {
            format!("write a whole number without quotes, as in `{column} = 1`")
        }
        ColumnType::Text | ColumnType::Enum | ColumnType::Uuid => {
            format!("write the value in single quotes, as in `{column} = 'open'`")
        }
        ColumnType::Float | ColumnType::TextArray | ColumnType::Other => {
            format!(
                "a column of this type can only be tested by `{column} is null` or `{column} is not null`"
            )
        }
    }
}

fn described(column: &Column) -> String {
    if column.ty == ColumnType::Text {
        format!("{} with a nondeterministic collation", column.name)
    } else {
        column.name.clone()
    }
}

/// What to do about an id that nothing keeps unique.
fn not_indexed(table: &Table, indexes: &[UniqueIndex]) -> String {
    let columns: Vec<String> = table.id.iter().map(|column| ident(column)).collect();
    let mut help = format!(
        "`alter table {} add unique ({})`",
        qualified(&table.name),
        columns.join(", ")
    );
    if let Some(key) = indexes.iter().find(|index| index.primary) {
        let _ = write!(help, ", or name the primary key: {}", quoted(&key.columns));
    }
    help.push_str("; where ids are unique and no index can say so, `id_is_unique = true`");
    help
}

fn quoted<'c>(columns: impl IntoIterator<Item = &'c String>) -> String {
    let quoted: Vec<String> = columns.into_iter().map(|column| format!("`{column}`")).collect();
    quoted.join(", ")
}
