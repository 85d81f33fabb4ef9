//! The same by the HTTP library, the runtime and the driver that the product is made of, used as their documentation says: what an application of that kind
//! takes to read the row. It is a process of its own, as the product is.

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use serde::Serialize;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls, Statement};

use super::ROW;

/// The running process. It ends with this.
pub struct Server {
    process: Child,
    address: SocketAddr,
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
    /// Starts it on the database of a URL.
    pub fn start(url: &str) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["row-endpoint", url])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut said = String::new();
        let out = process.stdout.as_mut().context("its output")?;
        BufReader::new(out).read_line(&mut said)?;
        let address = said.trim().parse().context("where it listens")?;
        Ok(Self { process, address })
    }

    /// Where it listens. A request is `GET /7`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends when nobody holds the other end of its input.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// Serves, on a thread for each core, until the standard input ends.
pub fn serve(url: &str) -> Result<Value> {
    let runtime = Runtime::new()?;
    let (listener, database) = runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        let statement = client.prepare(ROW).await?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        anyhow::Ok((listener, Database { client, statement }))
    })?;
    println!("{}", listener.local_addr()?);
    let router = Router::new()
        .route("/{id}", get(ticket))
        .with_state(Arc::new(database));
    // As the product does: answers are written at once.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    runtime.spawn(async move { axum::serve(listener, router).await });
    std::io::stdin().read_to_end(&mut Vec::new())?;
    runtime.shutdown_background();
    Ok(Value::Null)
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
