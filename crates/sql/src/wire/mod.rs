//! The Postgres protocol, as much of it as is needed. Messages are encoded and decoded by `postgres-protocol`.
//!
//! * `stream`: bytes, over TCP, TLS or a Unix socket.
//! * `connection`: messages.
//! * `connect`: from nothing to a session that is logged in.

mod connect;
mod connection;
mod stream;

pub(crate) use connect::{Dialer, Login, cancel, connect};
pub(crate) use connection::{Connection, Transaction, WireError, function_call};
