//! Why a token is refused. No message shows what stands in the token: it may be somebody's, and it may be anything.

use crate::jwks::FetchError;

/// Why a token is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It is longer than any token that is accepted.
    #[error("the token is longer than {limit} bytes; ask the issuer for fewer claims")]
    TooLarge {
        /// In bytes.
        limit: usize,
    },
    /// It is not three parts of base64url with JSON in the first two, or says something twice.
    #[error("the token is not a JSON Web Token: {0}")]
    Malformed(&'static str),
    /// It is signed in a way that is not accepted at all, or not from this issuer.
    #[error("the token's algorithm is not accepted: {0}")]
    Algorithm(&'static str),
    /// Nobody whom this verifier believes issued it.
    #[error(
        "no issuer is configured under the token's `iss`; configure it, or ask a configured one for a token"
    )]
    UnknownIssuer,
    /// Its issuer has no key for it.
    #[error("issuer `{issuer}` has no key for this token: {why}")]
    UnknownKey {
        /// The configured name of the issuer.
        issuer: String,
        /// In what way.
        why: &'static str,
    },
    /// Its signature is not that of the key it names.
    #[error("the token's signature is not valid; it was changed on its way, or signed with another key")]
    Signature,
    /// It is too late for it.
    #[error("the token has expired; ask the issuer for a new one")]
    Expired,
    /// It is too early for it.
    #[error("the token is not valid yet; compare the clocks of its issuer and of this machine")]
    NotYetValid,
    /// It is for somebody else.
    #[error("the token is for another audience; ask for one for {}", .accepted.join(" or "))]
    Audience {
        /// The audiences that are accepted from its issuer.
        accepted: Vec<String>,
    },
    /// A claim has a value that cannot be used, or is absent and must be there.
    #[error("the token's claim `{claim}` {why}")]
    Claim {
        /// The name of the claim, which the configuration or the standard gives.
        claim: String,
        /// In what way.
        why: &'static str,
    },
    /// The keys of its issuer cannot be had, so nobody can tell.
    #[error("the keys of issuer `{issuer}` cannot be had: {error}")]
    KeysUnavailable {
        /// The configured name of the issuer.
        issuer: String,
        /// What became of the last try.
        error: FetchError,
    },
}

impl TokenError {
    /// All codes that [`TokenError::code`] gives, in its order.
    pub const CODES: [&'static str; 11] = [
        "token_too_large",
        "token_malformed",
        "token_algorithm",
        "token_unknown_issuer",
        "token_unknown_key",
        "token_signature",
        "token_expired",
        "token_not_yet_valid",
        "token_audience",
        "token_claim",
        "token_keys_unavailable",
    ];

    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "token_too_large",
            Self::Malformed(_) => "token_malformed",
            Self::Algorithm(_) => "token_algorithm",
            Self::UnknownIssuer => "token_unknown_issuer",
            Self::UnknownKey { .. } => "token_unknown_key",
            Self::Signature => "token_signature",
            Self::Expired => "token_expired",
            Self::NotYetValid => "token_not_yet_valid",
            Self::Audience { .. } => "token_audience",
            Self::Claim { .. } => "token_claim",
            Self::KeysUnavailable { .. } => "token_keys_unavailable",
        }
    }

    /// Whether the same token may be accepted a little later: nothing is wrong with it as far as anybody knows.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::KeysUnavailable { .. })
    }

    pub(crate) fn claim(claim: &str, why: &'static str) -> Self {
        Self::Claim {
            claim: claim.to_owned(),
            why,
        }
    }
}
