//! Running the real binary.

// Helpers of tests may say what must hold by panicking.
#![allow(clippy::unwrap_used)]
#![allow(dead_code)]

pub mod postgres;

use std::io::Write;
use std::process::{Command, Stdio};

use rowgate::embedded::Embedded;

/// What a run of the binary came to.
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    /// The output of a run that must have gone well.
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self.out
    }

    /// The output as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }
}

/// The binary without a server and without anything from the environment.
pub fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rowgate"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ROWGATE_")) {
        command.env_remove(name);
    }
    command
}

pub fn run(mut command: Command, input: &str) -> Run {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // From beside, so that neither side waits for the other.
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(input.as_bytes());
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The binary without a server.
pub fn rowgate(arguments: &[&str]) -> Run {
    let mut command = binary();
    command.args(arguments);
    run(command, "")
}

/// A server of its own for a test.
pub struct Server(pub Embedded);

impl Server {
    pub fn start() -> Self {
        Self(Embedded::start(&["127.0.0.1:0".parse().unwrap()]).unwrap())
    }

    /// The binary, talking to this server.
    pub fn rowgate(&self, arguments: &[&str]) -> Run {
        self.rowgate_with(arguments, "")
    }

    pub fn rowgate_with(&self, arguments: &[&str], input: &str) -> Run {
        let mut command = binary();
        command
            .env("ROWGATE_URL", self.0.url())
            .env("ROWGATE_API_KEY", self.0.key())
            .args(arguments);
        run(command, input)
    }
}
