//! `rls init` on realistic databases: the drafts are kept as they are, and fit themselves, the database and the compiler.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use rowgate_binding::Bindings;
use rowgate_pgtest::versions;
use rowgate_rls::draft::{Draft, draft};
use rowgate_rls::verify::{Expected, verify};
use support::World;

/// Drafts on both versions, which must agree, and tries the draft as it is and as a person would complete it.
fn drafted(name: &str, sql: &str, schema: &str) -> Draft {
    let mut drafts = Vec::new();
    for version in versions() {
        let mut world = World::empty(version, name);
        world.run(sql);
        let made = draft(&world.catalog(), schema);
        let (model, warnings) = rowgate_schema::compile(&made.schema)
            .unwrap_or_else(|found| panic!("{found:#?}\n{}", made.schema));
        let idle = made.tables == 0 && warnings.iter().all(|warning| warning.code == "unused_type");
        assert!(idle || warnings.is_empty(), "{warnings:#?}");
        let bindings = Bindings::parse_toml(&made.bindings)
            .unwrap_or_else(|found| panic!("{found:#?}\n{}", made.bindings));
        assert_eq!(bindings.tables.len(), made.tables);
        let resolved = bindings
            .resolve(&model)
            .unwrap_or_else(|found| panic!("{found:#?}\n{}", made.bindings));
        let said: Vec<&str> = resolved.warnings().iter().map(|warning| warning.code).collect();
        // What is guarded is to be decided.
        let undecided = if made.tables == 0 {
            &[][..]
        } else {
            &["nothing_guarded"]
        };
        assert_eq!(said, undecided);
        complete(&mut world, &made, &model);
        let name = world.filled("{app}");
        drafts.push(Draft {
            bindings: made.bindings.replace(&name, "ROLE"),
            ..made
        });
    }
    assert_eq!(drafts[0], drafts[1], "the versions differ");
    drafts.remove(0)
}

/// With every comment that is a line of TOML taken in, and a role: what comes of it can be compiled.
fn complete(world: &mut World, made: &Draft, model: &rowgate_schema::Model) {
    world.run("do $$ begin create role {app} login; exception when duplicate_object then null; end $$;\n");
    let roles = world.filled("roles = [\"{app}\"]");
    let text: Vec<String> = made
        .bindings
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(line) if line.starts_with("policies.") || line.starts_with("relations.") => line.to_owned(),
            _ => line.replace("roles = []", &roles),
        })
        .collect();
    let bindings = Bindings::parse_toml(&text.join("\n")).unwrap_or_else(|found| panic!("{found:#?}"));
    bindings
        .resolve(model)
        .unwrap_or_else(|found| panic!("{found:#?}\n{}", made.bindings));
    let mut transaction = world.client.transaction().unwrap();
    let catalog = rowgate_rls::catalog::Catalog::read(&mut transaction).unwrap();
    let expected = Expected::read(&mut transaction, &catalog, model, &bindings).unwrap();
    let found = verify(&catalog, Some(&expected));
    let refused: Vec<_> = found
        .iter()
        .filter(|finding| finding.code == "bindings_refused")
        .collect();
    assert!(
        refused.is_empty(),
        "{refused:#?}\n{}\n{}",
        made.schema,
        made.bindings
    );
    assert_eq!(
        found.iter().any(|finding| finding.code == "not_applied"),
        made.tables > 0,
        "{found:#?}"
    );
}

#[test]
fn ticketing() {
    let draft = drafted("ticketing", include_str!("databases/ticketing.sql"), "public");
    insta::assert_snapshot!("ticketing_bindings", draft.bindings);
    insta::assert_snapshot!("ticketing_schema", draft.schema);
}

#[test]
fn files_and_folders() {
    let draft = drafted("files", include_str!("databases/files.sql"), "public");
    insta::assert_snapshot!("files_bindings", draft.bindings);
    insta::assert_snapshot!("files_schema", draft.schema);
}

#[test]
fn a_grown_database() {
    let draft = drafted("legacy", include_str!("databases/legacy.sql"), "legacy");
    insta::assert_snapshot!("legacy_bindings", draft.bindings);
    insta::assert_snapshot!("legacy_schema", draft.schema);
}

#[test]
fn a_schema_without_tables() {
    let draft = drafted("empty", "create schema nothing;\n", "nothing");
    assert_eq!(draft.tables, 0);
    assert!(draft.bindings.contains("has no table that can be bound"));
}
