//! A server's answers about a world of [`crate::generate`]: checks, and lists page by page.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::sync::{Arc, OnceLock};

use rowgate_engine::query::page::{Order, Page, RowKey};
use rowgate_engine::query::text::{Names, Query, Reference, Select};
use rowgate_engine::{Ambient, Check, Subject, Value};
use rowgate_environment::{Environment, Published, Registry};
use rowgate_pgtest::Database;
use rowgate_policy::{Context, Timestamp};
use rowgate_rows::list::{self, List};
use rowgate_rows::{Error, Question, Tables};
use rowgate_store::postgres::{Postgres, PostgresOptions};
use rowgate_testkit::Resource;
use serde_json::Value as Json;
use tokio::runtime::{Handle, Runtime};

use crate::common::Asker;

/// What all connections of a test are driven by.
fn runtime() -> Handle {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().unwrap()).handle().clone()
}

/// A server on a database.
pub struct Server {
    pub environment: Environment,
    pub tables: Tables,
    _registry: Registry,
}

/// A question as a request carries it.
pub struct Asking {
    context: Context,
    claims: Option<Context>,
}

impl Asking {
    pub fn of(asker: &Asker) -> Self {
        let map = |value: &Option<Json>| value.as_ref().and_then(Json::as_object).cloned();
        Self {
            context: map(&asker.context).unwrap_or_default(),
            claims: map(&asker.claims),
        }
    }

    pub fn ambient(&self) -> Ambient<'_> {
        Ambient {
            context: &self.context,
            claims: self.claims.as_ref(),
            now: Timestamp(0),
        }
    }
}

pub fn user(id: &str) -> Subject<'_> {
    Subject {
        resource_type: "user",
        id,
        relation: None,
    }
}

impl Server {
    pub fn new(database: &Database) -> Self {
        let store = Postgres::connect(database.url(), PostgresOptions::default()).unwrap();
        let registry = Registry::with_store(Arc::new(store)).unwrap();
        Self {
            environment: registry.environment("default").unwrap(),
            tables: Tables::new(database.url().to_owned(), runtime()),
            _registry: registry,
        }
    }

    /// Whether relations hold at a revision, with the rows as they are now. One request.
    pub fn check(
        &self,
        published: &Published,
        asker: &Asker,
        subject: &str,
        asked: &[(Resource, String)],
    ) -> Result<Vec<bool>, Error> {
        let reader = self
            .tables
            .blocking_reader(&self.environment, published)?
            .unwrap();
        let asking = Asking::of(asker);
        let questions: Vec<Question<'_>> = asked
            .iter()
            .map(|(resource, relation)| Question {
                resource: (&resource.resource_type, &resource.id),
                relation,
                subject: Some(user(subject)),
            })
            .collect();
        reader.blocking_prefetch(&questions)?;
        let answer = |question: &Question<'_>| {
            let check = Check {
                resource_type: question.resource.0,
                resource_id: question.resource.1,
                relation: question.relation,
                subject: user(subject),
            };
            reader.blocking_ask(question, |view| {
                Ok(view.check(&check, &asking.ambient())?.value == Value::True)
            })
        };
        questions.iter().map(answer).collect()
    }

    /// All rows of a list as (id, relation), `limit` on a page, in both orders and backwards from the end. `None` where it is said that
    /// such a list cannot be made.
    pub fn list(
        &self,
        published: &Published,
        query: &Query,
        asker: &Asker,
        limit: usize,
    ) -> Option<Vec<RowKey>> {
        let ascending = self.pages(published, query, asker, limit, Order::Asc)?;
        let mut descending = self.pages(published, query, asker, limit, Order::Desc)?;
        descending.reverse();
        assert_eq!(ascending, descending, "{query:?}");
        let backwards = self.backwards(published, query, asker, limit, &ascending);
        assert_eq!(ascending, backwards, "{query:?} backwards");
        Some(ascending)
    }

    fn pages(
        &self,
        published: &Published,
        query: &Query,
        asker: &Asker,
        limit: usize,
        order: Order,
    ) -> Option<Vec<RowKey>> {
        let mut rows: Vec<RowKey> = Vec::new();
        loop {
            let page = Page {
                limit: Some(limit),
                order,
                after: rows.last().cloned(),
                before: None,
            };
            let found = self.page(published, query, asker, &page)?;
            assert!(found.rows.len() == limit || !found.more, "a short page, and more");
            rows.extend(found.rows.into_iter().map(|row| row.key));
            if !found.more {
                return Some(rows);
            }
        }
    }

    fn backwards(
        &self,
        published: &Published,
        query: &Query,
        asker: &Asker,
        limit: usize,
        all: &[RowKey],
    ) -> Vec<RowKey> {
        let mut rows: Vec<RowKey> = all.last().cloned().into_iter().collect();
        while let Some(first) = rows.first() {
            let page = Page {
                limit: Some(limit),
                order: Order::Asc,
                after: None,
                before: Some(first.clone()),
            };
            let found = self.page(published, query, asker, &page).unwrap();
            let more = found.more;
            let mut before: Vec<RowKey> = found.rows.into_iter().map(|row| row.key).collect();
            before.append(&mut rows);
            rows = before;
            if !more {
                break;
            }
        }
        rows
    }

    fn page(&self, published: &Published, query: &Query, asker: &Asker, page: &Page) -> Option<List> {
        let reader = self
            .tables
            .blocking_reader(&self.environment, published)
            .unwrap()
            .unwrap();
        match list::query(&reader, query, page, &Asking::of(asker).ambient()) {
            Ok(list) => Some(list),
            Err(Error::Unsupported(_)) => None,
            Err(error) => panic!("{query:?}: {error}"),
        }
    }
}

/// `select TYPE where user:SUBJECT is RELATIONS`
pub fn resources(explicit: bool, ty: &str, subject: &str, relations: Names) -> Query {
    Query {
        explicit,
        select: Select::Resources {
            types: Names::These(vec![ty.to_owned()]),
            subject: Reference {
                resource_type: "user".to_owned(),
                id: subject.to_owned(),
            },
            relations,
        },
    }
}

/// `select * of type user for RESOURCE`
pub fn subjects(explicit: bool, resource: &Resource) -> Query {
    Query {
        explicit,
        select: Select::Subjects {
            relations: Names::All,
            types: Names::These(vec!["user".to_owned()]),
            resource: Reference {
                resource_type: resource.resource_type.clone(),
                id: resource.id.clone(),
            },
        },
    }
}
