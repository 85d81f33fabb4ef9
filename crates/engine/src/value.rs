//! The three values of a question.

/// False < unknown < true. Only [`Value::True`] grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Value {
    /// No.
    #[default]
    False,
    /// A policy that matters could not be decided with the context given.
    Unknown,
    /// Yes.
    True,
}

impl Value {
    /// Whether the question is answered yes.
    pub fn grants(self) -> bool {
        self == Self::True
    }

    /// What `none_of` makes of the largest of its rules.
    pub(crate) fn negated(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
            Self::True => Self::False,
        }
    }
}

impl From<&rowgate_policy::Outcome> for Value {
    fn from(outcome: &rowgate_policy::Outcome) -> Self {
        match outcome {
            rowgate_policy::Outcome::True => Self::True,
            rowgate_policy::Outcome::False => Self::False,
            rowgate_policy::Outcome::Unknown(_) => Self::Unknown,
        }
    }
}
