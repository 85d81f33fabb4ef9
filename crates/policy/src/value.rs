//! Values: borrowed from the environment wherever they can be, shared where they were built.

use std::cmp::Ordering;
use std::ops::Deref;
use std::rc::Rc;

use jiff::Zoned;
use jiff::tz::TimeZone;

use crate::env::Context;

/// A JSON value of the environment.
pub(crate) type Json = serde_json::Value;

/// A value of the language.
#[derive(Debug, Clone)]
pub(crate) enum Value<'a> {
    Nil,
    Bool(bool),
    Int(i64),
    /// Always finite: an operation whose result is not fails instead.
    Float(f64),
    Str(Str<'a>),
    Array(Seq<'a>),
    Map(Table<'a>),
    Time(Rc<Zoned>),
    /// Nanoseconds.
    Duration(i64),
    Zone(Rc<TimeZone>),
}

/// A string.
#[derive(Debug, Clone)]
pub(crate) enum Str<'a> {
    Borrowed(&'a str),
    Built(Rc<str>),
}

/// An array.
#[derive(Debug, Clone)]
pub(crate) enum Seq<'a> {
    Json(&'a [Json]),
    Built(Rc<List<'a>>),
    /// Both ends included; empty when the second is less.
    Range(i64, i64),
}

/// An array that was built.
#[derive(Debug)]
pub(crate) struct List<'a> {
    pub(crate) items: Vec<Value<'a>>,
    /// Levels of built values: bounded, so that dropping one cannot exhaust the stack.
    pub(crate) depth: u32,
}

/// A map.
#[derive(Debug, Clone)]
pub(crate) enum Table<'a> {
    Json(&'a Context),
    Built(Rc<Dict<'a>>),
}

/// A map that was built. Small: lookups are linear and paid for in steps.
#[derive(Debug)]
pub(crate) struct Dict<'a> {
    pub(crate) entries: Vec<(Value<'a>, Value<'a>)>,
    /// As for [`List`].
    pub(crate) depth: u32,
}

impl Deref for Str<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Str::Borrowed(text) => text,
            Str::Built(text) => text,
        }
    }
}

impl<'a> Seq<'a> {
    /// The number of elements.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Seq::Json(items) => items.len() as u64,
            Seq::Built(list) => list.items.len() as u64,
            Seq::Range(low, high) if high < low => 0,
            Seq::Range(low, high) => high.abs_diff(*low).saturating_add(1),
        }
    }

    pub(crate) fn get(&self, index: u64) -> Option<Value<'a>> {
        if index >= self.len() {
            return None;
        }
        let at = usize::try_from(index).ok()?;
        match self {
            Seq::Json(items) => items.get(at).map(Value::from_json),
            Seq::Built(list) => list.items.get(at).cloned(),
            Seq::Range(low, _) => low.checked_add_unsigned(index).map(Value::Int),
        }
    }

    /// The elements, lazily.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Value<'a>> + '_ {
        (0..self.len()).map_while(|index| self.get(index))
    }

    fn depth(&self) -> u32 {
        match self {
            Seq::Built(list) => list.depth,
            Seq::Json(_) | Seq::Range(..) => 0,
        }
    }
}

impl<'a> Table<'a> {
    /// `{}`
    pub(crate) fn empty() -> Table<'a> {
        Table::Json(&EMPTY)
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Table::Json(map) => map.len(),
            Table::Built(dict) => dict.entries.len(),
        }
    }

    /// The member with a string key.
    pub(crate) fn get(&self, key: &str) -> Option<Value<'a>> {
        match self {
            Table::Json(map) => map.get(key).map(Value::from_json),
            Table::Built(dict) => {
                let mut entries = dict.entries.iter().rev();
                entries
                    .find(|(k, _)| k.as_str() == Some(key))
                    .map(|(_, value)| value.clone())
            }
        }
    }

    /// The member with any key.
    pub(crate) fn get_value(&self, key: &Value<'a>) -> Option<Value<'a>> {
        match (self, key) {
            (table, Value::Str(key)) => table.get(key),
            (Table::Json(_), _) => None,
            (Table::Built(dict), key) => {
                let mut entries = dict.entries.iter().rev();
                entries
                    .find(|(k, _)| k.same_scalar(key))
                    .map(|(_, value)| value.clone())
            }
        }
    }

    /// The entries, lazily.
    pub(crate) fn iter(&self) -> Box<dyn Iterator<Item = (Value<'a>, Value<'a>)> + '_> {
        match self {
            Table::Json(map) => Box::new(
                map.iter()
                    .map(|(key, value)| (Value::Str(Str::Borrowed(key)), Value::from_json(value))),
            ),
            Table::Built(dict) => Box::new(dict.entries.iter().cloned()),
        }
    }

    fn depth(&self) -> u32 {
        match self {
            Table::Built(dict) => dict.depth,
            Table::Json(_) => 0,
        }
    }
}

static EMPTY: std::sync::LazyLock<Context> = std::sync::LazyLock::new(Context::new);

impl<'a> Value<'a> {
    pub(crate) fn from_json(json: &'a Json) -> Value<'a> {
        match json {
            Json::Null => Value::Nil,
            Json::Bool(b) => Value::Bool(*b),
            Json::Number(number) => match number.as_i64() {
                Some(i) => Value::Int(i),
                None => number
                    .as_f64()
                    .filter(|f| f.is_finite())
                    .map_or(Value::Nil, Value::Float),
            },
            Json::String(text) => Value::Str(Str::Borrowed(text)),
            Json::Array(items) => Value::Array(Seq::Json(items)),
            Json::Object(map) => Value::Map(Table::Json(map)),
        }
    }

    pub(crate) fn text(text: impl Into<Rc<str>>) -> Value<'static> {
        Value::Str(Str::Built(text.into()))
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The value as an integer, if it is a number without a fraction.
    pub(crate) fn as_integer(&self) -> Option<i64> {
        match self {
            Value::Int(i) => Some(*i),
            Value::Float(f) => integral(*f),
            _ => None,
        }
    }

    /// What it is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::Nil => "nil",
            Value::Bool(_) => "a boolean",
            Value::Int(_) | Value::Float(_) => "a number",
            Value::Str(_) => "a string",
            Value::Array(_) => "an array",
            Value::Map(_) => "a map",
            Value::Time(_) => "a date",
            Value::Duration(_) => "a duration",
            Value::Zone(_) => "a time zone",
        }
    }

    /// Whether two values are of kinds that can be equal. Nil can be compared with anything.
    pub(crate) fn comparable(&self, other: &Value<'_>) -> bool {
        matches!(
            (self, other),
            (Value::Nil, _)
                | (_, Value::Nil)
                | (Value::Bool(_), Value::Bool(_))
                | (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_))
                | (Value::Str(_), Value::Str(_))
                | (Value::Array(_), Value::Array(_))
                | (Value::Map(_), Value::Map(_))
                | (Value::Time(_), Value::Time(_))
                | (Value::Duration(_), Value::Duration(_))
                | (Value::Zone(_), Value::Zone(_))
        )
    }

    /// How many levels of built values this is.
    pub(crate) fn depth(&self) -> u32 {
        match self {
            Value::Array(seq) => seq.depth(),
            Value::Map(table) => table.depth(),
            _ => 0,
        }
    }

    /// Equality of values without parts.
    pub(crate) fn same_scalar(&self, other: &Value<'_>) -> bool {
        match (self, other) {
            (Value::Nil, Value::Nil) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) | (Value::Duration(a), Value::Duration(b)) => a == b,
            (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => {
                compare_numbers(self, other) == Some(Ordering::Equal)
            }
            (Value::Str(a), Value::Str(b)) => **a == **b,
            (Value::Time(a), Value::Time(b)) => a.timestamp() == b.timestamp(),
            (Value::Zone(a), Value::Zone(b)) => a == b,
            _ => false,
        }
    }
}

/// The integer a float stands for exactly.
pub(crate) fn integral(f: f64) -> Option<i64> {
    // 2^63 is exact as a float; every integral float below it fits.
    let fits = f.fract() == 0.0 && (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&f);
    #[allow(clippy::cast_possible_truncation)]
    fits.then_some(f as i64)
}

/// The order of two numbers, exact where an integer is larger than a float can tell apart.
pub(crate) fn compare_numbers(a: &Value<'_>, b: &Value<'_>) -> Option<Ordering> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (Value::Int(a), Value::Float(b)) => Some(compare_mixed(*a, *b)),
        (Value::Float(a), Value::Int(b)) => Some(compare_mixed(*b, *a).reverse()),
        _ => None,
    }
}

fn compare_mixed(int: i64, float: f64) -> Ordering {
    match integral(float.floor()) {
        // The float lies at `floor` or between it and the next integer.
        Some(floor) => int.cmp(&floor).then(if float > float.floor() {
            Ordering::Less
        } else {
            Ordering::Equal
        }),
        None if float > 0.0 => Ordering::Less,
        None => Ordering::Greater,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixed_numbers_compare_exactly() {
        for (a, b, expected) in [
            (4, 4.0, Ordering::Equal),
            (4, 4.5, Ordering::Less),
            (5, 4.5, Ordering::Greater),
            (-5, -4.5, Ordering::Less),
            (-4, -4.5, Ordering::Greater),
            (9_007_199_254_740_993, 9_007_199_254_740_992.0, Ordering::Greater),
            (i64::MAX, 9_223_372_036_854_775_808.0, Ordering::Less),
            (i64::MIN, -9_223_372_036_854_775_808.0, Ordering::Equal),
            (i64::MIN, -1e300, Ordering::Greater),
        ] {
            assert_eq!(compare_mixed(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn a_value_is_small() {
        assert!(size_of::<Value<'_>>() <= 32, "{}", size_of::<Value<'_>>());
    }
}
