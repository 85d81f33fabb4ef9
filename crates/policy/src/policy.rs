//! The compiled policy.

use crate::ast::Expr;
use crate::env::Env;
use crate::error::PolicyError;
use crate::eval::Machine;
use crate::outcome::{Explanation, Outcome, Uses};
use crate::param::Param;
use crate::{parser, survey, types};

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
    pub fn eval(&self, env: &Env<'_>) -> Outcome {
        self.eval_counted(env).0
    }

    /// Evaluates it, and says how many of the [`MAX_STEPS`](crate::limits::MAX_STEPS) that took.
    #[must_use]
    pub fn eval_counted(&self, env: &Env<'_>) -> (Outcome, u64) {
        let mut machine = Machine::new(&self.source, env);
        let outcome = match machine.truth(&self.expr) {
            Ok(true) => Outcome::True,
            Ok(false) => Outcome::False,
            Err(fail) => Outcome::Unknown(fail.into_unknown()),
        };
        (outcome, machine.taken())
    }

    /// Evaluates it and says why the answer is no.
    #[must_use]
    pub fn explain(&self, env: &Env<'_>) -> Explanation {
        self.explain_counted(env).0
    }

    /// Evaluates it, says why the answer is no, and how many steps both took. Each has [`MAX_STEPS`](crate::limits::MAX_STEPS).
    #[must_use]
    pub fn explain_counted(&self, env: &Env<'_>) -> (Explanation, u64) {
        let (outcome, mut steps) = self.eval_counted(env);
        let reason = match &outcome {
            Outcome::True => None,
            Outcome::False => {
                let mut machine = Machine::new(&self.source, env);
                let why = machine.why(&self.expr, false);
                steps += machine.taken();
                Some(why)
            }
            Outcome::Unknown(unknown) => Some(unknown.message.clone()),
        };
        (Explanation { outcome, reason }, steps)
    }

    /// The checked tree.
    #[must_use]
    pub fn ast(&self) -> &Expr {
        &self.expr
    }
}

fn compile(parameters: Option<&[Param]>, text: &str) -> Result<Policy, PolicyError> {
    let checked = parser::parse(text, parameters).and_then(|expr| {
        types::check(&expr, text, parameters)?;
        Ok(expr)
    });
    let expr = checked.map_err(|error| (*error).locate(text))?;
    let (keys, uses) = survey::survey(&expr);
    Ok(Policy {
        source: text.to_owned(),
        expr,
        keys,
        parameters: parameters.unwrap_or_default().to_vec(),
        uses,
    })
}
