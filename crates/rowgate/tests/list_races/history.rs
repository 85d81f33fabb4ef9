//! When what was true. A change takes effect at some moment between its beginning and its end, of which nobody knows which.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

/// What can be true or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    Always,
    Never,
    /// A task is there, in the right hands and in the right place.
    Task(i64),
    /// A project is granted.
    Project(i64),
}

/// What is known of a fact between two moments.
#[derive(Debug, Clone, Copy)]
pub struct Was {
    /// It was true all the time.
    pub always: bool,
    /// It may have been true at some moment.
    pub ever: bool,
}

struct Change {
    from: Instant,
    /// None while nobody knows whether it took place.
    until: Option<Instant>,
    to: bool,
    token: Option<String>,
}

pub struct History {
    at_first: fn(&Fact) -> bool,
    changes: Mutex<BTreeMap<Fact, Vec<Change>>>,
}

impl History {
    pub fn new(at_first: fn(&Fact) -> bool) -> Self {
        Self {
            at_first,
            changes: Mutex::default(),
        }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<Fact, Vec<Change>>> {
        self.changes.lock().unwrap()
    }

    /// As its one writer left it.
    pub fn now(&self, fact: &Fact) -> bool {
        let all = self.all();
        let last = all.get(fact).and_then(|changes| changes.last());
        last.map_or((self.at_first)(fact), |change| change.to)
    }

    /// Makes a change, which is known before it begins.
    pub fn note(&self, fact: Fact, to: bool, change: impl FnOnce() -> Option<String>) {
        self.all().entry(fact).or_default().push(Change {
            from: Instant::now(),
            until: None,
            to,
            token: None,
        });
        let token = change();
        let mut all = self.all();
        let last = all.get_mut(&fact).and_then(|changes| changes.last_mut()).unwrap();
        last.token = token;
        last.until = Some(Instant::now());
    }

    /// The token of the last change that was acknowledged, and when that was.
    pub fn token(&self, fact: &Fact) -> Option<(String, Instant)> {
        let all = self.all();
        let mut changes = all.get(fact)?.iter().rev();
        changes.find_map(|change| Some((change.token.clone()?, change.until?)))
    }

    pub fn between(&self, fact: &Fact, since: Instant, until: Instant) -> Was {
        let all = self.all();
        let changes: &[Change] = all.get(fact).map_or(&[], Vec::as_slice);
        let mut was = Was {
            always: true,
            ever: false,
        };
        let mut meet = |value: bool| {
            was.always &= value;
            was.ever |= value;
        };
        // A value may hold from the beginning of its change to the end of the next one.
        let ended_before = |at: usize| {
            let next: Option<&Change> = changes.get(at);
            next.is_some_and(|next| next.until.is_some_and(|end| end < since))
        };
        if !ended_before(0) {
            meet((self.at_first)(fact));
        }
        for (at, change) in changes.iter().enumerate() {
            if change.from <= until && !ended_before(at + 1) {
                meet(change.to);
            }
        }
        was
    }

    pub fn changes(&self) -> usize {
        self.all().values().map(Vec::len).sum()
    }
}
