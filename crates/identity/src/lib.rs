//! Who asks: tokens of identity providers, verified against their key sets, and an issuer of one's own.
//!
//! # Layout
//!
//! Verifying:
//!
//! * [`Verifier`]: several issuers; a token in, an identity or the reason against it out.
//! * [`Issuer`]: whom to believe, and how far.
//! * `compact`, `json`: the three parts of a token, read strictly; [`Claims`]: what a token says.
//! * [`Algorithm`]: the signatures there are; `key`, [`KeySet`]: public keys, and what each may verify.
//! * [`jwks`]: fetching key sets and keeping them.
//! * `verified`: tokens that were verified before; [`counters`]: what happened, counted.
//! * [`TokenError`]: why a token is refused.
//!
//! Issuing:
//!
//! * [`built_in`]: signing keys, their file, their rotation, and the tokens they sign.
//!
//! For applications, with the feature `app`:
//!
//! * [`app`]: a layer for axum, and permissions that the token answers without a request.

mod algorithm;
#[cfg(feature = "app")]
pub mod app;
pub mod built_in;
mod claims;
mod compact;
pub mod counters;
mod error;
mod issuer;
mod json;
pub mod jwks;
mod key;
mod key_set;
mod verified;
mod verifier;

pub use algorithm::Algorithm;
pub use claims::Claims;
pub use compact::unverified;
pub use error::TokenError;
pub use issuer::{Audiences, Issuer, IssuerError, Keys};
pub use key::PublicKey;
pub use key_set::{KeySet, KeySetError};
pub use verified::Identity;
pub use verifier::{Verifier, now};
