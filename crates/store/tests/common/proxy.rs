//! A connection that is lost when it matters: between a store and its database.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What happens to the next commit, once.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Cut {
    /// Nothing.
    Never = 0,
    /// The connection is lost before the database hears of the commit.
    Before = 1,
    /// The database commits, and the answer is lost.
    After = 2,
    /// As before, and nobody gets through from then on.
    AfterForGood = 3,
    /// All connections are lost at once, and nobody gets through until it is armed with something else.
    Now = 9,
}

/// Passes everything on, until it is told to cut.
pub struct Proxy {
    port: u16,
    cut: Arc<AtomicU8>,
    cuts: Arc<AtomicU32>,
    passed: Arc<Mutex<Vec<TcpStream>>>,
}

const CLOSED: u8 = Cut::Now as u8;

impl Proxy {
    pub fn to(server: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let cut = Arc::new(AtomicU8::new(Cut::Never as u8));
        let cuts = Arc::new(AtomicU32::new(0));
        let passed: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
        let (armed, counted, open) = (Arc::clone(&cut), Arc::clone(&cuts), Arc::clone(&passed));
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                if armed.load(Ordering::SeqCst) == CLOSED {
                    continue;
                }
                let server = TcpStream::connect(("127.0.0.1", server)).unwrap();
                open.lock().unwrap().push(client.try_clone().unwrap());
                let (back, forth) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                std::thread::spawn(move || pass(server, back, |_, _, _| true));
                let (armed, counted) = (Arc::clone(&armed), Arc::clone(&counted));
                std::thread::spawn(move || {
                    pass(client, forth, |bytes, from, to| {
                        go_on(bytes, from, to, &armed, &counted)
                    });
                });
            }
        });
        Proxy {
            port,
            cut,
            cuts,
            passed,
        }
    }

    pub fn url(&self, database: &rowgate_pgtest::Database, role: &str) -> String {
        format!(
            "postgres://{role}@127.0.0.1:{}/{}?sslmode=disable",
            self.port,
            database.name()
        )
    }

    pub fn arm(&self, cut: Cut) {
        self.cut.store(cut as u8, Ordering::SeqCst);
        if cut == Cut::Now {
            for connection in self.passed.lock().unwrap().drain(..) {
                let _ = connection.shutdown(Shutdown::Both);
            }
        }
    }

    /// How many connections were cut.
    pub fn cuts(&self) -> u32 {
        self.cuts.load(Ordering::SeqCst)
    }
}

fn go_on(bytes: &[u8], from: &TcpStream, to: &mut TcpStream, armed: &AtomicU8, cuts: &AtomicU32) -> bool {
    let how = armed.load(Ordering::SeqCst);
    let commits = bytes.windows(7).any(|window| window == b"COMMIT\0");
    if !commits || how == Cut::Never as u8 {
        return true;
    }
    let next = if how == Cut::AfterForGood as u8 {
        CLOSED
    } else {
        Cut::Never as u8
    };
    armed.store(next, Ordering::SeqCst);
    cuts.fetch_add(1, Ordering::SeqCst);
    if how != Cut::Before as u8 {
        let _ = from.shutdown(Shutdown::Both);
        to.write_all(bytes).unwrap();
        std::thread::sleep(Duration::from_millis(30));
    }
    false
}

fn pass(
    mut from: TcpStream,
    mut to: TcpStream,
    mut go_on: impl FnMut(&[u8], &TcpStream, &mut TcpStream) -> bool,
) {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = from.read(&mut buffer).unwrap_or(0);
        if count == 0 || !go_on(&buffer[..count], &from, &mut to) || to.write_all(&buffer[..count]).is_err() {
            let _ = to.shutdown(Shutdown::Both);
            let _ = from.shutdown(Shutdown::Both);
            return;
        }
    }
}
