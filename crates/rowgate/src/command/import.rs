//! `rowgate import`: what `export` wrote, into an environment.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Args;
use indicatif::ProgressBar;
use serde::Deserialize;
use serde::de::IgnoredAny;
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
            tally: Tally::default(),
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
    tally: Tally,
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
            self.tally.see(&line);
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
        self.tally.whole(&self.file)
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

/// How many resources and warrants a file says that it has, and how many it has.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    said: [u64; 2],
    seen: [u64; 2],
}

/// What of a line is counted.
#[derive(Deserialize)]
struct Counted {
    rowgate_export: Option<IgnoredAny>,
    resources: Option<u64>,
    warrants: Option<u64>,
    resource: Option<IgnoredAny>,
    warrant: Option<IgnoredAny>,
}

impl Tally {
    /// A line that cannot be read is for the server to refuse.
    fn see(&mut self, line: &[u8]) {
        let Ok(line) = serde_json::from_slice::<Counted>(line) else {
            return;
        };
        if line.rowgate_export.is_some() {
            self.said[0] += line.resources.unwrap_or_default();
            self.said[1] += line.warrants.unwrap_or_default();
        }
        self.seen[0] += u64::from(line.resource.is_some());
        self.seen[1] += u64::from(line.warrant.is_some());
    }

    /// Whether nothing is missing. More than was said may be added by hand; less is a file that was cut short.
    fn whole(&self, file: &str) -> Result<()> {
        let ([resources, warrants], [seen_resources, seen_warrants]) = (self.said, self.seen);
        if seen_resources >= resources && seen_warrants >= warrants {
            return Ok(());
        }
        Err(Failure::with_help(
            format!(
                "{file} is not whole: its first line says {resources} resources and {warrants} warrants, \
                 and it has {seen_resources} and {seen_warrants}"
            ),
            "what it has is imported; import a whole export to have the rest, and what is there already stays as it is",
        ))
    }
}

/// What is left to do after an import that broke off.
fn again(lines: usize) -> String {
    match lines {
        0 => "nothing was imported".to_owned(),
        lines => format!(
            "the first {lines} lines are imported; import the whole again to finish: what is there already stays as it is"
        ),
    }
}

/// Says how far the import got when somebody stops it, and ends the program.
fn watch(lines: Arc<AtomicUsize>, json: bool) -> Result<()> {
    let runtime = embedded::runtime()?;
    let stopped = runtime.block_on(async { embedded::interrupted() })?;
    std::thread::spawn(move || {
        runtime.block_on(stopped);
        let help = match lines.load(Ordering::Relaxed) {
            // A first batch may be under way.
            0 => "import the whole again: what is there already stays as it is".to_owned(),
            lines => again(lines),
        };
        let failure = Failure::with_help("interrupted", help);
        output::complain(&failure, json);
        std::process::exit(EXIT_ERROR.into());
    });
    Ok(())
}
