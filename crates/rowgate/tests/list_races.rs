//! Lists and checks of rows over HTTP while others write: rows come, go and change hands, grants are given and taken back, in SQL and over HTTP.
//!
//! What is visible follows from single facts, each of which one writer alone changes and notes the time of. A row that was visible for as long as
//! a list took is in it once; one that was visible at no moment of it is not in it; and its order is that of the key.

// Helpers of tests may say what must hold by panicking.
#![allow(clippy::unwrap_used)]

#[path = "list_races/history.rs"]
mod history;
mod support;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use history::{Fact, History};
use rowgate::client::{Ask, Client};
use rowgate_pgtest::{Database, Version, versions};
use rowgate_testkit::sample::Numbers;
use serde_json::{Value, json};
use support::postgres::{Serving, apply_bindings, installed};

const SCHEMA: &str = "version 0.3
type user
type project
    relation viewer [user]
type task
    relation owner [user]
    relation project [project]
    relation viewer []
    inherit viewer if
        any_of
            relation owner
            relation viewer on project [project]
";

const BINDINGS: &str = r#"
roles = ["ROLE"]
[subject]
type = "user"
[[table]]
name = "public.task"
type = "task"
id = "id"
relations.owner = { column = "owner_id", type = "user" }
relations.project = { column = "project_id", type = "project" }
policies.select = "viewer"
"#;

/// Tasks, numbered from 1. What can happen to one follows from its number.
const TASKS: i64 = 160;
const KINDS: i64 = 8;

/// Of these projects the grants come and go: those with even numbers in SQL, the others over HTTP. Nobody touches the grants of others.
const TOGGLED: i64 = 6;
const ON: i64 = 100;
const ALSO_ON: i64 = 101;
const OFF: i64 = 102;

/// Lists, and pages of checks, that are asked for.
const LISTS: usize = 14;
const CHECKS: usize = 150;

/// Where a task is to begin with, and whose it is.
fn placed(task: i64) -> (i64, &'static str) {
    match task % KINDS {
        1 => (OFF, "eve"),
        2 => (task % TOGGLED, "eve"),
        6 => (OFF, "ann"),
        7 => (task % TOGGLED, "ann"),
        _ => (ON, "eve"),
    }
}

/// What makes a task visible to `ann` by a relation.
fn fact(task: i64, relation: &str) -> Fact {
    match (task % KINDS, relation) {
        (7, _) => Fact::Always,
        (6, _) => Fact::Task(task),
        (_, "owner") => Fact::Never,
        (1, _) => Fact::Never,
        (2, _) => Fact::Project(task % TOGGLED),
        (3 | 4, _) => Fact::Task(task),
        _ => Fact::Always,
    }
}

struct Scene {
    database: Database,
    role: String,
    servers: [Serving; 2],
    history: History,
    done: AtomicBool,
}

impl Scene {
    fn new(version: Version) -> Self {
        let database = installed(version);
        let role = format!("app_{}", database.name());
        let mut admin = database.client();
        let tables = format!(
            "create role {role} login; grant rowgate_app to {role};
             create table task (id bigint primary key, project_id bigint not null, owner_id text not null, title text not null default '');
             create index on task (project_id); create index on task (owner_id)"
        );
        admin.batch_execute(&tables).unwrap();
        for task in 1..=TASKS {
            let (project, owner) = placed(task);
            let sql = "insert into task (id, project_id, owner_id) values ($1, $2, $3)";
            admin.execute(sql, &[&task, &project, &owner]).unwrap();
        }
        let servers = [Serving::start(&database), Serving::start(&database)];
        apply_bindings(&database, &BINDINGS.replace("ROLE", &role), Some(SCHEMA));
        let scene = Self {
            database,
            role,
            servers,
            history: History::new(|fact| matches!(fact, Fact::Always | Fact::Task(_))),
            done: AtomicBool::new(false),
        };
        for project in [ON, ALSO_ON] {
            grant(&scene.servers[0].client(), project, true);
        }
        scene
    }

    fn write(&self, seed: u64, mut turn: impl FnMut(&mut Numbers)) {
        let mut numbers = Numbers::new(seed);
        while !self.done.load(Ordering::Acquire) {
            turn(&mut numbers);
        }
    }

    /// Rows change hands and places, come and go.
    fn change_rows(&self, seed: u64) {
        let mut client = self.database.client();
        self.write(seed, |numbers| {
            let task = 1 + i64::from(numbers.below(TASKS as u32));
            let is_visible = self.history.now(&Fact::Task(task));
            let sql = match (task % KINDS, is_visible) {
                (3, true) => format!("update task set project_id = {OFF} where id = $1"),
                (3, false) => format!("update task set project_id = {ON} where id = $1"),
                (4, true) => "delete from task where id = $1".to_owned(),
                (4, false) => {
                    format!("insert into task (id, project_id, owner_id) values ($1, {ON}, 'eve')")
                }
                (6, true) => "update task set owner_id = 'eve' where id = $1".to_owned(),
                (6, false) => "update task set owner_id = 'ann' where id = $1".to_owned(),
                (5, _) => {
                    format!("update task set project_id = {ON} + {ALSO_ON} - project_id where id = $1")
                }
                _ => "update task set title = title || '.' where id = $1".to_owned(),
            };
            let mut change = || {
                assert_eq!(client.execute(&sql, &[&task]).unwrap(), 1, "{sql}: {task}");
                None
            };
            if let fact @ Fact::Task(_) = fact(task, "viewer") {
                self.history.note(fact, !is_visible, change);
            } else {
                change();
            }
        });
    }

    /// The application grants in transactions of its own.
    fn grant_in_sql(&self, seed: u64) {
        let mut client = self.database.client_as(&self.role);
        self.write(seed, |numbers| {
            let project = 2 * i64::from(numbers.below(TOGGLED as u32 / 2));
            let is_granted = self.history.now(&Fact::Project(project));
            let function = if is_granted { "delete" } else { "create" };
            let sql = format!("select rowgate.{function}_warrant('project:{project}', 'viewer', 'user:ann'), rowgate.token()");
            self.history.note(Fact::Project(project), !is_granted, || {
                let line = client.query_one(&sql, &[]).unwrap();
                assert!(line.get::<_, bool>(0), "{sql}");
                Some(line.get(1))
            });
        });
    }

    fn grant_over_http(&self, seed: u64) {
        let client = self.servers[1].client();
        self.write(seed, |numbers| {
            let project = 1 + 2 * i64::from(numbers.below(TOGGLED as u32 / 2));
            let is_granted = self.history.now(&Fact::Project(project));
            self.history.note(Fact::Project(project), !is_granted, || {
                Some(grant(&client, project, !is_granted))
            });
        });
    }

    /// Lists, page by page from one server and the other.
    fn list(&self) -> usize {
        let clients = self.servers.each_ref().map(Serving::client);
        let mut listed = 0;
        for turn in 0..LISTS {
            let order = ["asc", "desc"][turn % 2];
            let (relations, limit) =
                [("viewer", "7"), ("owner,viewer", "1"), ("owner,viewer", "10")][turn % 3];
            let q = format!("select task where user:ann is {relations}");
            let since = Instant::now();
            let mut rows: Vec<(i64, String)> = Vec::new();
            let mut after = String::new();
            for page in 0.. {
                let query = [
                    ("q", q.as_str()),
                    ("limit", limit),
                    ("order", order),
                    ("after", &after),
                ];
                let ask = Ask {
                    path: &["fga", "v1", "query"],
                    query: &query,
                    ..Ask::default()
                };
                let answer = clients[page % 2].get(&ask).unwrap();
                let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
                let found = answer["data"].as_array().unwrap().iter();
                rows.extend(
                    found.map(|row| (text(row, "resource_id").parse().unwrap(), text(row, "relation"))),
                );
                match answer["list_metadata"]["after"].as_str() {
                    Some(cursor) => after = cursor.to_owned(),
                    None => break,
                }
            }
            let until = Instant::now();
            if order == "desc" {
                rows.reverse();
            }
            assert!(rows.is_sorted_by(|a, b| a < b), "{q}, {order}: {rows:?}");
            let rows: BTreeSet<(i64, String)> = rows.into_iter().collect();
            for (task, relation) in
                (1..=TASKS).flat_map(|task| relations.split(',').map(move |of| (task, of)))
            {
                let was = self.history.between(&fact(task, relation), since, until);
                let is_listed = rows.contains(&(task, relation.to_owned()));
                assert!(
                    is_listed || !was.always,
                    "{q}, {order}: {task}#{relation} is missing"
                );
                assert!(
                    !is_listed || was.ever,
                    "{q}, {order}: {task}#{relation} is listed"
                );
            }
            listed += rows.len();
        }
        listed
    }

    /// Checks of many rows in one request. Grants count from the token on.
    fn check(&self, seed: u64) -> usize {
        let client = self.servers[0].client();
        let mut numbers = Numbers::new(seed);
        let mut granted = 0;
        for turn in 0..CHECKS {
            let tasks: Vec<i64> = (0..20)
                .map(|_| 1 + i64::from(numbers.below(TASKS as u32)))
                .collect();
            let project = i64::try_from(turn).unwrap() % TOGGLED;
            let (token, since) = self.history.token(&Fact::Project(project)).unzip();
            let since = since.unwrap_or_else(Instant::now);
            let checks = tasks.iter().map(|task| {
                json!({"resource_type": "task", "resource_id": task.to_string(), "relation": "viewer",
                       "subject": {"resource_type": "user", "resource_id": "ann"}})
            });
            let body = json!({"op": "batch", "checks": checks.collect::<Vec<_>>()});
            let asked = Instant::now();
            let ask = Ask {
                path: &["fga", "v1", "check"],
                body: Some(&body),
                token: token.as_deref(),
                ..Ask::default()
            };
            let answers = client.post(&ask).unwrap();
            let until = Instant::now();
            for (task, answer) in tasks.iter().zip(answers.as_array().unwrap()) {
                let fact = fact(*task, "viewer");
                let from = match &fact {
                    Fact::Project(of) if *of == project => since,
                    // Without a token nothing is said of how old the warrants may be that a server knows.
                    Fact::Project(_) => continue,
                    _ => asked,
                };
                let was = self.history.between(&fact, from, until);
                let yes = answer["result"] == "authorized";
                assert!(yes || !was.always, "task {task} was visible: {answer}");
                assert!(!yes || was.ever, "task {task} was not visible: {answer}");
                granted += usize::from(yes);
            }
        }
        granted
    }
}

/// Grants a project to `ann`, or takes it back. The token.
fn grant(client: &Client, project: i64, create: bool) -> String {
    let body = json!({"op": if create { "create" } else { "delete" }, "resource_type": "project", "resource_id": project.to_string(),
                      "relation": "viewer", "subject": {"resource_type": "user", "resource_id": "ann"}});
    let ask = Ask {
        path: &["fga", "v1", "warrants"],
        body: Some(&body),
        ..Ask::default()
    };
    let answer = client.post(&ask).unwrap();
    answer["warrant_token"].as_str().unwrap().to_owned()
}

#[test]
fn lists_and_checks_are_right_while_rows_and_grants_change() {
    for version in versions() {
        let scene = Scene::new(version);
        let (listed, granted) = std::thread::scope(|scope| {
            let scene = &scene;
            scope.spawn(|| scene.change_rows(1));
            scope.spawn(|| scene.grant_in_sql(2));
            scope.spawn(|| scene.grant_over_http(3));
            let readers = (scope.spawn(|| scene.list()), scope.spawn(|| scene.check(4)));
            let found = (readers.0.join(), readers.1.join());
            // Also when one of them fails, or the writers go on for ever.
            scene.done.store(true, Ordering::Release);
            (found.0.unwrap(), found.1.unwrap())
        });
        let changes = scene.history.changes();
        println!("{version}: {listed} listed, {granted} granted, {changes} changes");
        assert!(
            listed > 0 && granted > 0 && changes > 100,
            "hardly anything happened"
        );
    }
}
