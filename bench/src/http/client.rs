//! A keep-alive connection that does as little as can be done: the load generator is not to be what is measured.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use super::server::KEY;

/// An answer that takes longer is a failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// The bytes of a GET request.
pub fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
}

/// The bytes of a GET request, with the key.
pub fn get_with_key(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n\r\n").into_bytes()
}

/// The bytes of a POST request, with the key.
pub fn post(path: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\nContent-Type: {content_type}\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream,
            buffer: vec![0; 16 << 10],
        })
    }

    /// Sends a request and reads the whole answer, which has to be a success: its body.
    pub fn exchange(&mut self, request: &[u8]) -> Result<&[u8]> {
        self.stream.write_all(request)?;
        let mut filled = 0;
        let (body, end) = loop {
            if filled == self.buffer.len() {
                self.buffer.resize(filled * 2, 0);
            }
            let read = self.stream.read(&mut self.buffer[filled..])?;
            ensure!(read > 0, "the server closed the connection");
            filled += read;
            let Some(head) = find(&self.buffer[..filled], b"\r\n\r\n") else {
                continue;
            };
            let end = head + 4 + content_length(&self.buffer[..head + 2])?;
            if filled >= end {
                break (head + 4, end);
            }
        };
        ensure!(filled == end, "more bytes than the answer has");
        if !self.buffer.starts_with(b"HTTP/1.1 20") {
            bail!("{}", String::from_utf8_lossy(&self.buffer[..end]));
        }
        Ok(&self.buffer[body..end])
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// The server writes the names of headers in small letters.
fn content_length(head: &[u8]) -> Result<usize> {
    let name = b"content-length: ";
    let at = find(head, name).context("an answer without a length")? + name.len();
    let digits: &[u8] = head[at..]
        .split(|byte| !byte.is_ascii_digit())
        .next()
        .unwrap_or(&[]);
    Ok(std::str::from_utf8(digits)?.parse()?)
}
