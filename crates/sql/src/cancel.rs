//! Queries that have to stop.

use std::sync::Arc;
use std::time::Duration;

use postgres_protocol::message::backend::Message;
use tokio::time::timeout;

use crate::gateway::Gateway;
use crate::session::Lease;
use crate::wire::{self, Connection};

/// How long a query may take to stop after it was told to.
const PATIENCE: Duration = Duration::from_secs(1);

/// Stops what a session is doing, and closes it. A cancellation can arrive late, so the session is not used again. PL/pgSQL can swallow a
/// cancellation, but not the end of its session.
pub(crate) async fn stop(gateway: Arc<Gateway>, mut lease: Lease) {
    let Ok(session) = lease.session() else { return };
    let connection = &mut session.connection;
    if let Err(error) = wire::cancel(&gateway.dialer, connection.process, connection.secret).await {
        tracing::warn!(%error, "a query could not be cancelled");
    }
    let ended = timeout(PATIENCE, ended(connection)).await.is_ok();
    let name = session.name.clone();
    if let (false, Some(name)) = (ended, name)
        && let Err(error) = gateway.directory.end_session(&name).await
    {
        tracing::warn!(%error, "a session could not be ended");
    }
}

/// Waits until Postgres is ready for more, or closes.
async fn ended(connection: &mut Connection) {
    while !matches!(connection.next().await, Ok(Message::ReadyForQuery(_)) | Err(_)) {}
}
