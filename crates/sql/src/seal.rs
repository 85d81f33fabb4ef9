//! Claims that cannot be forged. `session.sql` of the Postgres store says what a seal looks like and verifies it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;

use crate::authenticate::Claims;

/// How far the database's clock may be behind ours or ahead. A seal is for one request, so this keeps nothing alive that should be dead.
const SKEW: Duration = Duration::from_secs(60);

/// Seals claims.
pub(crate) struct SealKey {
    id: i32,
    key: hmac::Key,
}

impl SealKey {
    pub(crate) fn new(id: i32, secret: &[u8]) -> Self {
        Self {
            id,
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
        }
    }

    /// Claims for one request, named as `auth.next_request()` does. They hold for as long as the token does, and no longer than the request
    /// may take.
    pub(crate) fn seal(&self, claims: &Claims, request: &str, longest: Duration) -> String {
        let end = SystemTime::now() + longest;
        let end = claims.expires.map_or(end, |expires| expires.min(end)) + SKEW;
        let expiry = end.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let sealed = format!("{} {expiry} {}", self.id, claims.json);
        let tag = hmac::sign(&self.key, format!("{request} {sealed}").as_bytes());
        let mut out = String::with_capacity(65 + sealed.len());
        for byte in tag.as_ref() {
            out.push(digit(byte >> 4));
            out.push(digit(byte & 15));
        }
        out.push(' ');
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

    #[test]
    fn holds_no_longer_than_the_token() {
        let claims = Claims {
            json: "{}".into(),
            expires: Some(UNIX_EPOCH + Duration::from_secs(1_000)),
        };
        let sealed = SealKey::new(7, &[1; 32]).seal(&claims, "1 2", Duration::from_secs(60));
        assert_eq!(&sealed[64..], " 7 1060 {}");
        assert!(sealed[..64].bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}
