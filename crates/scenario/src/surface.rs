//! What a scenario runs against.

use crate::notation::{Object, Warrant};
use crate::scenario::{Check, Query, Resource, Value};
use crate::tree::Node;

/// A way to put questions to Rowgate: the engine in this process, a server over HTTP, a database.
///
/// A scenario starts on an empty environment.
pub trait Surface {
    /// Replaces the schema.
    ///
    /// # Errors
    /// A refusal lists what is wrong with the schema.
    fn apply_schema(&mut self, text: &str) -> Result<(), SurfaceError>;

    /// Creates resources, all or none.
    ///
    /// # Errors
    /// Refusals.
    fn create_resources(&mut self, resources: &[Resource]) -> Result<(), SurfaceError>;

    /// Deletes resources, all or none.
    ///
    /// # Errors
    /// Refusals.
    fn delete_resources(&mut self, resources: &[Object]) -> Result<(), SurfaceError>;

    /// Creates warrants, all or none.
    ///
    /// # Errors
    /// Refusals.
    fn create_warrants(&mut self, warrants: &[Warrant]) -> Result<(), SurfaceError>;

    /// Deletes warrants, all or none.
    ///
    /// # Errors
    /// Refusals.
    fn delete_warrants(&mut self, warrants: &[Warrant]) -> Result<(), SurfaceError>;

    /// Asks a check.
    ///
    /// # Errors
    /// Refusals.
    fn check(&mut self, check: &Check) -> Result<Answer, SurfaceError>;

    /// The decision tree of a check; `None` where the surface has none.
    ///
    /// # Errors
    /// Refusals.
    fn explain(&mut self, check: &Check) -> Result<Option<Node>, SurfaceError>;

    /// Asks a query and reads all of its pages.
    ///
    /// # Errors
    /// Refusals.
    fn query(&mut self, query: &Query) -> Result<Rows, SurfaceError>;
}

/// The answer to a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Yes, no or unknown.
    pub value: Value,
    /// Whether more than one stored warrant for this very resource and relation was needed.
    pub implicit: bool,
    /// The context keys reported as missing, sorted.
    pub missing: Vec<String>,
}

/// The answer to a query.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rows {
    /// All rows, in order.
    pub rows: Vec<Row>,
    /// The context keys reported as missing, sorted.
    pub missing: Vec<String>,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The resource, or the subject.
    pub object: Object,
    /// The relation.
    pub relation: String,
    /// Whether rules were needed.
    pub implicit: bool,
    /// The warrant it reports.
    pub warrant: Option<Warrant>,
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}#{}", self.object, self.relation)
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SurfaceError {
    /// The surface understood and refuses. A scenario may expect it.
    #[error("{0}")]
    Refused(Refusal),
    /// The surface itself does not work. No scenario can expect it.
    #[error("{0}")]
    Broken(String),
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refusal {
    /// Its stable code.
    pub code: String,
    /// The parameter it blames.
    pub parameter: Option<String>,
    /// What is wrong.
    pub message: String,
    /// For a schema: its errors, each with its code where the surface tells.
    pub errors: Vec<(Option<String>, String)>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(parameter) = &self.parameter {
            write!(f, " ({parameter})")?;
        }
        write!(f, ": {}", self.message)?;
        for (code, message) in &self.errors {
            write!(
                f,
                "\n  {}{message}",
                code.as_ref().map_or(String::new(), |code| format!("{code}: "))
            )?;
        }
        Ok(())
    }
}
