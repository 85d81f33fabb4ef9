//! Why a sub-expression has no value.

use std::collections::BTreeSet;

use crate::outcome::Unknown;

/// The reason a sub-expression has no definite value.
#[derive(Debug, Clone)]
pub(crate) enum Fail {
    /// A `?.` found nothing: the chain around it is nil.
    Skip,
    /// The value is unknown.
    Trouble(Box<Trouble>),
}

/// An unknown value.
#[derive(Debug, Clone)]
pub(crate) struct Trouble {
    /// The context keys to blame.
    pub(crate) keys: BTreeSet<String>,
    pub(crate) message: String,
    /// The value itself is absent, so `??` and `?.` may stand in for it. An operation on an absent value is not.
    pub(crate) absent: bool,
    /// A limit is exceeded: nothing further is evaluated.
    pub(crate) fatal: bool,
}

impl Fail {
    /// A value that is of the wrong type or out of bounds.
    pub(crate) fn wrong(keys: impl IntoIterator<Item = String>, message: String) -> Fail {
        let keys = keys.into_iter().collect();
        Fail::Trouble(Box::new(Trouble {
            keys,
            message,
            absent: false,
            fatal: false,
        }))
    }

    /// A value that is not there.
    pub(crate) fn absent(keys: impl IntoIterator<Item = String>, message: String) -> Fail {
        let keys = keys.into_iter().collect();
        Fail::Trouble(Box::new(Trouble {
            keys,
            message,
            absent: true,
            fatal: false,
        }))
    }

    /// The end of the evaluation.
    pub(crate) fn fatal(message: &str) -> Fail {
        let message = message.to_owned();
        Fail::Trouble(Box::new(Trouble {
            keys: BTreeSet::new(),
            message,
            absent: false,
            fatal: true,
        }))
    }

    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, Fail::Trouble(trouble) if trouble.absent)
    }

    pub(crate) fn is_fatal(&self) -> bool {
        matches!(self, Fail::Trouble(trouble) if trouble.fatal)
    }

    /// The failure of an operation on a value that failed: unknown, but no longer absent.
    pub(crate) fn settle(mut self) -> Fail {
        if let Fail::Trouble(trouble) = &mut self {
            trouble.absent = false;
        }
        self
    }

    /// Both failures; the message is that of the first.
    pub(crate) fn merge(mut self, other: Fail) -> Fail {
        match (&mut self, other) {
            (Fail::Trouble(first), Fail::Trouble(second)) => {
                first.keys.extend(second.keys);
                first.absent &= second.absent;
            }
            (Fail::Skip, other) => return other,
            (Fail::Trouble(_), Fail::Skip) => {}
        }
        self
    }

    pub(crate) fn into_unknown(self) -> Unknown {
        match self {
            Fail::Trouble(trouble) => Unknown {
                keys: trouble.keys.into_iter().collect(),
                message: trouble.message,
            },
            Fail::Skip => Unknown {
                keys: Vec::new(),
                message: "the expression has no value".to_owned(),
            },
        }
    }
}
