//! The policies of a table.

use rowgate_binding::authz::permission_slug;
use rowgate_binding::{Bindings, Command, Qualified, Table};

use super::Explanation;
use crate::sql::clause::indent;
use crate::sql::quote::{ident, qualified};

/// The roles that read every row: the owner of the generated functions, and the server.
pub(crate) const READERS: [&str; 2] = ["rowgate_reader", "rowgate_server"];

/// A table that bindings name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardedTable {
    /// The table.
    pub name: Qualified,
    /// Whether its rows are guarded. A table that only joins, or is only walked, is read and nothing else.
    pub guarded: bool,
    /// The policies for the application's roles.
    pub policies: Vec<TablePolicy>,
}

/// One policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TablePolicy {
    /// The command.
    pub command: Command,
    /// The condition on a row that is there; none where rows are made.
    pub using: Option<String>,
    /// The condition on a new row; none where none is written.
    pub check: Option<String>,
}

impl TablePolicy {
    /// Its conditions.
    pub(super) fn conditions(&self) -> impl Iterator<Item = &str> {
        self.using.iter().chain(&self.check).map(String::as_str)
    }
}

impl GuardedTable {
    pub(super) fn of(table: &Table) -> Self {
        Self {
            name: table.name.clone(),
            guarded: !table.policies.is_empty(),
            policies: Vec::new(),
        }
    }

    /// The name and the `create policy` of each policy, those of the readers included.
    #[must_use]
    pub fn statements(&self, roles: &[String]) -> Vec<(String, String)> {
        let table = qualified(&self.name);
        let roles: Vec<String> = roles.iter().map(|role| ident(role)).collect();
        let roles = roles.join(", ");
        let reader = |role: &&str| {
            let sql = format!("create policy {role} on {table} for select to {role} using (true)");
            ((*role).to_owned(), sql)
        };
        let mut out: Vec<(String, String)> = READERS.iter().map(reader).collect();
        for policy in &self.policies {
            let keyword = policy.command.keyword();
            let name = format!("rowgate_{keyword}");
            let mut sql = format!("create policy {name} on {table} for {keyword} to {roles}");
            for (clause, condition) in [("using", &policy.using), ("with check", &policy.check)] {
                if let Some(condition) = condition {
                    sql.push_str(&format!(" {clause} (\n{}\n)", indent(condition)));
                }
            }
            out.push((name, sql));
        }
        out
    }
}

/// What guards a table, as it was written: a relation of a type, or a permission.
pub(super) fn guard_name(table: &Table, relation: &str) -> String {
    match permission_slug(relation).filter(|_| !table.parents.is_empty()) {
        Some(permission) => format!("{}: {permission}", table.name),
        None => format!("{}#{relation}", table.resource_type),
    }
}

/// Whether a command needs a condition on rows that are there, and one on new rows.
pub(super) fn needs(command: Command) -> (bool, bool) {
    match command {
        Command::Select | Command::Delete => (true, false),
        Command::Insert => (false, true),
        Command::Update => (true, true),
    }
}

/// Says where the answer of a guard comes from, or that it guards one more command.
pub(super) fn explain(
    explanations: &mut Vec<Explanation>,
    relation: String,
    command: Command,
    ways: impl FnOnce() -> Vec<String>,
) {
    let known = explanations
        .iter_mut()
        .find(|explanation| explanation.relation == relation);
    match known {
        Some(explanation) => explanation.commands.push(command),
        None => explanations.push(Explanation {
            relation,
            commands: vec![command],
            ways: ways(),
        }),
    }
}

/// The tables that bindings name, those that only join included.
pub(crate) fn tables_of(bindings: &Bindings) -> Vec<Qualified> {
    let mut tables: Vec<GuardedTable> = bindings.tables.iter().map(GuardedTable::of).collect();
    add_join_tables(&mut tables, bindings);
    tables.into_iter().map(|table| table.name).collect()
}

/// Adds the tables that join and are not bound themselves.
pub(super) fn add_join_tables(tables: &mut Vec<GuardedTable>, bindings: &Bindings) {
    let sources = bindings
        .tables
        .iter()
        .flat_map(|table| table.relations.values().flatten());
    for join in sources.filter_map(|source| source.join.as_ref()) {
        if !tables.iter().any(|table| table.name == join.name) {
            tables.push(GuardedTable {
                name: join.name.clone(),
                guarded: false,
                policies: Vec::new(),
            });
        }
    }
}
