//! Claims that cannot be forged. `auth.sql` of the Postgres store says what a seal looks like and verifies it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;

use crate::authenticate::Claims;

/// How far the database's clock may be behind ours or ahead. A seal is for one request, so this keeps nothing alive that should be dead.
const SKEW: Duration = Duration::from_secs(60);

/// Digits of a MAC.
const MAC: usize = 64;

/// Seals claims.
pub(crate) struct SealKey(hmac::Key);

impl SealKey {
    pub(crate) fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// Claims for one request, in a session whose number `auth.next_request()` or `auth.end_request()` drew. They hold for as long as the token does, and no longer than the request
    /// may take.
    pub(crate) fn seal(&self, claims: &Claims, request: &str, longest: Duration) -> String {
        let end = SystemTime::now() + longest;
        let end = claims.expires.map_or(end, |expires| expires.min(end)) + SKEW;
        let expiry = end.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let subject = claims.subject.as_deref().unwrap_or_default();
        let length = subject.chars().count();
        let sealed = format!(" {expiry:012} {length:06} {subject}{}", claims.json);
        let mut mac = hmac::Context::with_key(&self.0);
        mac.update(request.as_bytes());
        mac.update(sealed.as_bytes());
        let mut out = String::with_capacity(MAC + sealed.len());
        for byte in mac.sign().as_ref() {
            out.push(digit(byte >> 4));
            out.push(digit(byte & 15));
        }
        out.push_str(&sealed);
        out
    }
}

fn digit(value: u8) -> char {
    char::from_digit(u32::from(value), 16).unwrap_or('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(subject: Option<&str>, json: &str) -> String {
        let claims = Claims {
            json: json.into(),
            subject: subject.map(str::to_owned),
            expires: Some(UNIX_EPOCH + Duration::from_secs(1_000)),
        };
        SealKey::new(&[1; 32]).seal(&claims, "1 2", Duration::from_secs(60))
    }

    #[test]
    fn holds_no_longer_than_the_token() {
        let sealed = sealed(None, "{}");
        assert_eq!(&sealed[64..], " 000000001060 000000 {}");
        assert!(sealed[..64].bytes().all(|byte| byte.is_ascii_hexdigit()));
    }

    #[test]
    fn counts_the_characters_of_the_subject() {
        let sealed = sealed(Some("zoë"), r#"{"sub":"zoë"}"#);
        assert_eq!(&sealed[64..], r#" 000000001060 000003 zoë{"sub":"zoë"}"#);
    }
}
