//! Typed pieces of SQL.

use crate::sql::quote;

/// The type of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    /// bigint
    Int,
    /// double precision, always finite
    Float,
    /// text
    Str,
    /// text[] of one dimension
    Texts,
    /// jsonb whose kind is known only for the row; the JSON null is nil
    Json,
    Nil,
    /// numeric: nanoseconds since 1970, as `time` says; whether its hours and days are those of UTC
    Time {
        utc: bool,
    },
    /// bigint: nanoseconds
    Duration,
}

/// A constant.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Constant {
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    Nil,
}

/// A piece of SQL whose null is unknown.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Value {
    pub(super) sql: String,
    pub(super) kind: Kind,
    pub(super) constant: Option<Constant>,
    /// When it is absent or nil, so that `??` replaces it. `None`: never.
    pub(super) absent: Option<String>,
}

impl Value {
    pub(super) fn new(kind: Kind, sql: impl Into<String>) -> Self {
        Self {
            sql: sql.into(),
            kind,
            constant: None,
            absent: None,
        }
    }

    pub(super) fn constant(constant: Constant) -> Self {
        let (kind, sql) = match &constant {
            Constant::Bool(truth) => (Kind::Bool, truth.to_string()),
            Constant::Int(number) => (Kind::Int, format!("({number})::bigint")),
            Constant::Float(number) => (Kind::Float, format!("'{number:e}'::double precision")),
            Constant::Str(text) => (Kind::Str, format!("{}::text", quote::text(text))),
            Constant::Nil => (Kind::Nil, "'null'::jsonb".to_owned()),
        };
        Self {
            sql,
            kind,
            constant: Some(constant),
            absent: None,
        }
    }

    pub(super) fn absent_when(mut self, condition: impl Into<String>) -> Self {
        self.absent = Some(condition.into());
        self
    }
}

/// `value` where `known` is not null, else null.
pub(super) fn given(known: &str, value: &str) -> String {
    format!("case when ({known}) is not null then {value} end")
}

/// A comparison by bytes.
pub(super) fn bytes(sql: &str) -> String {
    format!("({sql}) collate \"C\"")
}

/// The text of a JSON string.
pub(super) fn json_text(json: &str) -> String {
    format!("(({json}) #>> '{{}}')")
}

/// A JSON number as a double; null where it has none. The cast alone raises for what is too large or too small.
pub(super) fn json_float(json: &str) -> String {
    numeric_float(&format!("({json})::numeric"))
}

/// A numeric as a double; null where it has none.
pub(super) fn numeric_float(numeric: &str) -> String {
    format!(
        "case when {numeric} = 0 then 0::double precision \
         when abs({numeric}) between 1e-300 and 1e300 then ({numeric})::double precision end"
    )
}

/// A numeric as an integer; null where it has a fraction or is too large. Not a number is larger than everything.
pub(super) fn numeric_integer(numeric: &str) -> String {
    format!(
        "case when {numeric} between -9223372036854775808 and 9223372036854775807 \
         then case when {numeric} = trunc({numeric}) then ({numeric})::bigint end end"
    )
}
