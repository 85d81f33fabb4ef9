//! Who the subjects are.

use rowgate_binding::Qualified;

use super::name::{identifier, singular};
use crate::catalog::{Catalog, Relation};

/// What tables of people are called, the surest first.
const NAMES: [&str; 10] = [
    "user",
    "app_user",
    "account",
    "person",
    "employee",
    "profile",
    "member",
    "login",
    "principal",
    "identity",
];

/// The type of the subjects, and the table that has them.
pub(super) fn find<'a>(catalog: &'a Catalog, schema: &str) -> (String, Option<&'a Relation>) {
    let is_candidate = |relation: &&Relation| relation.is_table() && relation.primary_key.is_some();
    let place = |relation: &Relation| {
        let name = singular(&identifier(&relation.name.name));
        NAMES.iter().position(|known| *known == name)
    };
    let near = |relation: &Relation| relation.name.schema == schema;
    let referred = |table: &Qualified| {
        let keys = catalog
            .relations
            .values()
            .flat_map(|relation| &relation.foreign_keys);
        keys.filter(|key| key.table == *table).count()
    };
    let found = catalog
        .relations
        .values()
        .filter(is_candidate)
        .filter_map(|relation| Some((place(relation)?, relation)))
        .filter(|(_, relation)| near(relation) || referred(&relation.name) > 0)
        .min_by_key(|(place, relation)| (*place, !near(relation), usize::MAX - referred(&relation.name)));
    match found {
        Some((_, table)) => (singular(&identifier(&table.name.name)), Some(table)),
        None => ("user".to_owned(), None),
    }
}

/// Columns that hold a person by their name, where no foreign key says so.
pub(super) fn looks_like_one(column: &str) -> bool {
    const COLUMNS: [&str; 14] = [
        "owner",
        "owner_id",
        "user_id",
        "created_by",
        "creator_id",
        "creator",
        "author",
        "author_id",
        "assignee",
        "assignee_id",
        "assigned_to",
        "updated_by",
        "manager_id",
        "reviewer_id",
    ];
    COLUMNS.contains(&identifier(column).as_str())
}
