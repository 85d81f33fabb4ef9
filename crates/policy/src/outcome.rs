//! What an evaluation answers.

/// The answer of a policy: three-valued, so that a missing value never grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The policy holds.
    True,
    /// The policy does not hold.
    False,
    /// The policy could not be decided. Never grants, not even under a negation.
    Unknown(Unknown),
}

impl Outcome {
    /// Whether the policy definitely holds.
    #[must_use]
    pub fn is_true(&self) -> bool {
        matches!(self, Outcome::True)
    }

    /// Whether the policy definitely does not hold.
    #[must_use]
    pub fn is_false(&self) -> bool {
        matches!(self, Outcome::False)
    }

    /// Why the policy could not be decided, if it could not.
    #[must_use]
    pub fn unknown(&self) -> Option<&Unknown> {
        match self {
            Outcome::Unknown(unknown) => Some(unknown),
            Outcome::True | Outcome::False => None,
        }
    }
}

/// Why a policy could not be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// The context keys that were missing or ill-typed, sorted and unique. A missing member is written as its
    /// path, `user.ip`; its first segment is the top-level key. Empty when the context is not to blame.
    pub keys: Vec<String>,
    /// One sentence for people: "`amount` is missing".
    pub message: String,
}

/// An outcome together with the reason for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The same outcome `eval` gives.
    pub outcome: Outcome,
    /// For a no: the innermost sub-expression that made it false and the values it read. For an unknown: its
    /// message. `None` for a yes.
    pub reason: Option<String>,
}

/// What an expression reads besides its context keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Uses {
    /// Reads `check_ctx`.
    pub check_ctx: bool,
    /// Reads `warrant_ctx`, or calls `expiresIn`.
    pub warrant_ctx: bool,
    /// Calls `get_metadata`.
    pub metadata: bool,
    /// Calls `jwt_claim`.
    pub jwt: bool,
    /// Calls `now` or `expiresIn`: the answer changes as time passes.
    pub clock: bool,
}
