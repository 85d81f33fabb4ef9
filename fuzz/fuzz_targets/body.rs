//! The body of a request, sent to a server in this process: it is answered, and never with an internal error.
//!
//! The first byte chooses the route. The server's code is part of this program, so the fuzzer sees which of it a body reaches.

#![no_main]

use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::LazyLock;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use rowgate_server::{Config, Log, LogFormat, Server, StoreLocation};

const KEY: &str = "sk_fuzz_2f6d0c3b9a814e57b0f1c8d4";

const ROUTES: [&str; 8] = [
    "POST /fga/v1/check",
    "POST /fga/v1/schemas/convert",
    "POST /fga/v1/warrants",
    "POST /fga/v1/resources",
    "POST /fga/v1/resources/batch",
    "POST /fga/v1/policies",
    "PUT /fga/v1/resource-types",
    "POST /rowgate/v1/import",
];

static SERVER: LazyLock<SocketAddr> = LazyLock::new(|| {
    let store = std::env::temp_dir().join(format!("rowgate-fuzz-{}", std::process::id()));
    let config = Config {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        api_key: Some(KEY.to_owned()),
        log: Log {
            format: LogFormat::Off,
            ..Log::default()
        },
        ..Config::new(StoreLocation::File(store))
    };
    let (address, listening) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async move {
            let server = Server::bind(config).await.expect("it starts");
            address.send(server.local_addr()).expect("somebody waits");
            server.run(std::future::pending()).await.expect("it runs");
        });
    });
    listening.recv().expect("it listens")
});

thread_local! {
    static CONNECTION: RefCell<Option<TcpStream>> = const { RefCell::new(None) };
}

fuzz_target!(|input: &[u8]| {
    let Some((route, body)) = input.split_first() else {
        return;
    };
    let route = ROUTES[usize::from(*route) % ROUTES.len()];
    let head = format!(
        "{route} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    CONNECTION.with_borrow_mut(|connection| {
        let stream = connection.get_or_insert_with(|| {
            let stream = TcpStream::connect(*SERVER).expect("it listens");
            stream
                .set_read_timeout(Some(Duration::from_secs(20)))
                .expect("a socket");
            stream.set_nodelay(true).expect("a socket");
            stream
        });
        stream
            .write_all(&[head.as_bytes(), body].concat())
            .expect("it reads");
        let (answer, close) = answer(stream);
        assert!(!answer.starts_with("HTTP/1.1 5"), "{route}: {answer}");
        if close {
            *connection = None;
        }
    });
});

/// The whole answer, and whether the connection ends with it.
fn answer(stream: &mut TcpStream) -> (String, bool) {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let read = stream.read(&mut piece).expect("it answers in time");
        assert!(read > 0, "closed without an answer");
        bytes.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let head = head.to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
        if body.len() >= length {
            return (text.into_owned(), head.contains("connection: close"));
        }
    }
}
