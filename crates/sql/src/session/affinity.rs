//! Whose a session is: a token that asks again finds the session of its last request as it left it.

use std::collections::VecDeque;

use aws_lc_rs::digest::{Context, SHA256, SHA256_OUTPUT_LEN};

use crate::authenticate::Claims;

/// A verified token, in a role: the same for the same text of a token alone. Not its user, who may have tokens that say other things.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Affinity([u8; SHA256_OUTPUT_LEN]);

impl Affinity {
    /// None for a token without a `sub`: it names nobody, and is often one that everybody has.
    pub(crate) fn of(role: &str, token: &str, claims: &Claims) -> Option<Self> {
        claims.subject.as_ref()?;
        let mut digest = Context::new(&SHA256);
        // The claims, too: what is sealed for one request must be true in all that the session is kept for.
        for part in [role, token, &claims.json] {
            digest.update(&part.len().to_be_bytes());
            digest.update(part.as_bytes());
        }
        let mut own = [0; SHA256_OUTPUT_LEN];
        own.copy_from_slice(digest.finish().as_ref());
        Some(Self(own))
    }
}

/// Who got the last sessions of a pool.
pub(super) struct Recent {
    last: VecDeque<Affinity>,
    most: usize,
}

impl Recent {
    pub(super) fn new(most: usize) -> Self {
        Self {
            last: VecDeque::with_capacity(most),
            most,
        }
    }

    /// Says whether a token is among them, and puts it there.
    pub(super) fn note(&mut self, token: Affinity) -> bool {
        let known = self.last.contains(&token);
        if self.last.len() >= self.most {
            self.last.pop_front();
        }
        self.last.push_back(token);
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(role: &str, token: &str, subject: Option<&str>, json: &str) -> Option<Affinity> {
        let claims = Claims {
            json: json.into(),
            subject: subject.map(str::to_owned),
            expires: None,
        };
        Affinity::of(role, token, &claims)
    }

    #[test]
    fn is_of_the_text_of_a_token_in_a_role() {
        let one = of("authenticated", "a.b.c", Some("ann"), "{}");
        assert!(one.is_some());
        assert!(one == of("authenticated", "a.b.c", Some("ann"), "{}"));
        for other in [
            of("authenticated", "a.b.d", Some("ann"), "{}"),
            of("authenticateda", ".b.c", Some("ann"), "{}"),
            of("authenticated", "a.b.c", Some("ann"), "{\"a\":1}"),
        ] {
            assert!(other.is_some() && other != one);
        }
        assert!(of("authenticated", "a.b.c", None, "{}").is_none());
    }

    #[test]
    fn knows_as_many_as_there_are_sessions() {
        let token = |number: u8| Affinity([number; SHA256_OUTPUT_LEN]);
        let mut recent = Recent::new(2);
        assert!(!recent.note(token(1)));
        assert!(recent.note(token(1)));
        assert!(!recent.note(token(2)));
        assert!(recent.note(token(1)));
        assert!(!recent.note(token(3)));
        assert!(!recent.note(token(2)));
    }
}
