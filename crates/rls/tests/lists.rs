//! Lists about rows, page by page: of one relation and of all together, explicit or not, by keys of every kind, and the subjects of a row.
//! They are exactly what the reference evaluator says.
//!
//! `ROWGATE_WORLDS` says how many worlds; `ROWGATE_SEED` begins elsewhere.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;
#[path = "common/generate.rs"]
mod generate;
#[path = "common/reference.rs"]
mod reference;
#[path = "common/server.rs"]
mod server;
#[path = "common/stage.rs"]
mod stage;

use std::collections::BTreeSet;

use common::{Asker, Site};
use generate::{Key, SUBJECTS, Sample, Type};
use reference::expected;
use rowgate_engine::query::page::RowKey;
use rowgate_engine::query::text::Names;
use rowgate_environment::Published;
use rowgate_pgtest::versions;
use rowgate_testkit::Resource;
use server::{Server, resources, subjects};
use stage::{asker, put_in_force};

const WORLDS: u64 = 10;

#[derive(Debug, Default)]
struct Counts {
    worlds: u64,
    rows: usize,
    explicit: usize,
    /// Pages on which several relations of a key of several columns met.
    composite: usize,
    subjects: usize,
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().expect("a number"))
}

#[test]
fn lists_are_complete_and_in_order() {
    let (worlds, first) = (number("ROWGATE_WORLDS", WORLDS), number("ROWGATE_SEED", 1));
    let mut sites: Vec<Site> = versions()
        .into_iter()
        .map(|version| Site::new(version, "lists", ""))
        .collect();
    let mut counts = Counts::default();
    let mut seed = first;
    while counts.worlds < worlds {
        assert!(seed - first < worlds * 30 + 100, "too few worlds compile");
        let sample = generate::sample(seed);
        let count = sites.len() as u64;
        let site = &mut sites[usize::try_from(counts.worlds % count).unwrap()];
        if put_in_force(site, &sample) {
            counts.worlds += 1;
            compare(site, &sample, seed, &mut counts);
        }
        seed += 1;
    }
    println!("{counts:?}");
    assert!(counts.rows > 0 && counts.explicit > 0 && counts.composite > 0 && counts.subjects > 0);
}

fn compare(site: &Site, sample: &Sample, seed: u64, counts: &mut Counts) {
    let server = Server::new(&site.database);
    let published = server.environment.read();
    // Without rules, what holds holds explicitly.
    let mut plain = sample.clone();
    for relation in plain.types.iter_mut().flat_map(|ty| &mut ty.relations) {
        relation.rule = None;
    }
    for (at, subject) in SUBJECTS.iter().enumerate() {
        let asker = Asker {
            claims: None,
            ..asker(subject, seed + at as u64)
        };
        for (explicit, sample) in [(false, sample), (true, &plain)] {
            let holds = expected(sample, &asker, subject);
            for ty in sample.types.iter().filter(|ty| ty.key.is_some()) {
                let wanted = |relation: &str| {
                    let key = (ty.name.clone(), relation.to_owned());
                    holds.get(&key).cloned().unwrap_or_default()
                };
                let context = || {
                    format!(
                        "seed {seed}, explicit: {explicit}, {} for {subject} with {asker:?}\n{}\n{}\n{}",
                        ty.name,
                        sample.schema(),
                        sample.bindings(),
                        sample.facts()
                    )
                };
                let mut all: Vec<RowKey> = Vec::new();
                for relation in &ty.relations {
                    let these = Names::These(vec![relation.name.clone()]);
                    let query = resources(explicit, &ty.name, subject, these);
                    let listed = server
                        .list(&published, &query, &asker, 2)
                        .expect("rows are listed");
                    let ids: BTreeSet<String> = listed.iter().map(|row| row.id.clone()).collect();
                    assert_eq!(ids.len(), listed.len(), "an id twice, {}", context());
                    assert_eq!(ids, wanted(&relation.name), "{}, {}", relation.name, context());
                    all.extend(listed);
                }
                let query = resources(explicit, &ty.name, subject, Names::All);
                let listed = server
                    .list(&published, &query, &asker, 2)
                    .expect("rows are listed");
                all.sort_by(|a, b| in_order(ty, a, b));
                assert_eq!(listed, all, "{}", context());
                counts.rows += listed.len();
                counts.explicit += usize::from(explicit) * listed.len();
                let relations: BTreeSet<&String> = listed.iter().map(|row| &row.relation).collect();
                counts.composite += usize::from(ty.key == Some(Key::Composite) && relations.len() > 1);
            }
        }
    }
    counts.subjects += of_rows(&server, &published, sample, &plain, seed);
}

/// The order of the rows of a list: by key, integers by value, everything else by bytes; then by relation.
fn in_order(ty: &Type, a: &RowKey, b: &RowKey) -> std::cmp::Ordering {
    let number = |text: &str| text.parse::<i64>().unwrap();
    let by_id = match ty.key {
        Some(Key::Integer) => number(&a.id).cmp(&number(&b.id)),
        Some(Key::Composite) => {
            let parts = |id: &str| {
                let (first, second) = id.split_once('/').unwrap();
                (first.replace("~1", "/").replace("~0", "~"), number(second))
            };
            parts(&a.id).cmp(&parts(&b.id))
        }
        _ => a.id.cmp(&b.id),
    };
    by_id.then_with(|| a.relation.cmp(&b.relation))
}

/// The users that are listed for a row are those for whom a check says yes; of those that a warrant names, all are listed. A row
/// `user:*` stands for everybody. Returns how many were listed.
fn of_rows(server: &Server, published: &Published, sample: &Sample, plain: &Sample, seed: u64) -> usize {
    let named = |id: &str| {
        let mut warrants = sample.warrants.iter();
        warrants.any(|edge| edge.subject_type == "user" && edge.subject_id == id)
    };
    let mut count = 0;
    for (explicit, sample) in [(false, sample), (true, plain)] {
        // A policy may look at who asks; one context for all.
        let asker = Asker {
            claims: None,
            ..asker("ann", seed)
        };
        let by_subject: Vec<_> = SUBJECTS
            .iter()
            .map(|subject| (*subject, expected(sample, &asker, subject)))
            .collect();
        let there = |ty: &&Type| ty.key.is_some();
        for ty in sample.types.iter().filter(there) {
            let rows = sample.rows.iter().filter(|row| row.resource_type == ty.name);
            for row in rows.filter(|row| sample.exists(&row.resource_type, &row.id)) {
                let query = subjects(explicit, &Resource::new(&ty.name, &row.id));
                let Some(listed) = server.list(published, &query, &asker, 2) else {
                    continue;
                };
                count += listed.len();
                for (subject, holds) in &by_subject {
                    for relation in &ty.relations {
                        let key = (ty.name.clone(), relation.name.clone());
                        let holds = holds.get(&key).is_some_and(|ids| ids.contains(&row.id));
                        let has = |id: &str| {
                            listed
                                .iter()
                                .any(|other| other.id == id && other.relation == relation.name)
                        };
                        let context = || {
                            format!(
                                "seed {seed}, explicit: {explicit}, {}:{}#{}@{subject}: {listed:?}\n{}\n{}\n{}",
                                ty.name,
                                row.id,
                                relation.name,
                                sample.schema(),
                                sample.bindings(),
                                sample.facts()
                            )
                        };
                        if has(subject) || has("*") {
                            assert!(holds, "{}", context());
                        } else if named(subject) {
                            assert!(!holds, "{}", context());
                        }
                    }
                }
            }
        }
    }
    count
}
