//! What a scenario says, whatever file it came from.

use std::fmt;

use serde_json::{Map, Value as Json};

use crate::notation::{Object, Tuple, Warrant};

/// Context, metadata: a JSON object.
pub type JsonObject = Map<String, Json>;

/// A story: a model, warrants, questions and the answers they must get; then changes, and questions again.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// The file it was read from.
    pub file: String,
    /// What it is called.
    pub name: String,
    /// What it shows.
    pub about: Option<String>,
    /// Its stages, in order. Each builds on what the ones before it left behind.
    pub stages: Vec<Stage>,
}

impl Scenario {
    /// Whether it brings its own schema. One that does not is about the schema that is there already.
    pub fn has_schema(&self) -> bool {
        self.stages.first().is_some_and(|stage| stage.schema.is_some())
    }

    /// How many answers it expects.
    pub fn questions(&self) -> usize {
        let of = |stage: &Stage| {
            stage.checks.len()
                + stage.queries.len()
                + stage.refused.len()
                + usize::from(stage.schema_errors.is_some())
        };
        self.stages.iter().map(of).sum()
    }
}

/// Something and the line it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<T> {
    /// Counted from 1.
    pub line: u64,
    /// The thing.
    pub value: T,
}

/// Changes, carried out in the order of these fields, and then questions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stage {
    /// What happens here.
    pub about: Option<String>,
    /// The schema to apply.
    pub schema: Option<Placed<String>>,
    /// The errors for which the schema must be refused.
    pub schema_errors: Option<Vec<SchemaError>>,
    /// Resources to create.
    pub resources: Vec<Placed<Resource>>,
    /// Resources to delete.
    pub delete_resources: Vec<Placed<Object>>,
    /// Warrants to create.
    pub warrants: Vec<Placed<Warrant>>,
    /// Warrants to delete.
    pub delete_warrants: Vec<Placed<Warrant>>,
    /// Warrants that must be refused.
    pub refused: Vec<Placed<Refused>>,
    /// Checks.
    pub checks: Vec<Placed<CheckCase>>,
    /// Queries.
    pub queries: Vec<Placed<QueryCase>>,
}

/// A resource to create.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// Its type and id.
    pub object: Object,
    /// Its metadata.
    pub meta: Option<JsonObject>,
}

/// An error that a schema must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaError {
    /// Its stable code.
    pub code: String,
    /// Part of its message.
    pub message: Option<String>,
}

/// A warrant that must be refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The warrant.
    pub warrant: Warrant,
    /// How.
    pub error: ExpectedError,
}

/// What is expected of an error. What is not given may be anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExpectedError {
    /// Its stable code.
    pub code: Option<String>,
    /// The parameter it blames.
    pub parameter: Option<String>,
    /// Part of its message.
    pub message: Option<String>,
}

/// The three values of an answer. Only true grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Value {
    /// Yes.
    True,
    /// A policy that matters could not be decided with the context given.
    Unknown,
    /// No.
    False,
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::True => "true",
            Self::Unknown => "unknown",
            Self::False => "false",
        })
    }
}

/// A question of a check.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// What is asked.
    pub tuple: Tuple,
    /// With which context.
    pub context: JsonObject,
    /// What the token of the user says who asks; `None` if nobody asks with one.
    pub claims: Option<JsonObject>,
}

/// A check and the answer it must get.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckCase {
    /// What people call it.
    pub name: Option<String>,
    /// The check.
    pub check: Check,
    /// Its answer.
    pub expect: Expect<Value>,
    /// Whether the answer is implicit.
    pub implicit: Option<bool>,
    /// The context keys that must be reported as missing.
    pub missing: Option<Vec<String>>,
    /// Reasons that must stand in the decision tree, where the surface gives one.
    pub because: Vec<String>,
}

/// An answer or an error.
#[derive(Debug, Clone, PartialEq)]
pub enum Expect<T> {
    /// This answer.
    Answer(T),
    /// An error like this.
    Error(ExpectedError),
}

/// Direction of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// Smallest first.
    Asc,
    /// Greatest first.
    Desc,
}

/// A question of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Its text.
    pub text: String,
    /// With which context.
    pub context: JsonObject,
    /// In which order; the surface's own when not given.
    pub order: Option<Order>,
    /// How many rows to a page. All pages are read in any case.
    pub page: Option<usize>,
}

/// A query and the rows it must return.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryCase {
    /// The query.
    pub query: Query,
    /// Its rows: in this order if the query asks for an order, in any order otherwise.
    pub expect: Expect<Vec<ExpectedRow>>,
    /// The context keys that must be reported as missing.
    pub missing: Option<Vec<String>>,
}

/// A row. What is not given may be anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedRow {
    /// The resource (or, in the form for subjects, the subject) and the relation: `ticket:7#viewer`.
    pub row: String,
    /// Whether rules were needed.
    pub implicit: Option<bool>,
    /// The warrant it reports.
    pub warrant: Option<Warrant>,
}
