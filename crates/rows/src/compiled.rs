//! The statements of an environment, compiled when they are needed first.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::Equivalent;
use rowgate_binding::Resolved;
use rowgate_environment::{Bound, Published};
use rowgate_rls::{Begin, ColumnType, Compiler, Order, QueryStatement, RowsStatement, Shapes};
use rowgate_schema::Model;

use crate::reader::MAX_ROWS;
use crate::{Error, Result};

/// The schema and the bindings of a revision as a compiler, and what it compiled.
pub(crate) struct Compiled {
    bound: Arc<Bound>,
    model: Model,
    shapes: Shapes,
    compiler: Compiler,
    /// The same with the rules left out, for explicit lists.
    explicit: Compiler,
    rows: Mutex<hashbrown::HashMap<OwnNeed, Arc<RowsStatement>>>,
    queries: Mutex<HashMap<Query, Arc<QueryStatement>>>,
}

/// Rows that checks need: the type of the rows, and the relation asked about, as (type, relation).
#[derive(PartialEq, Eq, Hash)]
struct OwnNeed(String, String, String);

/// The same, to look it up. It has the same hash.
#[derive(Hash)]
struct Need<'n>(&'n str, &'n str, &'n str);

impl Equivalent<OwnNeed> for Need<'_> {
    fn equivalent(&self, own: &OwnNeed) -> bool {
        self.0 == own.0 && self.1 == own.1 && self.2 == own.2
    }
}

/// A list: relation, as (type, relation), subject's type, order, where it begins, and whether it is explicit.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Query {
    pub(crate) resource_type: String,
    pub(crate) relation: String,
    pub(crate) subject_type: String,
    pub(crate) order: Order,
    pub(crate) begin: Begin,
    pub(crate) explicit: bool,
}

impl Compiled {
    pub(crate) fn new(
        published: &Published,
        bound: &Arc<Bound>,
        shapes: Shapes,
        environment: u32,
    ) -> Result<Self> {
        let environment = i32::try_from(environment).map_err(|_| {
            Error::Refused(format!(
                "environment {environment} has a number that Postgres cannot hold"
            ))
        })?;
        let model = published.model.clone();
        let explicit = bound.bindings.explicit().map_err(|found| {
            Error::Refused(format!("the schema without its rules has {} errors", found.len()))
        })?;
        Ok(Self {
            compiler: compiler(&bound.bindings, shapes.clone(), environment)?,
            explicit: compiler(&explicit, shapes.clone(), environment)?,
            shapes,
            bound: Arc::clone(bound),
            model,
            rows: Mutex::default(),
            queries: Mutex::default(),
        })
    }

    /// Whether it is still what the revision means.
    pub(crate) fn is_of(&self, published: &Published, bound: &Arc<Bound>) -> bool {
        let same_schema = || std::ptr::eq(self.model.schema(), published.model.schema());
        Arc::ptr_eq(&self.bound, bound) && same_schema()
    }

    /// The types of the columns that make up the id of a bound type.
    pub(crate) fn key(&self, resource_type: &str) -> Vec<ColumnType> {
        let Some(table) = self.bound.bindings.table_of_type(resource_type) else {
            return Vec::new();
        };
        let column = |name: &String| self.shapes.column(&table.name, name).map(|column| column.ty);
        table.id.iter().filter_map(column).collect()
    }

    /// The rows of a bound type that checks of a relation need.
    pub(crate) fn rows(&self, resource_type: &str, asked: (&str, &str)) -> Result<Arc<RowsStatement>> {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(statement) = rows.get(&Need(resource_type, asked.0, asked.1)) {
            return Ok(Arc::clone(statement));
        }
        let mut statement = self.compiler.rows_from(resource_type, asked).map_err(refused)?;
        // What a row leads to can be anything. One more than is allowed is enough to say no.
        statement.sql = format!("select * from ({}) s limit {}", statement.sql, MAX_ROWS + 1);
        let statement = Arc::new(statement);
        let need = OwnNeed(resource_type.to_owned(), asked.0.to_owned(), asked.1.to_owned());
        rows.insert(need, Arc::clone(&statement));
        Ok(statement)
    }

    /// A page of ids.
    pub(crate) fn query(&self, query: &Query) -> Result<Arc<QueryStatement>> {
        let mut queries = self.queries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(statement) = queries.get(query) {
            return Ok(Arc::clone(statement));
        }
        let compiler = if query.explicit {
            &self.explicit
        } else {
            &self.compiler
        };
        let Query {
            resource_type,
            relation,
            subject_type,
            order,
            begin,
            ..
        } = query;
        let compiled = compiler.query_from(resource_type, relation, subject_type, *order, *begin);
        let statement = Arc::new(compiled.map_err(refused)?);
        queries.insert(query.clone(), Arc::clone(&statement));
        Ok(statement)
    }
}

fn compiler(bindings: &Resolved, shapes: Shapes, environment: i32) -> Result<Compiler> {
    Compiler::new(bindings, shapes, environment).map_err(|error| Error::Database(error.to_string()))
}

fn refused(refusal: rowgate_rls::Refusal) -> Error {
    Error::Refused(refusal.to_string())
}
