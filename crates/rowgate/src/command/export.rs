//! `rowgate export`: everything in an environment, a JSON object a line.

use std::fs::{File, Permissions};
use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Write};
use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::cli::Session;
use crate::client::Ask;
use crate::failure::{Failure, Result};
use crate::output;

/// Write everything in an environment, of one revision, as newline-delimited JSON.
#[derive(Debug, Args)]
pub struct Export {
    /// The file; `-` is the standard output
    #[arg(default_value = "-")]
    file: String,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

impl Export {
    pub(crate) fn run(&self, session: &Session) -> Result {
        let known = self.existing()?;
        let lines = session.client()?.stream(&Ask {
            path: &["rowgate", "v1", "export"],
            ..Ask::default()
        })?;
        let mut lines = BufReader::with_capacity(1 << 16, lines);
        if self.file == "-" {
            let mut out = BufWriter::new(std::io::stdout().lock());
            copy(&mut lines, &mut out)?;
            out.flush()?;
            return Ok(ExitCode::SUCCESS);
        }
        // Written beside the file and renamed at the end: an export that breaks off leaves nothing that looks whole.
        let partial = format!("{}.partial", self.file);
        let file = private(&partial)
            .and_then(|file| {
                known
                    .map_or(Ok(()), |known| file.set_permissions(known))
                    .map(|()| file)
            })
            .map_err(|error| match error.kind() {
                ErrorKind::NotFound => Failure::new(format!("{}: there is no such directory", self.file)),
                _ => Failure::file(&partial, &error),
            })?;
        let mut out = BufWriter::new(file);
        let count = copy(&mut lines, &mut out)?;
        let finished = out.flush().and_then(|()| out.get_ref().sync_all());
        finished
            .and_then(|()| std::fs::rename(&partial, &self.file))
            .map_err(|error| Failure::file(&self.file, &error))?;
        if session.json() {
            output::json(&json!({"file": self.file, "lines": count}))?;
        } else {
            output::note(format!("wrote {count} lines to {}", self.file));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Export {
    /// The permissions of the file that is replaced, if there is one.
    fn existing(&self) -> Result<Option<Permissions>> {
        if self.file == "-" {
            return Ok(None);
        }
        match std::fs::metadata(&self.file) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::file(&self.file, &error)),
            Ok(known) if known.is_dir() => Err(Failure::file(&self.file, &ErrorKind::IsADirectory.into())),
            Ok(known) if self.force => Ok(Some(known.permissions())),
            Ok(_) => Err(Failure::with_help(
                format!("{} is there already", self.file),
                "add --force to replace it",
            )),
        }
    }
}

/// A new file that only its owner can read: an export holds what others have entrusted to the environment.
fn private(path: &str) -> std::io::Result<File> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Copies line by line; returns how many.
fn copy(lines: &mut impl BufRead, out: &mut impl Write) -> Result<u64> {
    let broken = |error: std::io::Error| Failure::new(format!("the export broke off: {error}; try again"));
    let mut progress: Option<ProgressBar> = None;
    let mut count = 0;
    let mut line = Vec::new();
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line).map_err(broken)? == 0 {
            break;
        }
        if count == 0 && output::is_watched() {
            progress = Some(bar(&line));
        }
        out.write_all(&line)?;
        count += 1;
        if let Some(progress) = &progress {
            progress.inc(1);
        }
    }
    if let Some(progress) = progress {
        progress.finish_and_clear();
    }
    Ok(count)
}

/// The first line says how many there are.
fn bar(header: &[u8]) -> ProgressBar {
    let header: Value = serde_json::from_slice(header).unwrap_or_default();
    let number = |name: &str| header.get(name).and_then(Value::as_u64).unwrap_or_default();
    styled(
        ProgressBar::new(number("resources") + number("warrants") + 2),
        "{pos}/{len} lines",
    )
}

/// A progress bar on the standard error output.
pub(super) fn styled(bar: ProgressBar, units: &str) -> ProgressBar {
    match ProgressStyle::with_template(&format!("{{bar:40}} {units} {{eta}}")) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
