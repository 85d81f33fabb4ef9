//! An issuer of one's own: for development, for tests, and for installations that have no identity provider.
//!
//! # Layout
//!
//! * [`BuiltIn`]: tokens for users whom somebody vouches for.
//! * [`Grant`]: what a token is to say.
//! * `key`: a private key, which signs and is never shown; [`Ring`]: the one that signs, and those that were replaced.
//! * `certificate`: what some clients want around a public key.
//! * [`KeyStore`], [`KeyFiles`]: where the private keys are durable.

mod certificate;
mod grant;
mod issuer;
mod key;
mod ring;
mod store;

pub use grant::{Grant, MAX_LIFETIME, MintError};
pub use issuer::{BuiltIn, Minted};
pub use key::KeyError;
pub use ring::{MAX_KEYS, Ring};
pub use store::{Contents, KeyFiles, KeyStore, KeyStoreError};
