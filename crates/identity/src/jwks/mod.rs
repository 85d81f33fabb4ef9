//! Key sets that issuers publish: where they are, fetching them, keeping them.
//!
//! # Layout
//!
//! * [`JwksUrl`]: an address that keys may come from.
//! * [`Fetcher`]: one request, bounded in time and size.
//! * `cache`: the keys of one issuer, refreshed in the background, kept when the issuer fails.

mod cache;
mod fetch;
mod url;

pub(crate) use cache::Cache;
pub use cache::{Refresh, State};
pub use fetch::{Authorities, FetchError, Fetcher};
#[cfg(feature = "app")]
pub(crate) use fetch::{connector, innermost};
pub use url::{JwksUrl, UrlError};
