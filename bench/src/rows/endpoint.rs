//! The thinnest HTTP server that reads a row: what an answer over HTTP costs when it needs one row and nothing else.

pub mod library;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use anyhow::{Context as _, Result, ensure};
use postgres::{Client, Statement};

/// The statement: one ticket by its id.
pub const ROW: &str = "select t.id, t.project_id, t.title, t.status from ticket t where t.id = $1";

/// Serves one connection, on a thread that ends with it. The target of a request is the id: `GET /7`.
pub fn serve(mut database: Client) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || -> Result<()> {
        let statement = database.prepare(ROW)?;
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        answer_all(stream, &mut database, &statement)
    });
    Ok(address)
}

/// Until the client goes.
fn answer_all(mut stream: TcpStream, database: &mut Client, statement: &Statement) -> Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let mut filled = 0;
        while !buffer[..filled].ends_with(b"\r\n\r\n") {
            ensure!(filled < buffer.len(), "a request that is too long");
            let read = stream.read(&mut buffer[filled..])?;
            if read == 0 {
                return Ok(());
            }
            filled += read;
        }
        let head = std::str::from_utf8(&buffer[..filled])?;
        let id: i64 = head
            .split(' ')
            .nth(1)
            .and_then(|path| path.strip_prefix('/'))
            .context("a path")?
            .parse()?;
        let row = database.query_one(statement, &[&id])?;
        let (id, project): (i64, i64) = (row.get(0), row.get(1));
        let (title, status): (&str, &str) = (row.get(2), row.get(3));
        let body = format!(r#"{{"id":{id},"project_id":{project},"title":"{title}","status":"{status}"}}"#);
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes())?;
    }
}
