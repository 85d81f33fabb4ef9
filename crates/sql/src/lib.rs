//! SQL over HTTP: `POST /sql`, the protocol of serverless Postgres drivers.
//!
//! A client sends SQL with a token. The token is verified, its claims are sealed into a Postgres session that no other client shares, and
//! row-level security decides what the SQL sees. What the protocol looks like from outside is in `docs/sql-over-http.md`; what is trusted and
//! what is not, in `docs/threat-model.md`.
//!
//! # Layout
//!
//! * [`Config`], [`Target`]: which database, how much of it, for whom.
//! * [`Authenticate`]: how tokens become claims; the server brings that.
//! * [`Gateway`]: everything together; [`router`] serves it.
//! * `http`: the route; `head`: what the headers say; `incoming`: bodies as they come; `body`: queries and parameters; `answer`, `value`: rows as JSON; `error`: the other answers.
//! * `admit`: who may come in; `in_use`: a session while a request uses it; `execute`: queries in it, with limits; `cancel`: queries that have to stop;
//!   `lasting`: what queries may leave in it.
//! * `counters`: what `/metrics` shows.
//! * `session`: logged in, used, reset, used again; `directory`: keys and logins, which are in the database; `seal`: claims that cannot be forged; `session_jwt`: the same for the
//!   extension `pg_session_jwt`.
//! * `wire`: the Postgres protocol, because drivers of Rust do not offer what is needed: unnamed statements with parameters and results as text.

mod admit;
mod answer;
mod authenticate;
mod body;
mod cancel;
mod config;
mod counters;
mod directory;
mod error;
mod execute;
mod gateway;
mod head;
mod http;
mod in_use;
mod incoming;
mod kind;
mod lasting;
mod seal;
mod session;
mod session_jwt;
mod value;
mod wire;

pub use authenticate::{Authenticate, Authenticated, Claims};
pub use config::{Config, Limits, Target, TargetError};
pub use gateway::{Gateway, GatewayError};
pub use http::router;
