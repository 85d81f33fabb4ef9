//! Random schemas, bindings, rows, warrants and contexts: the rows that a role sees are the rows for which the reference evaluator says yes,
//! and the ids that the generated query gives.
//!
//! `ROWGATE_WORLDS` says how many worlds; `ROWGATE_SEED` begins elsewhere.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;
#[path = "common/forms.rs"]
mod forms;
#[path = "common/generate.rs"]
mod generate;
#[path = "common/new_rows.rs"]
mod new_rows;
#[path = "common/reference.rs"]
mod reference;
#[path = "common/stage.rs"]
mod stage;

use std::collections::{BTreeMap, BTreeSet};

use common::{Asker, Site};
use generate::{Edge, SUBJECTS, Sample};
use postgres::Client;
use reference::{by_relation, expected, stored};
use rowgate_binding::Bindings;
use rowgate_pgtest::versions;
use rowgate_rls::{Compiler, Error, Order, Request, apply, read_shapes};
use stage::{asker, fill};

const WORLDS: u64 = 40;

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().expect("a number"))
}

#[test]
fn rows_under_policies_are_those_of_the_reference_evaluator() {
    let (worlds, first) = (number("ROWGATE_WORLDS", WORLDS), number("ROWGATE_SEED", 1));
    let mut sites: Vec<Site> = versions()
        .into_iter()
        .map(|version| Site::new(version, "oracle", ""))
        .collect();
    let (mut compiled, mut shown) = (0, 0);
    let mut refused: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut seed = first;
    while compiled < worlds {
        let sample = generate::sample(seed);
        let count = sites.len() as u64;
        let site = &mut sites[usize::try_from(seed % count).unwrap()];
        if std::env::var("ROWGATE_SHOW").is_ok() {
            println!("seed {seed}");
        }
        match check(site, &sample, seed) {
            Ok(rows) => {
                compiled += 1;
                shown += rows;
            }
            Err(code) => *refused.entry(code).or_default() += 1,
        }
        seed += 1;
        assert!(
            seed - first < worlds * 20 + 200,
            "too few worlds compile: {refused:?}"
        );
    }
    println!("{compiled} worlds, {shown} rows shown; refused: {refused:?}");
    assert!(shown as u64 > worlds, "hardly anything was visible");
}

/// Compares one world. `Err`: the code with which it was refused.
fn check(site: &mut Site, sample: &Sample, seed: u64) -> Result<usize, &'static str> {
    let schema = sample.schema();
    let Ok((model, _)) = rowgate_schema::compile(&schema) else {
        return Err("schema");
    };
    let bindings = Bindings::parse_toml(&sample.bindings().replace("ROLE", &site.role))
        .unwrap_or_else(|found| panic!("seed {seed}: {found:?}"));
    let Ok(resolved) = bindings.resolve(&model) else {
        return Err("bindings");
    };
    fill(site, sample);
    let referring = seed / 8 % 2 == 1;
    let referred = referring.then(|| stage::refer(site, sample));
    let sample = referred.as_ref().unwrap_or(sample);
    let request = Request {
        bindings: &bindings,
        schema: Some(&model),
        keep_existing: false,
    };
    match apply(&mut site.admin, &request) {
        Ok(applied) => {
            if std::env::var("ROWGATE_SHOW").is_ok() {
                applied
                    .plan
                    .steps
                    .iter()
                    .for_each(|step| println!("{};", step.sql));
            }
        }
        Err(error @ Error::Refused(_)) => return Err(error.code()),
        Err(error) => panic!("seed {seed}: {error}\n{schema}\n{}", sample.bindings()),
    }
    // Both versions meet all forms.
    match seed / 2 % 4 {
        1 => forms::of_much(&mut site.admin),
        2 => forms::of_keys(&mut site.admin),
        3 => {
            forms::of_keys(&mut site.admin);
            forms::of_later_rows(&mut site.admin);
        }
        _ => {}
    }
    let shapes = read_shapes(&mut site.admin, &bindings).unwrap();
    let compiler = Compiler::new(&resolved, shapes, 1).unwrap();
    let mut client = site.database.client_as(&site.role);
    client.batch_execute("set statement_timeout = '20s'").unwrap();
    let mut shown = 0;
    for (index, subject) in SUBJECTS.iter().enumerate() {
        let asker = asker(subject, seed + index as u64);
        let expected = expected(sample, &asker, subject);
        for ty in sample.types.iter().filter(|ty| ty.key.is_some()) {
            let holds = |relation: &str| {
                expected
                    .get(&(ty.name.clone(), relation.to_owned()))
                    .cloned()
                    .unwrap_or_default()
            };
            let visible = holds(&ty.relations[0].name);
            let context = || {
                format!(
                    "seed {seed}, {} as {subject:?} with {asker:?}\n{schema}\n{}\n{}",
                    ty.name,
                    sample.bindings(),
                    sample.facts()
                )
            };
            for (command, relation) in ty.guards() {
                let id = ty.id_sql();
                let sql = match command {
                    "select" => format!("select {id} from {}", ty.name),
                    "update" => format!("update {} set gone = gone returning {id}", ty.name),
                    _ => format!("delete from {} returning {id}", ty.name),
                };
                let rows: BTreeSet<String> = common::ask(&mut client, &asker, &sql)
                    .unwrap_or_else(|error| panic!("{error:?}\n{}", context()))
                    .into_iter()
                    .collect();
                let wanted: BTreeSet<String> = holds(&relation).intersection(&visible).cloned().collect();
                assert_eq!(rows, wanted, "{command}, {}", context());
                if command == "update" {
                    let writable = new_rows::writable(&mut site.admin, &site.role, &asker, &ty.name, id);
                    assert_eq!(writable, holds(&relation), "new rows, {}", context());
                }
                shown += rows.len();
                let listed = query(&mut site.admin, &compiler, &ty.name, &relation, subject, &asker);
                assert_eq!(listed, holds(&relation), "query {relation}, {}", context());
            }
            by_rows(
                &mut site.admin,
                &compiler,
                sample,
                ty,
                &asker,
                subject,
                &visible,
                &context(),
            );
        }
    }
    Ok(shown)
}

/// All ids that the generated query gives, two at a time, in both orders and by each of its ways.
fn query(
    admin: &mut Client,
    compiler: &Compiler,
    ty: &str,
    relation: &str,
    subject: &str,
    asker: &Asker,
) -> BTreeSet<String> {
    let mut orders = Vec::new();
    for (order, large) in [
        (Order::Ascending, 99),
        (Order::Descending, 99),
        (Order::Descending, 0),
    ] {
        // The sets of a world are small. In the last turn each counts as large, unless it is empty.
        let sql = compiler.query(ty, relation, "user", order).unwrap().sql;
        let sql = sql.replace("offset 99)", &format!("offset {large})"));
        let statement = admin
            .prepare(&sql)
            .unwrap_or_else(|error| panic!("{error:?}\n{sql}"));
        let mut ids: Vec<String> = Vec::new();
        loop {
            let after = ids.last().cloned();
            let rows = admin
                .query(
                    &statement,
                    &[&subject, &asker.context, &asker.claims, &after, &2_i64, &0_i64],
                )
                .unwrap();
            ids.extend(rows.iter().map(|row| row.get::<_, String>(0)));
            if rows.len() < 2 {
                break;
            }
        }
        let set: BTreeSet<String> = ids.iter().cloned().collect();
        assert_eq!(set.len(), ids.len(), "an id twice: {ids:?}");
        orders.push(set);
    }
    assert_eq!(orders[0], orders[1]);
    assert_eq!(orders[1], orders[2]);
    orders.remove(0)
}

/// What the server's statement reads of rows is enough to give the same answer.
#[allow(clippy::too_many_arguments, reason = "one world")]
fn by_rows(
    admin: &mut Client,
    compiler: &Compiler,
    sample: &Sample,
    ty: &generate::Type,
    asker: &Asker,
    subject: &str,
    visible: &BTreeSet<String>,
    context: &str,
) {
    let relation = &ty.relations[0].name;
    let mut edges: Vec<Edge> = Vec::new();
    let mut attributes = BTreeMap::new();
    // Stored warrants lead to rows of every bound type; a server asks for those that it meets.
    for met in sample.types.iter().filter(|met| met.key.is_some()) {
        let statement = compiler.rows_from(&met.name, (&ty.name, relation)).unwrap();
        let of_type = sample.rows.iter().filter(|row| row.resource_type == met.name);
        let ids = statement.ids(of_type.map(|row| row.id.as_str()));
        let lines = admin
            .query(&statement.sql, &[ids.parameter(), &"user", &subject])
            .unwrap_or_else(|error| panic!("{error:?}\n{}", statement.sql));
        for row in lines.iter().flat_map(|line| statement.read(line).unwrap()) {
            for edge in row.edges {
                edges.push(Edge {
                    resource_type: row.resource_type.clone(),
                    resource_id: row.resource_id.clone(),
                    relation: edge.relation,
                    subject_type: edge.subject_type,
                    subject_id: edge.subject_id,
                    subject_relation: edge.subject_relation.unwrap_or_default(),
                });
            }
            attributes.insert((row.resource_type, row.resource_id), row.attributes);
        }
    }
    edges.sort();
    edges.dedup();
    edges.extend(stored(sample));
    let answers = by_relation(sample, asker, subject, &edges, &attributes);
    let found = answers
        .get(&(ty.name.clone(), relation.clone()))
        .cloned()
        .unwrap_or_default();
    assert_eq!(found, *visible, "by rows, {context}");
}
