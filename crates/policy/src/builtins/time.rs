//! Dates and durations. The clock is that of the environment.

use std::rc::Rc;

use jiff::tz::TimeZone;

use super::call::Call;
use super::{Builtin, Method};
use crate::ast::Expr;
use crate::clock::{date, duration};
use crate::eval::{Eval, Machine, between, shift};
use crate::value::Value;

pub(super) fn call<'a>(machine: &mut Machine<'a>, function: Builtin, call: &Call<'a>) -> Eval<'a> {
    match function {
        Builtin::Now => date::from_micros(machine.env.now.0)
            .map(|now| Value::Time(Rc::new(now)))
            .ok_or_else(|| call.wrong(machine, "the moment is not a date")),
        Builtin::Duration => {
            let text = call.text(machine, 0)?;
            machine.read_text(&text)?;
            duration::parse(&text)
                .map(Value::Duration)
                .map_err(|why| call.wrong(machine, why))
        }
        Builtin::Timezone => {
            let name = call.text(machine, 0)?;
            machine.steps(16)?;
            let zone = date::zone(&name).map_err(|why| call.wrong(machine, why))?;
            Ok(Value::Zone(Rc::new(zone)))
        }
        Builtin::Date => read(machine, call),
        _ => Err(call.wrong(machine, "not a function of dates")),
    }
}

fn read<'a>(machine: &mut Machine<'a>, call: &Call<'a>) -> Eval<'a> {
    if let Value::Time(date) = call.value(0) {
        return Ok(Value::Time(date.clone()));
    }
    let text = call.text(machine, 0)?;
    let layout = if call.has(1) {
        Some(call.text(machine, 1)?)
    } else {
        None
    };
    machine.steps(16 + text.len() as u64 + layout.as_deref().map_or(0, str::len) as u64)?;
    let zone = if call.has(2) {
        zone(machine, call.value(2))
    } else {
        Some(TimeZone::UTC)
    };
    let Some(zone) = zone else {
        return Err(call.mismatch(machine, 2, "a time zone or its name"));
    };
    date::parse(&text, layout.as_deref(), &zone)
        .map(|date| Value::Time(Rc::new(date)))
        .map_err(|why| call.wrong(machine, why))
}

/// A zone or the name of one.
fn zone(machine: &mut Machine<'_>, value: &Value<'_>) -> Option<TimeZone> {
    match value {
        Value::Zone(zone) => Some((**zone).clone()),
        Value::Str(name) => {
            machine.steps(16).ok()?;
            date::zone(name).ok()
        }
        _ => None,
    }
}

impl<'a> Machine<'a> {
    /// A method of a date or a duration.
    pub(crate) fn method(
        &mut self,
        expr: &'a Expr,
        method: Method,
        object: &'a Expr,
        arguments: &'a [Expr],
    ) -> Eval<'a> {
        let value = self.eval(object)?;
        let call = Call {
            expr,
            arguments,
            values: self.all_of(arguments)?,
        };
        self.steps(1)?;
        match &value {
            Value::Time(date) => self.date_method(method, date, &call),
            Value::Duration(nanos) => self.duration_method(method, *nanos, &call),
            _ => None,
        }
        .unwrap_or_else(|| {
            if matches!(value, Value::Time(_) | Value::Duration(_)) {
                return Err(call.wrong(
                    self,
                    format!("{} has no method `{}`", value.kind(), method.name()),
                ));
            }
            Err(self.mismatch(expr, object, &value, "a date or a duration"))
        })
    }

    fn date_method(&mut self, method: Method, date: &jiff::Zoned, call: &Call<'a>) -> Option<Eval<'a>> {
        let at = date.timestamp();
        let other = || match call.value(0) {
            Value::Time(other) => Ok(other.clone()),
            _ => Err(call.mismatch(self, 0, "a date")),
        };
        let int = |number: i64| Some(Ok(Value::Int(number)));
        match method {
            Method::Year => int(date.year().into()),
            Method::Month => int(date.month().into()),
            Method::Day => int(date.day().into()),
            Method::Hour => int(date.hour().into()),
            Method::Minute => int(date.minute().into()),
            Method::Second => int(date.second().into()),
            Method::Nanosecond => int(date.subsec_nanosecond().into()),
            Method::Weekday => int(date.weekday().to_sunday_zero_offset().into()),
            Method::YearDay => int(date.day_of_year().into()),
            Method::Unix => int(at.as_duration().as_secs() - i64::from(at.subsec_nanosecond() < 0)),
            Method::UnixMilli => int(at.as_millisecond()),
            Method::UnixMicro => int(at.as_microsecond()),
            Method::UnixNano => Some(match i64::try_from(at.as_nanosecond()) {
                Ok(nanos) => Ok(Value::Int(nanos)),
                Err(_) => Err(call.wrong(self, "the result is too large")),
            }),
            Method::Before => Some(other().map(|other| Value::Bool(at < other.timestamp()))),
            Method::After => Some(other().map(|other| Value::Bool(at > other.timestamp()))),
            Method::Equal => Some(other().map(|other| Value::Bool(at == other.timestamp()))),
            Method::Compare => Some(other().map(|other| Value::Int(at.cmp(&other.timestamp()) as i64))),
            Method::Sub => Some(other().and_then(|other| self.checked(between(date, &other), call))),
            Method::Add => Some(match call.value(0) {
                Value::Duration(nanos) => self.checked(shift(date, *nanos), call),
                _ => Err(call.mismatch(self, 0, "a duration")),
            }),
            Method::AddDate => Some(self.add_date(date, call)),
            Method::Utc => Some(Ok(Value::Time(Rc::new(date.with_time_zone(TimeZone::UTC))))),
            Method::In => Some(match zone(self, call.value(0)) {
                Some(zone) => Ok(Value::Time(Rc::new(date.with_time_zone(zone)))),
                None => Err(call.mismatch(self, 0, "a time zone or its name")),
            }),
            Method::Format => Some(call.text(self, 0).and_then(|layout| {
                // The longest element a layout can hold grows from three bytes to a zone's name.
                self.build_text(16 + layout.len().saturating_mul(8))?;
                Ok(Value::text(date::format(date, &layout)))
            })),
            Method::String => Some(Ok(Value::text(date::format(date, date::RFC_3339)))),
            _ => None,
        }
    }

    /// Years, months and days later; a day that the month does not have runs over into the next.
    fn add_date(&mut self, date: &jiff::Zoned, call: &Call<'a>) -> Eval<'a> {
        let (years, months, days) = (call.int(self, 0)?, call.int(self, 1)?, call.int(self, 2)?);
        let moved = (|| {
            let month = i64::from(date.month() - 1).checked_add(months)?;
            let year = i64::from(date.year())
                .checked_add(years)?
                .checked_add(month.div_euclid(12))?;
            let first = jiff::civil::Date::new(
                i16::try_from(year).ok()?,
                i8::try_from(month.rem_euclid(12) + 1).ok()?,
                1,
            )
            .ok()?;
            let days = days.checked_add(i64::from(date.day() - 1))?;
            let span = jiff::Span::new().try_days(days).ok()?;
            let moved = first.checked_add(span).ok()?.to_datetime(date.time());
            moved.to_zoned(date.time_zone().clone()).ok()
        })();
        self.checked(moved.map(|date| Value::Time(Rc::new(date))), call)
    }

    #[allow(clippy::cast_precision_loss)]
    fn duration_method(&mut self, method: Method, nanos: i64, call: &Call<'a>) -> Option<Eval<'a>> {
        let float = |unit: f64| Some(Ok(Value::Float(nanos as f64 / unit)));
        match method {
            Method::Hours => float(3.6e12),
            Method::Minutes => float(6e10),
            Method::Seconds => float(1e9),
            Method::Milliseconds => Some(Ok(Value::Int(nanos / 1_000_000))),
            Method::Microseconds => Some(Ok(Value::Int(nanos / 1_000))),
            Method::Nanoseconds => Some(Ok(Value::Int(nanos))),
            Method::Abs => Some(self.checked(nanos.checked_abs().map(Value::Duration), call)),
            Method::Round | Method::Truncate => Some(match call.value(0) {
                Value::Duration(unit) => {
                    let round = method == Method::Round;
                    self.checked(to_multiple(nanos, *unit, round).map(Value::Duration), call)
                }
                _ => Err(call.mismatch(self, 0, "a duration")),
            }),
            Method::String => Some(Ok(Value::text(duration::format(nanos)))),
            _ => None,
        }
    }

    fn checked(&self, value: Option<Value<'a>>, call: &Call<'a>) -> Eval<'a> {
        value.ok_or_else(|| call.wrong(self, "the result is too large"))
    }
}

/// The multiple of a unit towards zero, or the nearest with halves away from zero.
fn to_multiple(nanos: i64, unit: i64, round: bool) -> Option<i64> {
    if unit <= 0 {
        return Some(nanos);
    }
    let rest = nanos % unit;
    let down = nanos - rest;
    if round && rest.unsigned_abs() >= unit.unsigned_abs().div_ceil(2) {
        down.checked_add(unit * rest.signum())
    } else {
        Some(down)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_round_away_from_zero() {
        for (nanos, unit, rounded, truncated) in [
            (7, 5, 5, 5),
            (8, 5, 10, 5),
            (-8, 5, -10, -5),
            (5, 10, 10, 0),
            (7, 0, 7, 7),
        ] {
            assert_eq!(to_multiple(nanos, unit, true), Some(rounded));
            assert_eq!(to_multiple(nanos, unit, false), Some(truncated));
        }
        assert_eq!(to_multiple(i64::MAX, i64::MAX - 1, true), Some(i64::MAX - 1));
    }
}
