//! The state of one evaluation.

use std::rc::Rc;

use crate::ast::Expr;
use crate::env::Env;
use crate::fail::Fail;
use crate::limits::{MAX_STEPS, MAX_VALUE_DEPTH};
use crate::quote::abbreviate;
use crate::value::{Dict, List, Table, Value};

/// A value, or why there is none.
pub(crate) type Eval<'a> = Result<Value<'a>, Fail>;

/// The state of one evaluation of one policy.
pub(crate) struct Machine<'a> {
    source: &'a str,
    pub(crate) env: &'a Env<'a>,
    steps: u64,
    /// The values of the `let`s around the current place.
    pub(crate) slots: Vec<Slot<'a>>,
    /// The predicates around the current place.
    pub(crate) frames: Vec<Frame<'a>>,
}

/// A name bound by `let`. It holds a failure as well: one that is never used does no harm.
#[derive(Clone)]
pub(crate) struct Slot<'a> {
    pub(crate) value: Eval<'a>,
    pub(crate) definition: &'a Expr,
}

/// The element a predicate looks at.
pub(crate) struct Frame<'a> {
    pub(crate) item: Value<'a>,
    pub(crate) index: u64,
    pub(crate) acc: Option<Value<'a>>,
    /// The array, for messages.
    pub(crate) list: &'a Expr,
}

impl<'a> Machine<'a> {
    pub(crate) fn new(source: &'a str, env: &'a Env<'a>) -> Machine<'a> {
        Machine {
            source,
            env,
            steps: MAX_STEPS,
            slots: Vec::new(),
            frames: Vec::new(),
        }
    }

    /// How many steps were paid for.
    pub(crate) fn taken(&self) -> u64 {
        MAX_STEPS - self.steps
    }

    /// Pays for work before it is done.
    #[inline]
    pub(crate) fn steps(&mut self, steps: u64) -> Result<(), Fail> {
        match self.steps.checked_sub(steps) {
            Some(left) => {
                self.steps = left;
                Ok(())
            }
            None => {
                self.steps = 0;
                Err(Fail::fatal("the policy takes too many steps"))
            }
        }
    }

    /// Pays for reading a text.
    pub(crate) fn read_text(&mut self, text: &str) -> Result<(), Fail> {
        self.steps(text.len() as u64 / 16)
    }

    /// Pays for comparing a key with `times` others.
    pub(crate) fn read_key(&mut self, key: &Value<'a>, times: u64) -> Result<(), Fail> {
        let each = 1 + key.as_str().map_or(0, |text| text.len() as u64 / 16);
        self.steps(times.saturating_mul(each))
    }

    /// Pays for building a text, before it is built.
    pub(crate) fn build_text(&mut self, bytes: usize) -> Result<(), Fail> {
        self.steps(bytes as u64)
    }

    /// An array of these items.
    pub(crate) fn list(&mut self, items: Vec<Value<'a>>) -> Result<Rc<List<'a>>, Fail> {
        self.steps(items.len() as u64)?;
        let depth = level(items.iter())?;
        Ok(Rc::new(List { items, depth }))
    }

    /// A map of these entries.
    pub(crate) fn dict(&mut self, entries: Vec<(Value<'a>, Value<'a>)>) -> Result<Table<'a>, Fail> {
        self.steps(entries.len() as u64)?;
        let depth = level(entries.iter().map(|(_, value)| value))?;
        Ok(Table::Built(Rc::new(Dict { entries, depth })))
    }

    /// The source of an expression, for messages.
    pub(crate) fn quote(&self, expr: &Expr) -> String {
        format!("`{}`", abbreviate(self.text(expr)))
    }

    /// The source of an expression.
    pub(crate) fn text(&self, expr: &Expr) -> &'a str {
        self.source.get(expr.span.clone()).unwrap_or_default()
    }

    /// An operand is not what the operation needs.
    pub(crate) fn mismatch(
        &self,
        expr: &'a Expr,
        operand: &'a Expr,
        value: &Value<'_>,
        wanted: &str,
    ) -> Fail {
        let operand_text = self.quote(operand);
        self.wrong(
            expr,
            [operand],
            format!("{operand_text} is {}, expected {wanted}", value.kind()),
        )
    }

    /// An operation cannot be carried out; what its operands read is to blame.
    pub(crate) fn wrong<'e>(
        &self,
        expr: &'a Expr,
        operands: impl IntoIterator<Item = &'e Expr>,
        why: impl std::fmt::Display,
    ) -> Fail
    where
        'a: 'e,
    {
        let keys = operands.into_iter().flat_map(|operand| self.reads(operand));
        Fail::wrong(keys, format!("{}: {why}", self.quote(expr)))
    }
}

fn level<'v, 'a: 'v>(values: impl Iterator<Item = &'v Value<'a>>) -> Result<u32, Fail> {
    let depth = values.map(Value::depth).max().unwrap_or(0) + 1;
    if depth > MAX_VALUE_DEPTH {
        Err(too_deep())
    } else {
        Ok(depth)
    }
}

/// A value with more levels than the limit.
pub(crate) fn too_deep() -> Fail {
    Fail::fatal("a value is nested too deeply")
}
