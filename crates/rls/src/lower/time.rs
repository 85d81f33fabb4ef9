//! Dates and durations. A date is a number of nanoseconds since 1970, as a numeric; a duration a bigint of nanoseconds. What the language has
//! no room for is unknown, as there.

use rowgate_policy::ast::{BinaryOp, Expr, ExprKind};
use rowgate_policy::{Builtin, Method, constant};

use super::expression::{Lowered, Walk};
use super::value::{Kind, Value};

const SECOND: i64 = 1_000_000_000;
const SMALLEST: &str = "(-9223372036854775808)::bigint";

impl Walk<'_> {
    /// `now()`, `date("…")`, `duration("…")`.
    pub(super) fn moment(&self, expr: &Expr, function: Builtin, arguments: &[Expr]) -> Lowered {
        let texts: Option<Vec<&str>> = arguments
            .iter()
            .map(|argument| match &argument.kind {
                ExprKind::Str(text) => Some(text.as_str()),
                _ => None,
            })
            .collect();
        let refused = || self.no(expr, "dates and durations are compiled where they are constants");
        match (function, texts.as_deref()) {
            (Builtin::Now, Some([])) => Ok(Value::new(Kind::Time { utc: true }, self.readable.now.clone())),
            (Builtin::Date, Some([text])) => date(text, None).ok_or_else(refused),
            (Builtin::Date, Some([text, layout])) => date(text, Some(layout)).ok_or_else(refused),
            (Builtin::Duration, Some([text])) => {
                let nanos = constant::nanos(text).ok_or_else(refused)?;
                Ok(duration(format!("({nanos})::bigint")))
            }
            _ => Err(refused()),
        }
    }

    /// Methods of dates and durations.
    pub(super) fn method(
        &mut self,
        expr: &Expr,
        method: Method,
        object: &Expr,
        arguments: &[Expr],
    ) -> Lowered {
        let value = self.value(object)?;
        let mut others = Vec::new();
        for argument in arguments {
            others.push(self.value(argument)?);
        }
        let time = |kind| matches!(kind, Kind::Time { .. });
        let x = &value.sql;
        match (method, value.kind, others.as_slice()) {
            (Method::Before, kind, [other]) if time(kind) && time(other.kind) => {
                Ok(Value::new(Kind::Bool, format!("({x}) < ({})", other.sql)))
            }
            (Method::After, kind, [other]) if time(kind) && time(other.kind) => {
                Ok(Value::new(Kind::Bool, format!("({x}) > ({})", other.sql)))
            }
            (Method::Equal, kind, [other]) if time(kind) && time(other.kind) => {
                Ok(Value::new(Kind::Bool, format!("({x}) = ({})", other.sql)))
            }
            (Method::Add, _, [other]) => self.times(expr, BinaryOp::Add, &value, other),
            (Method::Sub, kind, [other]) if time(kind) && time(other.kind) => {
                self.times(expr, BinaryOp::Sub, &value, other)
            }
            (Method::Second, Kind::Time { utc: true }, []) => Ok(clock(x, SECOND, 0, 60)),
            (Method::Minute, Kind::Time { utc: true }, []) => Ok(clock(x, 60 * SECOND, 0, 60)),
            (Method::Hour, Kind::Time { utc: true }, []) => Ok(clock(x, 3600 * SECOND, 0, 24)),
            // 1970 began on a Thursday.
            (Method::Weekday, Kind::Time { utc: true }, []) => Ok(clock(x, 86400 * SECOND, 4, 7)),
            (Method::Nanoseconds, Kind::Duration, []) => Ok(Value::new(Kind::Int, x.clone())),
            _ => Err(self.no(expr, format!("`{}` is not compiled to SQL here", method.name()))),
        }
    }

    /// `+`, `-` and `*` of dates and durations.
    pub(super) fn times(&self, expr: &Expr, op: BinaryOp, a: &Value, b: &Value) -> Lowered {
        let (x, y) = (&a.sql, &b.sql);
        match (op, a.kind, b.kind) {
            (BinaryOp::Add, Kind::Time { .. }, Kind::Duration) => {
                Ok(moved(a.kind, &format!("({x}) + ({y})")))
            }
            (BinaryOp::Add, Kind::Duration, Kind::Time { .. }) => {
                Ok(moved(b.kind, &format!("({x}) + ({y})")))
            }
            (BinaryOp::Sub, Kind::Time { .. }, Kind::Duration) => {
                Ok(moved(a.kind, &format!("({x}) - nullif({y}, {SMALLEST})")))
            }
            (BinaryOp::Sub, Kind::Time { .. }, Kind::Time { .. }) => Ok(fitting(&format!("({x}) - ({y})"))),
            (BinaryOp::Add | BinaryOp::Sub, Kind::Duration, Kind::Duration)
            | (BinaryOp::Mul, Kind::Duration, Kind::Int)
            | (BinaryOp::Mul, Kind::Int, Kind::Duration) => {
                Ok(fitting(&format!("({x})::numeric {} ({y})::numeric", op.symbol())))
            }
            _ => Err(self.no(expr, "this computation with dates is not compiled")),
        }
    }

    /// `- duration`
    pub(super) fn negated(value: &Value) -> Value {
        duration(format!("(- nullif({}, {SMALLEST}))", value.sql))
    }
}

fn date(text: &str, layout: Option<&str>) -> Option<Value> {
    let moment = constant::moment(text, layout)?;
    let kind = Kind::Time { utc: moment.is_utc };
    Some(Value::new(kind, format!("({})::numeric", moment.nanos)))
}

fn duration(sql: String) -> Value {
    Value::new(Kind::Duration, sql)
}

/// A date, unless it is outside of the years that there are.
fn moved(kind: Kind, numeric: &str) -> Value {
    let (first, last) = constant::range();
    Value::new(
        kind,
        format!("case when {numeric} between {first} and {last} then {numeric} end"),
    )
}

/// A duration, unless it is too long.
fn fitting(numeric: &str) -> Value {
    duration(format!(
        "case when {numeric} between -9223372036854775808 and 9223372036854775807 then ({numeric})::bigint end"
    ))
}

/// A hand of the clock: how many units have passed, beginning with `first`, and starting over at `round`.
fn clock(time: &str, unit: i64, first: i64, round: i64) -> Value {
    let passed = format!("(floor(({time}) / {unit}) + {first})");
    let sql = format!("({passed} - floor({passed} / {round}) * {round})::bigint");
    Value::new(Kind::Int, sql)
}

/// Whether a computation is one of dates or durations.
pub(super) fn concerns(a: &Value, b: &Value) -> bool {
    [a, b]
        .iter()
        .any(|value| matches!(value.kind, Kind::Time { .. } | Kind::Duration))
}
