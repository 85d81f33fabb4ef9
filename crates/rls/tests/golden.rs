//! The generated SQL, byte by byte: what a reader of `plan` sees, and what a change of the generator changes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use rowgate_binding::{Bindings, Qualified};
use rowgate_rls::{Column, ColumnType, Compiler, Order, Shapes, UniqueIndex};

const SCHEMA: &str = "version 0.3
type user
type team
    relation member [user, team#member]
type organization
    relation admin [user, team#member]
    relation member [user]
type folder
    relation parent [folder]
    relation organization [organization]
    relation viewer []
    inherit viewer if
        any_of
            relation viewer on parent [folder]
            relation admin on organization [organization]
type ticket
    relation creator [user]
    relation parent [organization]
    relation folder [folder]
    relation watcher [user]
    relation barred [user]
    relation viewer [user]
    relation approver []
    relation auditor []
    inherit viewer if
        any_of
            relation creator
            relation watcher
            relation admin on parent [organization]
            relation member on parent [organization]
            relation viewer on folder [folder]
    inherit approver if
        all_of
            relation viewer
            none_of
                relation barred
            policy small
policy small(amount integer, limit integer) {
    amount <= limit
}
";

const BINDINGS: &str = r#"
roles = ["app", "Other App"]
[subject]
type = "user"
[[table]]
name = "public.Ticket"
type = "ticket"
id = "id"
where = "deletedAt is null"
relations.creator = { column = "creatorId", type = "user" }
relations.parent = { column = "orgId", type = "organization" }
relations.folder = { column = "folderId", type = "folder" }
relations.watcher = { table = "public.watcher", key = "ticket", column = "who", type = "user", where = "kind = 'it''s'" }
attributes.amount = "amount"
policies.select = "viewer"
policies.insert = "creator"
policies.update = "approver"
[[table]]
name = "public.folder"
type = "folder"
id = "id"
relations.parent = { column = "parent", type = "folder" }
relations.organization = { column = "org", type = "organization" }
"#;

fn compiler() -> Compiler {
    let (model, _) = rowgate_schema::compile(SCHEMA).unwrap();
    let resolved = Bindings::parse_toml(BINDINGS).unwrap().resolve(&model).unwrap();
    let column = |ty: ColumnType| Column {
        ty,
        name: format!("{ty:?}"),
        exact: true,
    };
    let table = |columns: &[(&str, ColumnType)]| -> BTreeMap<String, Column> {
        columns
            .iter()
            .map(|(name, ty)| ((*name).to_owned(), column(*ty)))
            .collect()
    };
    let (text, integer, uuid) = (ColumnType::Text, ColumnType::Integer, ColumnType::Uuid);
    let tables = BTreeMap::from([
        (
            Qualified::new("public", "Ticket"),
            table(&[
                ("id", uuid),
                ("creatorId", text),
                ("orgId", text),
                ("folderId", integer),
                ("amount", ColumnType::Numeric),
                ("deletedAt", ColumnType::Other),
            ]),
        ),
        (
            Qualified::new("public", "folder"),
            table(&[("id", integer), ("parent", integer), ("org", text)]),
        ),
        (
            Qualified::new("public", "watcher"),
            table(&[("ticket", uuid), ("who", text), ("kind", text)]),
        ),
    ]);
    let by_id = |name: &str| {
        let index = UniqueIndex {
            columns: vec!["id".into()],
            predicate: None,
            primary: true,
            inherited: false,
            deferrable: false,
        };
        (Qualified::new("public", name), vec![index])
    };
    let unique = BTreeMap::from([by_id("Ticket"), by_id("folder")]);
    Compiler::new(
        &resolved,
        Shapes {
            tables,
            unique,
            ..Shapes::default()
        },
        1,
    )
    .unwrap()
}

#[test]
fn everything_that_apply_makes() {
    let generated = compiler().generate().unwrap();
    let roles = ["app".to_owned(), "Other App".to_owned()];
    let mut out: Vec<String> = Vec::new();
    for explanation in &generated.explanations {
        out.push(format!(
            "-- {}\n--   {}",
            explanation.relation,
            explanation.ways.join("\n--   ")
        ));
    }
    out.extend(
        generated
            .functions
            .iter()
            .chain(&generated.hooks)
            .map(|function| format!("-- {}\n{}", function.comment, function.sql)),
    );
    out.extend(
        generated
            .tables
            .iter()
            .flat_map(|table| table.statements(&roles))
            .map(|(_, sql)| sql),
    );
    insta::assert_snapshot!(out.join(";\n\n"));
    assert_eq!(compiler().generate().unwrap(), generated);
}

#[test]
fn the_statements_of_the_server() {
    let compiler = compiler();
    let query = compiler
        .query("ticket", "approver", "user", Order::Descending)
        .unwrap()
        .sql;
    // A subject of another type has no column of its own.
    let teams = compiler
        .query("ticket", "viewer", "team", Order::Ascending)
        .unwrap()
        .sql;
    // Folders lead to folders; who watches a ticket leads nowhere.
    let rows = compiler.rows("ticket", "viewer").unwrap().sql;
    let alone = compiler.rows("ticket", "watcher").unwrap().sql;
    insta::assert_snapshot!([query, teams, rows, alone].join("\n\n"));
}

/// `apply` makes sure of it where rows depend on a relation, and nobody does elsewhere.
#[test]
fn what_brackets_do_not_accept_is_left_out_only_where_none_is_stored() {
    let asks_for = |relation: &str| {
        let sql = compiler()
            .query("ticket", relation, "user", Order::Ascending)
            .unwrap()
            .sql;
        sql.contains(&format!("w.relation = '{relation}'"))
    };
    assert!(!asks_for("approver"), "it guards updates");
    assert!(asks_for("auditor"), "it guards nothing");
}
