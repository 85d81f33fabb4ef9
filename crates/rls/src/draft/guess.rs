//! Tables to types, foreign keys and join tables to relations.

use std::collections::BTreeMap;

use rowgate_binding::Qualified;

use super::{name, person};
use crate::catalog::{Catalog, Column, ForeignKey, Relation};

/// Everything that was guessed.
#[derive(Debug)]
pub(super) struct Guess {
    pub(super) schema: String,
    /// The type of the subjects, and the table that holds them.
    pub(super) subject: String,
    pub(super) subject_table: Option<Qualified>,
    /// Roles that could be the application's.
    pub(super) roles: Vec<String>,
    pub(super) tables: Vec<Table>,
    /// Types without a table of this schema that relations lead to.
    pub(super) unbound: Vec<String>,
    /// Tables that are not bound, and why.
    pub(super) left_out: Vec<(Qualified, String)>,
}

/// A bound table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: Qualified,
    pub(super) resource_type: String,
    pub(super) id: Vec<String>,
    pub(super) condition: Option<String>,
    pub(super) relations: Vec<Link>,
    /// Columns that look as if they held a subject, and no foreign key says so.
    pub(super) suspected: Vec<(String, String)>,
    /// What a person should know.
    pub(super) notes: Vec<String>,
}

/// A relation of a bound table.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) relation: String,
    pub(super) join: Option<(Qualified, Vec<String>)>,
    pub(super) columns: Vec<String>,
    pub(super) resource_type: String,
    pub(super) note: Option<String>,
}

pub(super) fn guess(catalog: &Catalog, schema: &str) -> Guess {
    let (subject, subject_table) = person::find(catalog, schema);
    let mut guess = Guess {
        schema: schema.to_owned(),
        subject,
        subject_table: subject_table.map(|table| table.name.clone()),
        roles: roles(catalog, schema),
        tables: Vec::new(),
        unbound: Vec::new(),
        left_out: Vec::new(),
    };
    let here = |table: &&Relation| {
        table.name.schema == schema && table.is_table() && !table.partition && !table.extension
    };
    let mut joins = Vec::new();
    let mut bound = Vec::new();
    for table in catalog.relations.values().filter(here) {
        if Some(&table.name) == guess.subject_table.as_ref() {
            let why = format!(
                "its rows are the subjects, `{}:…`; bind it too if they are to be guarded",
                guess.subject
            );
            guess.left_out.push((table.name.clone(), why));
        } else if OF_TOOLS.contains(&table.name.name.as_str()) {
            guess.left_out.push((
                table.name.clone(),
                "it belongs to a tool for migrations".to_owned(),
            ));
        } else if !table.parents.is_empty() {
            guess
                .left_out
                .push((table.name.clone(), "it inherits from another table".to_owned()));
        } else if is_join(table) {
            joins.push(table);
        } else if let Some(why) = unsuitable(catalog, table) {
            guess.left_out.push((table.name.clone(), why));
        } else {
            bound.push(table);
        }
    }
    for table in &bound {
        let wanted = name::singular(&name::identifier(&table.name.name));
        let taken =
            |name: &str| name == guess.subject || guess.tables.iter().any(|t| t.resource_type == name);
        let resource_type = name::unique(wanted, taken);
        guess.tables.push(start(table, resource_type));
    }
    for table in &bound {
        link(&mut guess, catalog, table);
    }
    for table in joins {
        join(&mut guess, catalog, table);
    }
    guess
}

/// Roles that log in, that policies bind, and that have rights in the schema.
fn roles(catalog: &Catalog, schema: &str) -> Vec<String> {
    let has_rights = |role: &str| {
        let groups = catalog.has_rights_of(role);
        let grants = catalog
            .grants
            .iter()
            .filter(|grant| grant.object.schema == schema);
        grants
            .into_iter()
            .any(|grant| grant.grantee == role || groups.contains_key(grant.grantee.as_str()))
    };
    let fits = |name: &&String| !name.starts_with("rowgate_") && has_rights(name);
    let bound = catalog
        .roles
        .values()
        .filter(|role| role.logs_in && !role.is_above_policies());
    bound.map(|role| &role.name).filter(fits).cloned().collect()
}

/// Tables in which tools keep which migrations have run.
const OF_TOOLS: [&str; 8] = [
    "_prisma_migrations",
    "__drizzle_migrations",
    "schema_migrations",
    "ar_internal_metadata",
    "flyway_schema_history",
    "databasechangelog",
    "alembic_version",
    "django_migrations",
];

/// Whether a column can be part of an id.
fn is_key(column: &Column) -> bool {
    matches!(
        column.base_type.as_str(),
        "text" | "character varying" | "uuid" | "smallint" | "integer" | "bigint"
    ) && column.ty == column.ty.trim_end_matches("[]")
}

fn unsuitable(catalog: &Catalog, table: &Relation) -> Option<String> {
    let Some(key) = &table.primary_key else {
        return Some("it has no primary key, so its rows have no ids".to_owned());
    };
    let inherits = |other: &Relation| !other.partition && other.parents.contains(&table.name);
    if catalog.relations.values().any(inherits) {
        let why = "other tables inherit from it, and its key does not hold for their rows; bind it by hand with `id_is_unique = true` if ids are unique";
        return Some(why.to_owned());
    }
    let odd = key
        .columns
        .iter()
        .filter_map(|name| table.column(name))
        .find(|column| !is_key(column))?;
    Some(format!(
        "its key column `{}` is {}; ids are text, integers or uuids",
        odd.name, odd.ty
    ))
}

/// A table that has two foreign keys and nothing else of importance.
fn is_join(table: &Relation) -> bool {
    let [a, b] = table.foreign_keys.as_slice() else {
        return false;
    };
    let linked: Vec<&String> = a.columns.iter().chain(&b.columns).collect();
    let unique = table.primary_key.iter().chain(&table.unique);
    let pair = unique
        .into_iter()
        .any(|key| key.columns.iter().all(|column| linked.contains(&column)) && key.columns.len() > 1);
    let of_key = |name: &String| {
        table
            .primary_key
            .as_ref()
            .is_some_and(|key| key.columns == [name.clone()])
    };
    let incidental =
        |column: &Column| linked.contains(&&column.name) || column.category == "D" || of_key(&column.name);
    let more = table.columns.iter().filter(|column| !incidental(column)).count();
    a.columns != b.columns && (pair || table.primary_key.is_none()) && more <= 1
}

fn start(table: &Relation, resource_type: String) -> Table {
    let id = table
        .primary_key
        .as_ref()
        .map_or_else(Vec::new, |key| key.columns.clone());
    let mut notes = Vec::new();
    if table.rls {
        notes.push(
            "row-level security is on already; `rowgate rls apply` refuses beside policies made by hand"
                .to_owned(),
        );
    }
    Table {
        name: table.name.clone(),
        resource_type,
        id,
        condition: deleted(table),
        relations: Vec::new(),
        suspected: Vec::new(),
        notes,
    }
}

/// The condition that leaves out rows which are only marked as deleted.
fn deleted(table: &Relation) -> Option<String> {
    table.columns.iter().find_map(|column| {
        let test = match (name::identifier(&column.name).as_str(), column.category.as_str()) {
            ("deleted_at" | "deleted_on" | "removed_at" | "date_deleted", "D") => "is null",
            ("deleted" | "is_deleted" | "removed" | "is_removed", "B") => "= false",
            _ => return None,
        };
        Some(format!("{} {test}", quoted(&column.name)))
    })
}

/// A column as `where` reads it.
fn quoted(column: &str) -> String {
    let bare = column
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if bare && !column.is_empty() {
        column.to_owned()
    } else {
        format!("\"{}\"", column.replace('"', "\"\""))
    }
}

/// The relations that columns of a table hold.
fn link(guess: &mut Guess, catalog: &Catalog, table: &Relation) {
    let at = guess.tables.iter().position(|known| known.name == table.name);
    let Some(at) = at else { return };
    let mut links: Vec<Link> = Vec::new();
    let mut notes = Vec::new();
    for key in &table.foreign_keys {
        match far_type(guess, catalog, table, key) {
            Ok(resource_type) => {
                let wanted = relation_name(table, key, &resource_type);
                let relation = name::unique(wanted, |name| links.iter().any(|link| link.relation == name));
                let columns = key.columns.clone();
                links.push(Link {
                    relation,
                    join: None,
                    columns,
                    resource_type,
                    note: None,
                });
            }
            Err(why) => notes.push(why),
        }
    }
    links.sort_by_key(|link| {
        table
            .columns
            .iter()
            .position(|column| link.columns.first() == Some(&column.name))
    });
    let in_keys = |name: &str| {
        table
            .foreign_keys
            .iter()
            .any(|key| key.columns.iter().any(|column| column == name))
    };
    let suspected = table
        .columns
        .iter()
        .filter(|column| person::looks_like_one(&column.name) && !in_keys(&column.name) && is_key(column))
        .map(|column| (name::of_column(&column.name), column.name.clone()))
        .filter(|(relation, _)| !links.iter().any(|link| link.relation == *relation));
    let suspected = suspected.collect();
    if let Some(known) = guess.tables.get_mut(at) {
        known.relations = links;
        known.notes.extend(notes);
        known.suspected = suspected;
    }
}

fn relation_name(table: &Relation, key: &ForeignKey, resource_type: &str) -> String {
    let own = key.table == table.name;
    match key.columns.as_slice() {
        _ if own
            && table
                .foreign_keys
                .iter()
                .filter(|other| other.table == table.name)
                .count()
                == 1 =>
        {
            "parent".to_owned()
        }
        [column] => name::of_column(column),
        _ => resource_type.to_owned(),
    }
}

/// The type that a foreign key leads to. A type without a table of the schema becomes known by it.
fn far_type(
    guess: &mut Guess,
    catalog: &Catalog,
    table: &Relation,
    key: &ForeignKey,
) -> Result<String, String> {
    let columns = key.columns.join(", ");
    let far = &key.table;
    let bound = guess.tables.iter().find(|known| known.name == *far);
    let id = match bound {
        Some(known) => Some(known.id.clone()),
        None => catalog
            .relations
            .get(far)
            .and_then(|far| Some(far.primary_key.as_ref()?.columns.clone())),
    };
    if id.as_ref() != Some(&key.foreign_columns) {
        return Err(format!(
            "`{columns}` refers to {far} by another key than its id, so it is no relation here"
        ));
    }
    if key
        .columns
        .iter()
        .filter_map(|name| table.column(name))
        .any(|column| !is_key(column))
    {
        return Err(format!("`{columns}` refers to {far} with a type that no id has"));
    }
    if let Some(known) = bound {
        return Ok(known.resource_type.clone());
    }
    if guess.subject_table.as_ref() == Some(far) {
        return Ok(guess.subject.clone());
    }
    let resource_type = name::singular(&name::identifier(&far.name));
    if guess
        .tables
        .iter()
        .any(|known| known.resource_type == resource_type)
    {
        return Err(format!(
            "`{columns}` refers to {far}, whose type would be called `{resource_type}` as another one is"
        ));
    }
    if !guess.unbound.contains(&resource_type) {
        guess.unbound.push(resource_type.clone());
    }
    Ok(resource_type)
}

/// The relation that a join table holds, on the side that is not the subject.
fn join(guess: &mut Guess, catalog: &Catalog, table: &Relation) {
    let mut sides: Vec<&ForeignKey> = table.foreign_keys.iter().collect();
    sides.sort_by_key(|key| {
        let person = guess.subject_table.as_ref() == Some(&key.table);
        (
            person,
            table
                .columns
                .iter()
                .position(|column| key.columns.first() == Some(&column.name)),
        )
    });
    let [holder_key, subject_key] = sides.as_slice() else {
        return;
    };
    let fits = |known: &Table| known.name == holder_key.table && known.id == holder_key.foreign_columns;
    let Some(at) = guess.tables.iter().position(fits) else {
        let why = format!(
            "it joins {}, which is not bound, with {}",
            holder_key.table, subject_key.table
        );
        return guess.left_out.push((table.name.clone(), why));
    };
    let resource_type = match far_type(guess, catalog, table, subject_key) {
        Ok(resource_type) => resource_type,
        Err(why) => return guess.left_out.push((table.name.clone(), why)),
    };
    let is_person = resource_type == guess.subject;
    let linked: Vec<&String> = table.foreign_keys.iter().flat_map(|key| &key.columns).collect();
    let kind = table.columns.iter().find(|column| {
        let key = table
            .primary_key
            .as_ref()
            .is_some_and(|key| key.columns.contains(&column.name));
        !linked.contains(&&column.name) && column.category != "D" && !key
    });
    let note = kind.map(|column| {
        // `B` is what Postgres calls the category of booleans.
        let value = if column.category == "B" { "true" } else { "'…'" };
        format!(
            "`{}` may tell kinds apart: write one relation for each, with `where = \"{} = {value}\"`",
            column.name,
            quoted(&column.name)
        )
    });
    let Some(holder) = guess.tables.get_mut(at) else {
        return;
    };
    let wanted = name::of_join(&table.name.name, &holder.resource_type, &resource_type, is_person);
    let relation = name::unique(wanted, |name| {
        holder.relations.iter().any(|link| link.relation == name)
    });
    let join = Some((table.name.clone(), holder_key.columns.clone()));
    holder.relations.push(Link {
        relation,
        join,
        columns: subject_key.columns.clone(),
        resource_type,
        note,
    });
}

/// The relations by which rows are seen and changed, by type: under other names where a column has taken the usual ones.
pub(super) fn guards(guess: &Guess) -> BTreeMap<&str, (&'static str, &'static str)> {
    let mut out: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    for resource_type in &guess.unbound {
        out.insert(resource_type, ("viewer", "editor"));
    }
    for table in &guess.tables {
        let taken = |name: &str| {
            table.relations.iter().any(|link| link.relation == name)
                || table.suspected.iter().any(|(relation, _)| relation == name)
        };
        let view = if taken("viewer") { "can_view" } else { "viewer" };
        let edit = if taken("editor") { "can_edit" } else { "editor" };
        out.insert(&table.resource_type, (view, edit));
    }
    out
}
