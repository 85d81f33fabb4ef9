//! Under which condition an assignment counts: until a moment, while a policy is true, or both. It is the policy of its warrant.

use rowgate_binding::authz::{UNTIL, UNTIL_END};
use rowgate_policy::Policy;

use crate::{Error, Result};

const AND: &str = " && (";

/// The condition of an assignment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Condition<'a> {
    /// RFC 3339; it no longer counts from then on.
    pub expires_at: Option<&'a str>,
    /// A policy over the context of the request.
    pub policy: Option<&'a str>,
}

impl<'a> Condition<'a> {
    /// Of the policy of a warrant.
    pub(crate) fn read(text: Option<&'a str>) -> Self {
        let Some(text) = text else { return Self::default() };
        let until = text
            .strip_prefix(UNTIL)
            .and_then(|rest| rest.split_once(UNTIL_END));
        let Some((expires_at, rest)) = until else {
            return Self {
                expires_at: None,
                policy: Some(text),
            };
        };
        let policy = rest.strip_prefix(AND).and_then(|rest| rest.strip_suffix(')'));
        Self {
            expires_at: Some(expires_at),
            policy,
        }
    }

    /// Whether it is over at a moment, microseconds since the Unix epoch.
    pub fn is_over(&self, now: i64) -> bool {
        let ends = self
            .expires_at
            .and_then(|text| text.parse::<jiff::Timestamp>().ok());
        ends.is_some_and(|ends| ends.as_microsecond() <= now)
    }

    /// As the policy of a warrant.
    ///
    /// # Errors
    /// [`Error::Fields`] for a time that is none and for a policy that does not compile.
    pub fn write(&self) -> Result<Option<String>> {
        let until = self.expires_at.map(expiry).transpose()?;
        let text = match (until, self.policy) {
            (None, None) => return Ok(None),
            // Not to be taken for an end of ours with something behind it.
            (None, Some(policy)) if policy.starts_with(UNTIL) => format!("({policy})"),
            (None, Some(policy)) => policy.to_owned(),
            (Some(until), None) => until,
            (Some(until), Some(policy)) => format!("{until}{AND}{policy})"),
        };
        // The condition by itself, so that it cannot end the parentheses around it, and as it is stored.
        [self.policy, Some(text.as_str())]
            .into_iter()
            .flatten()
            .try_for_each(compiles)?;
        Ok(Some(text))
    }
}

fn compiles(policy: &str) -> Result<()> {
    Policy::compile_warrant(policy).map(|_| ()).map_err(|error| {
        let message = format!("the condition cannot be used: {error}\n{}", error.snippet(policy));
        Error::field("condition", "invalid", message)
    })
}

fn expiry(text: &str) -> Result<String> {
    let moment: jiff::Timestamp = text.parse().map_err(|_| {
        Error::field(
            "expires_at",
            "invalid",
            "expires_at must be a time such as 2026-01-31T12:00:00Z",
        )
    })?;
    Ok(format!("{UNTIL}{moment}{UNTIL_END}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for (expires_at, policy) in [
            (None, None),
            (Some("2026-01-31T12:00:00Z"), None),
            (None, Some("amount <= 100")),
            (
                Some("2026-01-31T12:00:00.5Z"),
                Some("ip in [\"a\", \"b)\"] || (x)"),
            ),
        ] {
            let condition = Condition { expires_at, policy };
            let text = condition.write().unwrap();
            assert_eq!(Condition::read(text.as_deref()), condition, "{text:?}");
            if let Some(text) = text {
                Policy::compile_warrant(&text).unwrap();
            }
        }
    }

    #[test]
    fn a_policy_that_begins_like_an_end_is_not_shown_as_one() {
        for policy in [
            "now() < date(\"2030-01-01T00:00:00Z\") || true",
            "now() < date(\"2030-01-01T00:00:00Z\") && (a) || (b)",
        ] {
            let condition = Condition {
                expires_at: None,
                policy: Some(policy),
            };
            let text = condition.write().unwrap().unwrap();
            let shown = Condition::read(Some(&text));
            assert_eq!(shown.expires_at, None, "{text}");
            assert_eq!(shown.policy, Some(format!("({policy})").as_str()));
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        let soon = Condition {
            expires_at: Some("soon"),
            policy: None,
        };
        assert!(matches!(soon.write(), Err(Error::Fields(_))));
        let open = Condition {
            expires_at: None,
            policy: Some("true) || (true"),
        };
        assert!(
            matches!(open.write(), Err(Error::Fields(_))),
            "it must stand on its own"
        );
    }
}
