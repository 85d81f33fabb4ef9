//! Tables guarded by permissions: for every membership, the rows under row-level security are those for which a check of the authorization
//! API says yes. Random organizations on real servers.
//!
//! `ROWGATE_WORLDS` says how many worlds; `ROWGATE_SEED` begins elsewhere.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../../rls/tests/common/forms.rs"]
mod forms;
mod random;
mod rules;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use postgres::{Client, Transaction};
use random::{Dice, Keys, Made};
use rowgate_engine::query::page::Page;
use rowgate_engine::query::text::{Names, Query, Reference, Select};
use rowgate_engine::{Ambient, Check, Subject, Value};
use rowgate_pgtest::versions;
use rowgate_policy::{Context, Timestamp};
use rowgate_rbac::names::MEMBERSHIP;
use rowgate_rbac::rows::RowResource;
use rowgate_rows::{Question, Tables, list};
use tokio::runtime::{Handle, Runtime};
use world::{BINDINGS, TABLES, World, claims, external};

const WORLDS: u64 = 6;
const ROUNDS: usize = 4;

/// What all connections of a test are driven by.
fn runtime() -> Handle {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().unwrap()).handle().clone()
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().expect("a number"))
}

/// A row of a table that has a project by external id.
#[derive(Debug, Clone)]
struct Placed {
    id: String,
    organization: Option<String>,
    project: Option<String>,
}

#[derive(Debug, Default)]
struct Rows {
    pages: Vec<Placed>,
    folders: BTreeMap<i32, (Placed, Option<i32>)>,
    notes: BTreeMap<i32, Option<i32>>,
    memos: BTreeMap<i32, Option<String>>,
    notices: BTreeMap<i32, Option<String>>,
}

fn fill(world: &mut World, made: &Made, dice: &mut Dice) -> Rows {
    let mut rows = Rows::default();
    let organizations: Vec<String> = made
        .organizations
        .iter()
        .cloned()
        .chain(["org_none".to_owned()])
        .collect();
    let placed = |dice: &mut Dice, id: String| Placed {
        id,
        organization: (!dice.chance(8)).then(|| dice.pick(&organizations).unwrap().clone()),
        project: (!dice.chance(6)).then(|| made.keys.project(dice.below(6))),
    };
    for number in 0..30 {
        rows.pages.push(placed(dice, made.keys.page(number)));
    }
    for number in 1..13 {
        let mut folder = placed(dice, number.to_string());
        if dice.below(3) > 0 {
            folder.project = None;
        }
        // Folders in each other, in themselves, and in none that there is.
        let parent = (!dice.chance(4)).then(|| i32::try_from(dice.below(14)).unwrap());
        rows.folders.insert(number, (folder, parent));
    }
    for number in 0..15 {
        rows.notes.insert(
            number,
            (!dice.chance(6)).then(|| i32::try_from(dice.below(14)).unwrap()),
        );
        let project = dice.pick(&made.projects).map(|(_, _, id)| id.clone());
        let project = project
            .filter(|_| !dice.chance(5))
            .or(Some("authz_resource_none".to_owned()));
        rows.memos.insert(number, project.filter(|_| !dice.chance(8)));
        rows.notices.insert(
            number,
            (!dice.chance(8)).then(|| dice.pick(&organizations).unwrap().clone()),
        );
    }
    let cast = made.keys.sql();
    let insert_page = format!("insert into page values ($1::text::{cast}, $2, $3::text::{cast})");
    for page in &rows.pages {
        world
            .admin
            .execute(&insert_page, &[&page.id, &page.organization, &page.project])
            .unwrap();
    }
    let insert_folder = format!("insert into folder values ($1, $2, $3::text::{cast}, $4)");
    for (id, (folder, parent)) in &rows.folders {
        let values: [&(dyn postgres::types::ToSql + Sync); 4] =
            [id, &folder.organization, &folder.project, parent];
        world.admin.execute(&insert_folder, &values).unwrap();
    }
    for (id, folder) in &rows.notes {
        world
            .admin
            .execute("insert into note values ($1, $2)", &[id, folder])
            .unwrap();
    }
    for (id, project) in &rows.memos {
        world
            .admin
            .execute("insert into memo values ($1, $2)", &[id, project])
            .unwrap();
    }
    for (id, organization) in &rows.notices {
        world
            .admin
            .execute("insert into notice values ($1, $2)", &[id, organization])
            .unwrap();
    }
    rows
}

/// What the code of an application that walks up and asks about the project would answer.
struct Walk<'w> {
    world: &'w World,
    rows: &'w Rows,
    membership: &'w str,
    organization: &'w str,
}

impl Walk<'_> {
    fn placed(&self, row: &Placed, permission: &str) -> bool {
        let own = row.organization.as_deref() == Some(self.organization);
        row.project.as_ref().is_some_and(|project| {
            own && self
                .world
                .may(self.membership, permission, &external("project", project))
        })
    }

    fn folder(&self, id: i32, permission: &str) -> bool {
        let mut visited = BTreeSet::new();
        let mut at = Some(id);
        while let Some(id) = at.filter(|id| visited.insert(*id)) {
            let Some((folder, parent)) = self.rows.folders.get(&id) else {
                return false;
            };
            if self.placed(folder, permission) {
                return true;
            }
            at = *parent;
        }
        false
    }

    fn note(&self, id: i32, permission: &str) -> bool {
        self.rows.notes[&id].is_some_and(|folder| self.folder(folder, permission))
    }

    fn memo(&self, id: i32, permission: &str) -> bool {
        let project = self.rows.memos[&id].as_ref();
        project.is_some_and(|project| {
            self.world.may(
                self.membership,
                permission,
                &rowgate_rbac::Target::Id(project.clone()),
            )
        })
    }

    fn notice(&self, id: i32, permission: &str) -> bool {
        let organization = self.rows.notices[&id].as_deref();
        organization.is_some_and(|organization| {
            organization == self.organization
                && self.world.may(
                    self.membership,
                    permission,
                    &external("organization", organization),
                )
        })
    }
}

fn sign_in(transaction: &mut Transaction<'_>, user: &str, organization: &str) {
    let claims = serde_json::to_string(&claims(user, organization)).unwrap();
    transaction
        .execute("select set_config('request.jwt.claims', $1, true)", &[&claims])
        .unwrap();
}

/// The first column of a statement in a transaction that is rolled back.
fn ask(client: &mut Client, (user, organization): (&str, &str), sql: &str) -> BTreeSet<String> {
    let mut transaction = client.transaction().unwrap();
    sign_in(&mut transaction, user, organization);
    let rows = transaction
        .query(sql, &[])
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    rows.iter().map(|row| row.get(0)).collect()
}

fn chosen<'a, T: 'a>(
    all: impl IntoIterator<Item = (String, T)>,
    holds: impl Fn(&T) -> bool,
) -> BTreeSet<String> {
    all.into_iter()
        .filter(|(_, one)| holds(one))
        .map(|(id, _)| id)
        .collect()
}

/// Compares everything that one user sees in one organization, a member or not. How many rows that are.
fn compare(
    world: &World,
    rows: &Rows,
    client: &mut Client,
    tables: &Tables,
    who: (&str, &str, &str),
    keys: Keys,
) -> usize {
    let (user, organization, membership) = who;
    let walk = Walk {
        world,
        rows,
        membership,
        organization,
    };
    let me = (user, organization);
    let pages = |permission: &str| {
        chosen(rows.pages.iter().map(|page| (page.id.clone(), page)), |page| {
            walk.placed(page, permission)
        })
    };
    let (seen, edited) = (pages("page:view"), pages("page:edit"));
    let both: BTreeSet<String> = seen.intersection(&edited).cloned().collect();
    let context = format!("{who:?} {keys:?} {rows:#?}");
    assert_eq!(ask(client, me, "select id::text from page"), seen, "{context}");
    assert_eq!(
        ask(
            client,
            me,
            "update page set touched = not touched returning id::text"
        ),
        both,
        "{context}"
    );
    assert_eq!(
        ask(client, me, "delete from page returning id::text"),
        both,
        "{context}"
    );
    let ids = |count: usize| {
        (0..count)
            .map(|n| i32::try_from(n).unwrap())
            .map(|n| (n.to_string(), n))
    };
    let folders = rows.folders.keys().map(|id| (id.to_string(), *id));
    let expected = chosen(folders, |id| {
        let own = rows.folders[id].0.organization.as_deref() == Some(walk.organization);
        own && walk.folder(*id, "project:view")
    });
    assert_eq!(
        ask(client, me, "select id::text from folder"),
        expected,
        "{context}"
    );
    let notes = chosen(ids(rows.notes.len()), |id| walk.note(*id, "project:view"));
    assert_eq!(ask(client, me, "select id::text from note"), notes, "{context}");
    let kept = chosen(ids(rows.notes.len()), |id| walk.note(*id, "workspace:edit"));
    let touched = ask(client, me, "update note set touched = true returning id::text");
    assert_eq!(touched, notes.intersection(&kept).cloned().collect(), "{context}");
    let memos = chosen(ids(rows.memos.len()), |id| walk.memo(*id, "project:view"));
    assert_eq!(ask(client, me, "select id::text from memo"), memos, "{context}");
    let notices = chosen(ids(rows.notices.len()), |id| walk.notice(*id, "org:read"));
    assert_eq!(
        ask(client, me, "select id::text from notice"),
        notices,
        "{context}"
    );
    inserted(client, me, &walk, keys, &context);
    if !membership.is_empty() {
        checked(world, rows, tables, membership, organization, &context);
    }
    seen.len() + expected.len() + notes.len() + memos.len() + notices.len()
}

/// A row goes in exactly when the membership would have the permission on it.
fn inserted(client: &mut Client, me: (&str, &str), walk: &Walk<'_>, keys: Keys, context: &str) {
    for number in [0, 1, 3, 5] {
        let new = Placed {
            id: keys.page(90),
            organization: Some(walk.organization.to_owned()),
            project: Some(keys.project(number)),
        };
        let mut transaction = client.transaction().unwrap();
        sign_in(&mut transaction, me.0, me.1);
        let sql = format!(
            "insert into page values ($1::text::{0}, $2, $3::text::{0})",
            keys.sql()
        );
        let done = transaction.execute(&sql, &[&new.id, &new.organization, &new.project]);
        assert_eq!(
            done.is_ok(),
            walk.placed(&new, "page:edit"),
            "insert {new:?}: {done:?} {context}"
        );
    }
}

/// The check of the API on every page, and the list of all of them, with rows read from the tables.
fn checked(world: &World, rows: &Rows, tables: &Tables, membership: &str, organization: &str, context: &str) {
    let published = world.environment.read();
    let bindings = &published.bound.as_ref().unwrap().bindings;
    let none = Context::new();
    let ambient = Ambient {
        context: &none,
        claims: None,
        now: Timestamp(rowgate_environment::now()),
    };
    let reader = tables
        .blocking_reader(&world.environment, &published)
        .unwrap()
        .unwrap();
    let read = rowgate_rbac::Reader::new(&published.graph);
    let (found, of) = (
        read.membership(membership).unwrap(),
        read.organization(organization).unwrap(),
    );
    let walk = Walk {
        world,
        rows,
        membership,
        organization,
    };
    let may = "may_pageCview";
    let mut yes = BTreeSet::new();
    for page in &rows.pages {
        let row = RowResource::of(bindings, &of, &external("page", &page.id)).unwrap();
        let check: Check<'_> = row.check(&found, may);
        let question = Question {
            resource: (check.resource_type, check.resource_id),
            relation: may,
            subject: Some(check.subject),
        };
        let decision = reader
            .blocking_ask(&question, |view| view.check(&check, &ambient))
            .unwrap();
        assert_eq!(
            decision.value == Value::True,
            walk.placed(page, "page:view"),
            "{page:?} {context}"
        );
        assert_ne!(decision.value, Value::Unknown);
        let is_there = page.organization.as_deref() == Some(organization);
        assert_eq!(reader.blocking_exists(&question).unwrap(), is_there, "{page:?}");
        if decision.value == Value::True {
            yes.insert(row.id);
        }
    }
    let query = Query {
        explicit: false,
        select: Select::Resources {
            types: Names::These(vec!["authz-page".to_owned()]),
            subject: Reference {
                resource_type: MEMBERSHIP.to_owned(),
                id: membership.to_owned(),
            },
            relations: Names::These(vec![may.to_owned()]),
        },
    };
    let mut page = Page {
        limit: Some(4),
        ..Page::default()
    };
    let mut listed = BTreeSet::new();
    loop {
        let found = list::query(&reader, &query, &page, &ambient).unwrap();
        page.after = found.rows.last().map(|row| row.key.clone());
        listed.extend(found.rows.into_iter().map(|row| row.key.id));
        if !found.more {
            break;
        }
    }
    assert_eq!(listed, yes, "{context}");
    let _: Subject<'_> = RowResource::of_id("page", "org/x")
        .unwrap()
        .check(&found, may)
        .subject;
}

/// A world with rows in it, guarded.
struct Site {
    world: World,
    made: Made,
    rows: Rows,
    tables: Tables,
    client: Client,
    dice: Dice,
}

impl Site {
    fn new(seed: u64) -> Self {
        let keys = [Keys::Text, Keys::Uuid, Keys::Integer][usize::try_from(seed / 2 % 3).unwrap()];
        let version = versions()[usize::try_from(seed % 2).unwrap()];
        let mut dice = Dice::new(seed);
        let tables = TABLES.replace("PROJECT", keys.sql()).replace("KEY", keys.sql());
        let mut world = World::new(version, &tables);
        let made = Made::new(&world, &mut dice, keys);
        let rows = fill(&mut world, &made, &mut dice);
        world.guard(BINDINGS);
        let tables = Tables::new(world.database.url().to_owned(), runtime());
        let mut client = world.database.client_as(&world.role);
        client.batch_execute("set statement_timeout = '20s'").unwrap();
        Self {
            world,
            made,
            rows,
            tables,
            client,
            dice,
        }
    }

    /// Compares for every user in every organization, a member or not. How many rows are shown.
    fn compare(&mut self) -> usize {
        let mut shown = 0;
        for user in &self.made.users {
            for organization in self
                .made
                .organizations
                .iter()
                .map(String::as_str)
                .chain(["org_none"])
            {
                let mut members = self.made.memberships.iter();
                let member = members.find(|(of, at, _)| of == user && at == organization);
                let who = (
                    user.as_str(),
                    organization,
                    member.map_or("", |(.., id)| id.as_str()),
                );
                shown += compare(
                    &self.world,
                    &self.rows,
                    &mut self.client,
                    &self.tables,
                    who,
                    self.made.keys,
                );
            }
        }
        shown
    }
}

#[test]
fn rows_are_those_for_which_a_check_says_yes() {
    let (worlds, first) = (number("ROWGATE_WORLDS", WORLDS), number("ROWGATE_SEED", 1));
    let mut shown = 0;
    for seed in first..first + worlds {
        let mut site = Site::new(seed);
        for round in 0..ROUNDS {
            if round == ROUNDS / 2 {
                forms::of_much(&mut site.world.admin);
            }
            shown += site.compare();
            for _ in 0..8 {
                site.made.change(&site.world, &mut site.dice);
            }
            if std::env::var("ROWGATE_SHOW").is_ok() {
                println!("seed {seed}, round {round}: {shown} rows shown");
            }
        }
    }
    println!("{worlds} worlds, {shown} rows shown");
    assert!(shown as u64 > worlds * 20, "hardly anything was visible");
}

/// Each of these lets too much through, or too little, and the comparison says so.
#[test]
fn the_comparison_notices_what_is_wrong() {
    let wrong = [
        "alter policy rowgate_select on page using (project_id is not null)",
        "alter policy rowgate_select on folder using (false)",
        "create or replace function rowgate_rls.in_force(policy text) returns boolean language sql stable strict parallel safe return true",
        "create or replace function rowgate_rls.organization() returns text language sql stable parallel restricted return (select min(subject_id) from rowgate.warrant where relation = 'organization')",
    ];
    for sql in wrong {
        let mut site = Site::new(3);
        site.world.admin.batch_execute(sql).unwrap();
        let notices = (0..6).any(|_| {
            let noticed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| site.compare())).is_err();
            for _ in 0..8 {
                site.made.change(&site.world, &mut site.dice);
            }
            noticed
        });
        assert!(notices, "nothing noticed {sql}");
    }
}
