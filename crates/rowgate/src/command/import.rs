//! `rowgate import`: what `export` wrote, into an environment.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Args;
use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::export::styled;
use crate::cli::Session;
use crate::client::{Ask, Client, ClientError};
use crate::failure::{EXIT_ERROR, Failure, Result};
use crate::{embedded, output};

/// Most lines that are sent at once.
const BATCH_LINES: usize = 5_000;

/// Most bytes that are sent at once.
const BATCH_BYTES: usize = 2 << 20;

/// Longest line that is read.
const MAX_LINE: u64 = 8 << 20;

/// Read newline-delimited JSON as `export` writes it. What is there already stays as it is, so an import that broke off is
/// finished by doing it again.
#[derive(Debug, Args)]
pub struct Import {
    /// The file; `-` is the standard input
    #[arg(default_value = "-")]
    file: String,
}

impl Import {
    pub(crate) fn run(&self, session: &Session) -> Result {
        let client = session.client()?;
        let (reader, size): (Box<dyn Read>, Option<u64>) = if self.file == "-" {
            (Box::new(std::io::stdin()), None)
        } else {
            let file = File::open(&self.file).map_err(|error| Failure::file(&self.file, &error))?;
            let size = file.metadata().map(|about| about.len()).ok();
            (Box::new(file), size)
        };
        let mut import = Running {
            client,
            file: if self.file == "-" {
                "standard input".into()
            } else {
                self.file.clone()
            },
            batch: Vec::new(),
            batch_lines: 0,
            lines: Arc::default(),
            created: 0,
            token: String::new(),
            progress: output::is_watched().then(|| match size {
                Some(size) => styled(ProgressBar::new(size), "{bytes}/{total_bytes}"),
                None => styled(ProgressBar::no_length(), "{bytes}"),
            }),
        };
        watch(Arc::clone(&import.lines), session.json())?;
        import.all(BufReader::with_capacity(1 << 16, reader))?;
        let lines = import.sent();
        if session.json() {
            let (created, token) = (import.created, &import.token);
            output::json(&json!({"lines": lines, "created": created, "warrant_token": token}))?;
        } else {
            let old = match import.created {
                0 => ", all of it was there already".to_owned(),
                created => format!(", {created} resources and warrants are new"),
            };
            output::line(format!("✔ imported {lines} lines{old}"))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

struct Running {
    client: Client,
    file: String,
    batch: Vec<u8>,
    batch_lines: usize,
    /// Lines that the server has: those before the batch.
    lines: Arc<AtomicUsize>,
    created: u64,
    token: String,
    progress: Option<ProgressBar>,
}

impl Running {
    fn sent(&self) -> usize {
        self.lines.load(Ordering::Relaxed)
    }

    /// A failure with how far the import got.
    fn broke_off(&self, failure: Failure) -> Failure {
        failure.explained(&[again(self.sent())])
    }

    fn all(&mut self, mut input: impl BufRead) -> Result<()> {
        loop {
            let mut line = Vec::new();
            let read = input.by_ref().take(MAX_LINE + 1).read_until(b'\n', &mut line);
            let size = read.map_err(|error| self.broke_off(Failure::file(&self.file, &error)))?;
            if size as u64 > MAX_LINE {
                let number = self.sent() + self.batch_lines + 1;
                return Err(self.broke_off(Failure::new(format!(
                    "{}:{number}: the line is longer than {MAX_LINE} bytes",
                    self.file
                ))));
            }
            let full = self.batch_lines >= BATCH_LINES || self.batch.len() + size > BATCH_BYTES;
            if size == 0 || full {
                self.send()?;
            }
            if size == 0 {
                break;
            }
            if !line.ends_with(b"\n") {
                line.push(b'\n');
            }
            self.batch.extend_from_slice(&line);
            self.batch_lines += 1;
        }
        if let Some(progress) = self.progress.take() {
            progress.finish_and_clear();
        }
        if self.sent() == 0 {
            let help = "the lines are those that `rowgate export` writes";
            return Err(Failure::with_help(format!("{} is empty", self.file), help));
        }
        Ok(())
    }

    fn send(&mut self) -> Result<()> {
        if self.batch.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let batch = std::mem::take(&mut self.batch);
        let bytes = batch.len() as u64;
        let path: &[&str] = &["rowgate", "v1", "import"];
        let sent = self.client.post_text(
            &Ask {
                path,
                ..Ask::default()
            },
            "application/x-ndjson",
            batch,
        );
        let answer = sent.map_err(|error| self.refused(error))?;
        self.lines.fetch_add(self.batch_lines, Ordering::Relaxed);
        self.batch_lines = 0;
        self.created += answer.get("created").and_then(Value::as_u64).unwrap_or_default();
        self.token = output::field(&answer, "warrant_token").to_owned();
        if let Some(progress) = &self.progress {
            progress.inc(bytes);
        }
        Ok(())
    }

    /// The server counts the lines of a batch; people count those of the file.
    fn refused(&self, error: ClientError) -> Failure {
        let place = match &error {
            ClientError::Refused(refused) => refused.message.strip_prefix("line "),
            _ => None,
        };
        let place = place.and_then(|rest| rest.split_once(": "));
        match place.and_then(|(number, rest)| Some((number.parse::<usize>().ok()?, rest))) {
            Some((number, rest)) => {
                let message = format!("{}:{}: {rest}", self.file, self.sent() + number);
                Failure::with_help(message, format!("mend the line; {}", again(self.sent())))
            }
            None => self.broke_off(error.into()),
        }
    }
}

/// What is left to do after an import that broke off.
fn again(lines: usize) -> String {
    let so_far = match lines {
        0 => "nothing was imported".to_owned(),
        lines => format!("the first {lines} lines are imported"),
    };
    format!("{so_far}; import the whole again to finish: what is there already stays as it is")
}

/// Says how far the import got when somebody stops it, and ends the program.
fn watch(lines: Arc<AtomicUsize>, json: bool) -> Result<()> {
    let runtime = embedded::runtime()?;
    let stopped = runtime.block_on(async { embedded::interrupted() })?;
    std::thread::spawn(move || {
        runtime.block_on(stopped);
        let failure = Failure::with_help("interrupted", again(lines.load(Ordering::Relaxed)));
        output::complain(&failure, json);
        std::process::exit(EXIT_ERROR.into());
    });
    Ok(())
}
