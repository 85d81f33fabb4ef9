//! Statements that a kept session has prepared, so that Postgres parses and plans them once.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Most texts that are remembered in a session.
const MOST: usize = 64;

/// Longest text that is remembered, in bytes.
const LONGEST: usize = 4 << 10;

/// The statements of a session, by their texts.
pub(crate) struct Statements {
    /// How long a statement is used after it was parsed. Postgres plans it anew when a table changes, but keeps the types of parameters that it found
    /// when it parsed, and the table that a name meant before another one came to stand in front of it.
    fresh: Duration,
    known: HashMap<Box<str>, Option<Named>>,
    names: u32,
}

struct Named {
    number: u32,
    since: Instant,
}

/// How a statement is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Parsed, and forgotten with the next one.
    Unnamed,
    /// Parsed, to be used again by the name of this number. There may be an older one of the name.
    New(u32),
    /// Parsed before.
    Known(u32),
}

impl Form {
    /// A name that no statement of a client has by accident. One that takes it on purpose has itself to thank for what it gets: all names are
    /// gone before anybody else has the session.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Unnamed => String::new(),
            Self::New(number) | Self::Known(number) => format!("rowgate {number}"),
        }
    }
}

impl Statements {
    /// None yet. `fresh`: how long one may be used after it was parsed.
    pub(super) fn new(fresh: Duration) -> Self {
        Self {
            fresh,
            known: HashMap::new(),
            names: 0,
        }
    }

    /// Of a client: what comes once is often never the same again, so the second time a statement gets its name.
    pub(crate) fn form(&mut self, sql: &str) -> Form {
        self.find(sql, false)
    }

    /// Of ours: the same for every request.
    pub(crate) fn own_form(&mut self, sql: &str) -> Form {
        self.find(sql, true)
    }

    fn find(&mut self, sql: &str, at_once: bool) -> Form {
        let now = Instant::now();
        if let Some(known) = self.known.get_mut(sql) {
            return match known {
                Some(named) if now.duration_since(named.since) < self.fresh => Form::Known(named.number),
                Some(named) => {
                    named.since = now;
                    Form::New(named.number)
                }
                None => {
                    let named = name(&mut self.names, now);
                    Form::New(known.insert(named).number)
                }
            };
        }
        if sql.len() > LONGEST || !self.has_room() {
            return Form::Unnamed;
        }
        let named = at_once.then(|| name(&mut self.names, now));
        let form = named
            .as_ref()
            .map_or(Form::Unnamed, |named| Form::New(named.number));
        self.known.insert(sql.into(), named);
        form
    }

    /// Forgets what came once, if that makes room.
    fn has_room(&mut self) -> bool {
        if self.known.len() >= MOST {
            self.known.retain(|_, named| named.is_some());
        }
        self.known.len() < MOST
    }

    /// The session has none of them any more.
    pub(super) fn forget(&mut self) {
        if !self.known.is_empty() {
            *self = Self::new(self.fresh);
        }
    }
}

fn name(names: &mut u32, since: Instant) -> Named {
    *names += 1;
    Named {
        number: *names,
        since,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRESH: Duration = Duration::from_secs(60);

    #[test]
    fn names_what_comes_again() {
        let mut statements = Statements::new(FRESH);
        assert_eq!(statements.own_form("ours"), Form::New(1));
        assert_eq!(statements.own_form("ours"), Form::Known(1));
        assert_eq!(statements.form("a"), Form::Unnamed);
        assert_eq!(statements.form("b"), Form::Unnamed);
        assert_eq!(statements.form("a"), Form::New(2));
        assert_eq!(statements.form("a"), Form::Known(2));
        assert_eq!(Form::Known(2).name(), "rowgate 2");
        assert_eq!(Form::Unnamed.name(), "");
        statements.forget();
        assert_eq!(statements.form("a"), Form::Unnamed);
    }

    #[test]
    fn is_parsed_anew_after_a_while() {
        let mut statements = Statements::new(FRESH);
        statements.own_form("a");
        let named = statements.known.get_mut("a").unwrap().as_mut().unwrap();
        named.since = Instant::now().checked_sub(FRESH).unwrap();
        assert_eq!(statements.form("a"), Form::New(1));
        assert_eq!(statements.form("a"), Form::Known(1));
    }

    #[test]
    fn remembers_so_many_and_no_more() {
        let mut statements = Statements::new(FRESH);
        let long = "x".repeat(LONGEST + 1);
        for _ in 0..3 {
            assert_eq!(statements.form(&long), Form::Unnamed);
        }
        for number in 0..10 * MOST {
            assert_eq!(statements.form(&format!("once {number}")), Form::Unnamed);
        }
        assert!(statements.known.len() <= MOST);
        for number in 0..2 * MOST {
            statements.form(&format!("again {number}"));
            statements.form(&format!("again {number}"));
        }
        assert_eq!(statements.known.len(), MOST);
        assert!(statements.names as usize <= MOST);
        assert_eq!(statements.form("one more"), Form::Unnamed);
        assert_eq!(statements.form("one more"), Form::Unnamed);
    }
}
