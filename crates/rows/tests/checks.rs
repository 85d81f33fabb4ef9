//! Checks on resources that are rows, on real servers.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::{Arc, OnceLock};

use postgres::Client;
use rowgate_engine::explain::{Node, Step};
use rowgate_engine::query::page::Page;
use rowgate_engine::query::text::{Names, Query, Reference, Select};
use rowgate_engine::{Ambient, Check, Subject, Value};
use rowgate_environment::{Environment, Op, Registry, Warrant, Write};
use rowgate_pgtest::{Cluster, Database, versions};
use rowgate_policy::{Context, Timestamp};
use rowgate_rows::{Error, Question, Tables};
use rowgate_store::postgres::install::{Grants, install};
use rowgate_store::{Change, Commit, Embedded, Options, Store};
use tokio::runtime::{Handle, Runtime};

const SCHEMA: &str = "version 0.3
type user
type project
    relation member [user]
type folder
    relation parent [folder]
    relation project [project]
    relation owner [user]
    relation viewer []
    inherit viewer if
        any_of
            relation owner
            relation viewer on parent [folder]
            relation member on project [project]
type file
    relation folder [folder]
    relation owner [user]
    relation shared [user]
    relation banned [user]
    relation viewer []
    inherit viewer if
        all_of
            any_of
                relation owner
                relation shared
                relation viewer on folder [folder]
            none_of
                relation banned
    relation printer []
    inherit printer if
        all_of
            relation viewer
            policy small
policy small(pages integer, limit integer) {
    pages <= limit
}
";

const BINDINGS: &str = r#"
roles = ["app"]
[subject]
type = "user"
[[table]]
name = "public.folder"
type = "folder"
id = "id"
relations.parent = { column = "parent_id", type = "folder" }
relations.project = { column = "project_id", type = "project" }
relations.owner = { column = "owner_id", type = "user" }
[[table]]
name = "public.file"
type = "file"
id = "id"
relations.folder = { column = "folder_id", type = "folder" }
relations.owner = { column = "owner_id", type = "user" }
relations.banned = { table = "public.ban", key = "file_id", column = "user_id", type = "user" }
attributes.pages = "pages"
policies.select = "viewer"
"#;

const TABLES: &str = "
create table folder (id integer primary key, parent_id integer, project_id text, owner_id text);
create table file (id uuid primary key, folder_id integer, owner_id text, pages integer);
create table ban (file_id uuid, user_id text, primary key (file_id, user_id));
insert into folder values (1, null, 'apollo', 'ann'), (2, 1, null, null), (3, 2, null, null), (4, 5, null, null), (5, 4, null, 'eve'), (6, 77, null, null);
insert into file values
    ('00000000-0000-0000-0000-000000000001', 3, 'bob', 10),
    ('00000000-0000-0000-0000-000000000002', 4, null, null),
    ('00000000-0000-0000-0000-000000000003', 6, null, 3);
insert into ban values ('00000000-0000-0000-0000-000000000001', 'carl'), ('00000000-0000-0000-0000-000000000002', 'zoe');
";

struct World {
    environment: Environment,
    tables: Tables,
    database: Database,
    _registry: Registry,
    _directory: tempfile::TempDir,
}

/// What all connections of a test are driven by.
fn runtime() -> Handle {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().unwrap()).handle().clone()
}

fn file(number: u32) -> String {
    format!("00000000-0000-0000-0000-{number:012}")
}

impl World {
    fn new(cluster: &Cluster) -> Self {
        let database = cluster.database("checks");
        install(database.url(), &Grants::default()).unwrap();
        let mut admin = database.client();
        let role = format!("app_{}", database.name());
        let role_and_environment = format!(
            "create role {role}; insert into rowgate.environment (name, uid, created_at) values ('default', 'e1', 0)"
        );
        admin.batch_execute(&role_and_environment).unwrap();
        admin.batch_execute(TABLES).unwrap();
        let bindings =
            rowgate_binding::Bindings::parse_toml(&BINDINGS.replace("\"app\"", &format!("{role:?}")))
                .unwrap();
        let (model, _) = rowgate_schema::compile(SCHEMA).unwrap();
        let request = rowgate_rls::Request {
            bindings: &bindings,
            schema: Some(&model),
            keep_existing: false,
        };
        rowgate_rls::apply(&mut admin, &request).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let store = Arc::new(Embedded::open(directory.path(), Options::default()).unwrap());
        Registry::with_store(store).unwrap().close().unwrap();
        let store = Embedded::open(directory.path(), Options::default()).unwrap();
        let environment = store.environments().unwrap()[0].id;
        let commit = Commit {
            environment,
            revision: store.head(environment).unwrap().next(),
            at: 0,
            changes: vec![
                Change::Schema {
                    json: rowgate_schema::to_json(model.schema()).to_string(),
                },
                Change::Bindings {
                    json: Some(bindings.to_json().to_string()),
                },
            ],
        };
        store.append(&[commit]).unwrap();
        store.close().unwrap();
        let registry = Registry::open(directory.path()).unwrap();
        let world = Self {
            environment: registry.environment("default").unwrap(),
            tables: Tables::new(database.url().to_owned(), runtime()),
            database,
            _registry: registry,
            _directory: directory,
        };
        world.grant("project", "apollo", "member", "dora");
        world.grant("file", &file(1), "shared", "carl");
        world.grant("file", &file(2), "shared", "zoe");
        world.grant("file", &file(9), "shared", "zoe");
        world
    }

    fn grant(&self, resource_type: &str, resource_id: &str, relation: &str, user: &str) {
        let warrant = Warrant {
            resource_type: resource_type.into(),
            resource_id: resource_id.into(),
            relation: relation.into(),
            subject_type: "user".into(),
            subject_id: user.into(),
            subject_relation: None,
            policy: None,
        };
        self.environment
            .write(Write::Warrants(vec![(Op::Create, warrant)]))
            .unwrap();
    }

    fn client(&self) -> Client {
        self.database.client()
    }

    /// How many users have a relation to a file, by the list of them.
    fn subjects(&self, number: u32, relation: &str) -> Result<usize, Error> {
        let published = self.environment.read();
        let reader = self
            .tables
            .blocking_reader(&self.environment, &published)?
            .expect("there are bindings");
        let query = Query {
            explicit: false,
            select: Select::Subjects {
                relations: Names::These(vec![relation.to_owned()]),
                types: Names::These(vec!["user".to_owned()]),
                resource: Reference {
                    resource_type: "file".to_owned(),
                    id: file(number),
                },
            },
        };
        let context = Context::new();
        let ambient = Ambient {
            context: &context,
            claims: None,
            now: Timestamp(0),
        };
        let list = rowgate_rows::list::query(&reader, &query, &Page::default(), &ambient)?;
        Ok(list.rows.len())
    }

    /// What the decision tree of a check on a file says: its reasons, and of each edge what it is and where.
    fn said(&self, id: &str, relation: &str, user: &str) -> Vec<String> {
        fn collect(node: &Node, out: &mut Vec<String>) {
            if let Step::Warrant { warrant, held_in, .. } = &node.step {
                out.push(format!(
                    "{warrant} in {}",
                    held_in.as_deref().unwrap_or("a warrant")
                ));
            }
            out.extend(node.reason.clone());
            node.children.iter().for_each(|child| collect(child, out));
        }
        let published = self.environment.read();
        let reader = self.tables.blocking_reader(&self.environment, &published);
        let reader = reader.unwrap().expect("there are bindings");
        let context = Context::new();
        let ambient = Ambient {
            context: &context,
            claims: None,
            now: Timestamp(0),
        };
        let subject = Subject {
            resource_type: "user",
            id: user,
            relation: None,
        };
        let question = Question {
            resource: ("file", id),
            relation,
            subject: Some(subject),
        };
        let check = Check {
            resource_type: "file",
            resource_id: id,
            relation,
            subject,
        };
        let asked = reader.blocking_ask(&question, |view| view.explain(&check, &ambient, &|| 0));
        let mut said = Vec::new();
        collect(&asked.unwrap().root, &mut said);
        said
    }

    /// The answers to checks on files, which share what they read as far as they can.
    fn ask(
        &self,
        relation: &str,
        context: &serde_json::Value,
        checks: &[(&str, &str)],
    ) -> Result<Vec<Value>, Error> {
        let published = self.environment.read();
        let reader = self
            .tables
            .blocking_reader(&self.environment, &published)?
            .expect("there are bindings");
        let context: Context = context.as_object().unwrap().clone();
        let ambient = Ambient {
            context: &context,
            claims: None,
            now: Timestamp(0),
        };
        let subject = |user| Subject {
            resource_type: "user",
            id: user,
            relation: None,
        };
        let questions: Vec<Question<'_>> = checks
            .iter()
            .map(|(id, user)| Question {
                resource: ("file", id),
                relation,
                subject: Some(subject(user)),
            })
            .collect();
        reader.blocking_prefetch(&questions)?;
        let answers = questions.iter().zip(checks).map(|(question, (id, user))| {
            let check = Check {
                resource_type: "file",
                resource_id: id,
                relation,
                subject: subject(user),
            };
            reader.blocking_ask(question, |view| {
                view.check(&check, &ambient).map(|decision| decision.value)
            })
        });
        answers.collect()
    }
}

#[test]
fn a_decision_tree_says_where_an_edge_is_and_would_be() {
    let world = World::new(Cluster::shared(versions()[0]));
    let one = file(1);
    assert_eq!(
        world.said(&one, "owner", "bob"),
        [format!(
            "file:{one}#owner@user:bob in column `owner_id` of table `public.file`"
        )]
    );
    let through = world.said(&one, "viewer", "dora");
    let project = "#project@project:";
    assert!(
        through.iter().any(|said| said.contains(project)
            && said.ends_with("in column `project_id` of table `public.folder`")),
        "{through:#?}"
    );
    assert!(
        through
            .iter()
            .any(|said| said.contains("@user:dora") && said.ends_with("in a warrant")),
        "{through:#?}"
    );
    let (two, three) = (file(2), file(3));
    let said = world.said(&two, "viewer", "ann");
    for reason in [
        format!("no `file:{two}#owner@user:ann` in column `owner_id` of table `public.file`"),
        format!("no warrant `file:{two}#shared@user:ann`"),
        "no `folder:4#project@project:…` in column `project_id` of table `public.folder`".to_owned(),
    ] {
        assert!(said.contains(&reason), "{reason}: {said:#?}");
    }
    assert_eq!(
        world.said(&three, "banned", "ann"),
        [format!(
            "no `file:{three}#banned@user:ann` in column `user_id` of table `public.ban`"
        )]
    );
}

#[test]
fn rows_warrants_and_policies_decide_together() {
    use Value::{False, True, Unknown};
    for version in versions() {
        let world = World::new(Cluster::shared(version));
        let none = serde_json::json!({});
        let (one, two, three, gone) = (file(1), file(2), file(3), file(9));
        let viewers = [
            (one.as_str(), "bob", True), // the file's owner
            (&one, "ann", True),         // owns the topmost folder
            (&one, "dora", True),        // member of the project of the topmost folder
            (&one, "carl", False),       // shared, and banned
            (&one, "zoe", False),
            (&two, "eve", True), // owns a folder of a circle of folders
            (&two, "zoe", False),
            (&three, "ann", False), // in a folder whose parent is gone
            (&gone, "zoe", False),  // shared, but there is no row
            ("7", "ann", False),    // not a key at all
            ("'; drop table file; --", "ann", False),
        ];
        let checks: Vec<(&str, &str)> = viewers.iter().map(|(id, user, _)| (*id, *user)).collect();
        let expected: Vec<Value> = viewers.iter().map(|(_, _, value)| *value).collect();
        assert_eq!(world.ask("viewer", &none, &checks).unwrap(), expected);

        let limit = serde_json::json!({ "limit": 10, "pages": 1 });
        assert_eq!(
            world
                .ask("printer", &limit, &[(&one, "bob"), (&two, "eve")])
                .unwrap(),
            [True, Unknown]
        );
        assert_eq!(world.ask("printer", &none, &[(&one, "bob")]).unwrap(), [Unknown]);
        let limit = serde_json::json!({ "limit": 9, "pages": 1 });
        assert_eq!(
            world.ask("printer", &limit, &[(&one, "bob")]).unwrap(),
            [False],
            "the row's pages count"
        );
    }
}

#[test]
fn a_row_is_read_anew_for_every_request() {
    let world = World::new(Cluster::shared(versions()[0]));
    let none = serde_json::json!({});
    let bob = [(&*file(1), "bob")];
    assert_eq!(world.ask("viewer", &none, &bob).unwrap(), [Value::True]);
    world
        .client()
        .batch_execute("update file set owner_id = 'eve'")
        .unwrap();
    assert_eq!(world.ask("viewer", &none, &bob).unwrap(), [Value::False]);
}

#[test]
fn an_id_of_several_rows_is_an_error_and_never_an_answer() {
    let world = World::new(Cluster::shared(versions()[0]));
    let none = serde_json::json!({});
    let bob = [(&*file(1), "bob")];
    assert_eq!(world.ask("viewer", &none, &bob).unwrap(), [Value::True]);
    // The key goes while the server runs, and somebody makes a second file of the same id.
    let mut admin = world.client();
    let copy = "alter table file drop constraint file_pkey; insert into file select * from file where owner_id = 'bob'";
    admin.batch_execute(copy).unwrap();
    assert_eq!(
        world.ask("viewer", &none, &bob).unwrap(),
        [Value::True],
        "the same twice"
    );
    let other =
        "update file set owner_id = 'eve' where ctid = (select max(ctid) from file where owner_id = 'bob')";
    admin.batch_execute(other).unwrap();
    for who in ["bob", "eve"] {
        let error = world.ask("viewer", &none, &[(&*file(1), who)]).unwrap_err();
        assert_eq!(error.code(), "rows_refused", "{who}: {error}");
        let several = format!("several rows for `file:{}`", file(1));
        assert!(error.to_string().contains(&several), "{error}");
    }
    assert!(world.subjects(1, "viewer").is_err());
    let nobody = [(&*file(1), "nobody")];
    assert_eq!(
        world.ask("viewer", &none, &nobody).unwrap(),
        [Value::False],
        "whichever it is"
    );
    // A server that starts now says it of every row.
    let mut world = world;
    world.tables = Tables::new(world.database.url().to_owned(), runtime());
    let error = world.ask("viewer", &none, &[(&*file(2), "bob")]).unwrap_err();
    assert_eq!(error.code(), "rows_refused", "{error}");
    assert!(
        error.to_string().contains("nothing keeps rows of `public.file`"),
        "{error}"
    );
}

#[test]
fn a_database_that_cannot_be_asked_is_an_error_and_never_a_no() {
    let world = World::new(Cluster::shared(versions()[0]));
    let none = serde_json::json!({});
    let bob = [(&*file(1), "bob")];
    world.ask("viewer", &none, &bob).unwrap();
    let mut admin = world.client();
    admin
        .batch_execute("alter table file rename column owner_id to holder")
        .unwrap();
    let error = world.ask("viewer", &none, &bob).unwrap_err();
    assert_eq!(error.code(), "rows_refused", "{error}");
    admin
        .batch_execute("alter table file rename column holder to owner_id")
        .unwrap();
    assert_eq!(world.ask("viewer", &none, &bob).unwrap(), [Value::True]);
    // A connection that is gone is replaced.
    admin
        .execute("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()", &[])
        .unwrap();
    assert_eq!(world.ask("viewer", &none, &bob).unwrap(), [Value::True]);
    let unreachable = Tables::new("postgres://nobody@127.0.0.1:1/nothing".into(), runtime());
    let published = world.environment.read();
    let error = unreachable
        .blocking_reader(&world.environment, &published)
        .unwrap_err();
    assert_eq!(error.code(), "rows_unavailable", "{error}");
}

#[test]
fn a_row_with_too_many_edges_is_an_error_and_no_answer_is_cut_off() {
    let none = serde_json::json!({});
    for version in versions() {
        let world = World::new(Cluster::shared(version));
        let many = |file: u32, from: u32, to: u32| {
            let sql = format!(
                "insert into ban select '{}'::uuid, 'u' || n from generate_series({from}, {to}) n",
                self::file(file)
            );
            world.client().batch_execute(&sql).unwrap();
        };
        many(1, 1, rowgate_rls::MAX_EDGES as u32 - 1);
        // With the one that was there before, as many as may be.
        assert_eq!(world.subjects(1, "banned").unwrap(), rowgate_rls::MAX_EDGES);
        many(1, 200_000, 200_000);
        let error = world.subjects(1, "banned").unwrap_err();
        assert_eq!(error.code(), "too_many_rows", "{error}");
        assert!(error.to_string().contains("100000 edges"), "{error}");
        // One who asks meets one edge at most.
        let answers = world.ask("viewer", &none, &[(&file(1), "bob"), (&file(1), "carl")]);
        assert_eq!(answers.unwrap(), [Value::True, Value::False]);
        assert_eq!(
            world.subjects(2, "banned").unwrap(),
            1,
            "other rows are as they were"
        );
    }
}
