//! The three values of an answer.

use std::fmt;

/// What a question comes to. The order is the order of the page: false < unknown < true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// It does not hold.
    False,
    /// It depends on a policy that could not be evaluated. Never grants.
    Unknown,
    /// It holds.
    True,
}

impl Value {
    /// `any_of`: the largest.
    pub fn any_of(values: impl IntoIterator<Item = Value>) -> Value {
        values.into_iter().max().unwrap_or(Value::False)
    }

    /// `all_of`: the smallest.
    pub fn all_of(values: impl IntoIterator<Item = Value>) -> Value {
        values.into_iter().min().unwrap_or(Value::True)
    }

    /// `none_of`: not the largest.
    pub fn none_of(values: impl IntoIterator<Item = Value>) -> Value {
        match Value::any_of(values) {
            Value::False => Value::True,
            Value::Unknown => Value::Unknown,
            Value::True => Value::False,
        }
    }

    /// Whether it grants: only [`Value::True`] does.
    pub fn grants(self) -> bool {
        self == Value::True
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Value::False => "false",
            Value::Unknown => "unknown",
            Value::True => "true",
        })
    }
}
