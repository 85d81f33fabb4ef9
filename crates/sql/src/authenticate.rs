//! How tokens become claims. The server brings that.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

/// What a verified token says.
#[derive(Clone)]
pub struct Claims {
    /// A JSON object: the payload of the token.
    pub json: Arc<str>,
    /// The claim `sub` of it, if that is a string.
    pub subject: Option<String>,
    /// When the token stops being valid, if it does.
    pub expires: Option<SystemTime>,
}

/// Without the claims: they are somebody's.
impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims")
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// The outcome of [`Authenticate::authenticate`].
pub type Authenticated<'a> = Pin<Box<dyn Future<Output = Result<Claims, String>> + Send + 'a>>;

/// Verifies tokens.
pub trait Authenticate: Send + Sync + 'static {
    /// The claims of a token that may be used with a database role. An error says what is wrong with the token; the client sees it.
    fn authenticate<'a>(&'a self, token: &'a str, role: &'a str) -> Authenticated<'a>;
}
