//! The compiled policy.

use crate::ast::Expr;
use crate::env::Env;
use crate::error::{ErrorCode, PolicyError};
use crate::outcome::{Explanation, Outcome, Unknown, Uses};
use crate::param::Param;

/// A compiled expression: immutable, cheap to share, evaluated any number of times.
#[derive(Debug, Clone)]
pub struct Policy {
    source: String,
    expr: Expr,
    keys: Vec<String>,
    parameters: Vec<Param>,
    uses: Uses,
}

impl Policy {
    /// Compiles the policy of a warrant. Free variables are keys of the context.
    pub fn compile_warrant(text: &str) -> Result<Policy, PolicyError> {
        compile(None, text)
    }

    /// Compiles a policy of the schema. It sees its declared parameters and the injected names, nothing else; a typo
    /// is an error with a suggestion.
    pub fn compile_schema(params: &[Param], text: &str) -> Result<Policy, PolicyError> {
        compile(Some(params), text)
    }

    /// The text it was compiled from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The context keys it reads by name, in order of first appearance.
    #[must_use]
    pub fn context_keys(&self) -> &[String] {
        &self.keys
    }

    /// The declared parameters it never reads.
    #[must_use]
    pub fn unused_parameters(&self) -> Vec<&str> {
        self.parameters
            .iter()
            .map(|p| p.name.as_str())
            .filter(|name| !self.keys.iter().any(|k| k == name))
            .collect()
    }

    /// What it reads besides the context.
    #[must_use]
    pub fn uses(&self) -> Uses {
        self.uses
    }

    /// Evaluates it.
    #[must_use]
    pub fn eval(&self, _env: &Env<'_>) -> Outcome {
        Outcome::Unknown(Unknown {
            keys: Vec::new(),
            message: "not evaluated".to_owned(),
        })
    }

    /// Evaluates it and says why the answer is no.
    #[must_use]
    pub fn explain(&self, env: &Env<'_>) -> Explanation {
        Explanation {
            outcome: self.eval(env),
            reason: None,
        }
    }

    /// The checked tree.
    #[must_use]
    pub fn ast(&self) -> &Expr {
        &self.expr
    }
}

fn compile(parameters: Option<&[Param]>, text: &str) -> Result<Policy, PolicyError> {
    let _ = (parameters, text);
    Err(PolicyError::new(ErrorCode::Syntax, 0..0, "not compiled"))
}
