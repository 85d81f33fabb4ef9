//! What happened, counted: by name of the issuer and by reason, never by what stands in a token.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::TokenError;
use crate::jwks::FetchError;

/// Tokens looked at.
#[derive(Debug, Default)]
pub struct TokenCounters {
    verified: AtomicU64,
    remembered: AtomicU64,
    refused: [AtomicU64; TokenError::CODES.len()],
}

impl TokenCounters {
    /// Tokens whose signature was verified.
    pub fn verified(&self) -> u64 {
        self.verified.load(Ordering::Relaxed)
    }

    /// Tokens that were verified before and are still good.
    pub fn remembered(&self) -> u64 {
        self.remembered.load(Ordering::Relaxed)
    }

    /// Tokens that were refused, by the code of the reason.
    pub fn refused(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.refused.iter().map(|count| count.load(Ordering::Relaxed));
        TokenError::CODES.into_iter().zip(counts)
    }

    pub(crate) fn verify(&self) {
        self.verified.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn remember(&self) {
        self.remembered.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refuse(&self, error: &TokenError) {
        let code = error.code();
        for (known, count) in TokenError::CODES.into_iter().zip(&self.refused) {
            if known == code {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// Why fetches fail.
const REASONS: [&str; 5] = ["connection", "timeout", "status", "too_large", "malformed"];

/// Fetches of the keys of one issuer.
#[derive(Debug, Default)]
pub struct FetchCounters {
    succeeded: AtomicU64,
    failed: [AtomicU64; REASONS.len()],
}

impl FetchCounters {
    /// Outcomes and how often each came about: `ok`, and the reasons of failures.
    pub fn outcomes(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let ok = ("ok", self.succeeded.load(Ordering::Relaxed));
        let failed = self.failed.iter().map(|count| count.load(Ordering::Relaxed));
        std::iter::once(ok).chain(REASONS.into_iter().zip(failed))
    }

    pub(crate) fn succeeded(&self) {
        self.succeeded.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self, error: &FetchError) {
        let reason = error.reason();
        for (known, count) in REASONS.into_iter().zip(&self.failed) {
            if known == reason {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}
