//! The same by the HTTP library, the runtime and the driver that the product is made of, used as their documentation says: what an application of that kind
//! takes to read the row.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls, Statement};

use super::ROW;

/// A server on a runtime of its own, with a thread for each core. Both end when this is dropped.
pub struct Server {
    address: SocketAddr,
    runtime: Option<Runtime>,
}

struct Database {
    client: Client,
    statement: Statement,
}

#[derive(Serialize)]
struct Ticket {
    id: i64,
    project_id: i64,
    title: String,
    status: String,
}

impl Server {
    /// Starts it on the database of a URL. A request is `GET /7`.
    pub fn start(url: &str) -> Result<Self> {
        let runtime = Runtime::new()?;
        let (listener, database) = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
            tokio::spawn(connection);
            let statement = client.prepare(ROW).await?;
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            anyhow::Ok((listener, Database { client, statement }))
        })?;
        let address = listener.local_addr().context("a port")?;
        let router = Router::new()
            .route("/{id}", get(ticket))
            .with_state(Arc::new(database));
        // As the product does: answers are written at once.
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        runtime.spawn(async move { axum::serve(listener, router).await });
        Ok(Self {
            address,
            runtime: Some(runtime),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn ticket(
    State(database): State<Arc<Database>>,
    Path(id): Path<i64>,
) -> Result<Json<Ticket>, StatusCode> {
    let row = database.client.query_one(&database.statement, &[&id]).await;
    let row = row.map_err(|_| StatusCode::NOT_FOUND)?;
    Ok(Json(Ticket {
        id: row.get(0),
        project_id: row.get(1),
        title: row.get(2),
        status: row.get(3),
    }))
}
