//! Scenario files: finding them, reading them.
//!
//! # Layout
//!
//! * `shape`: the keys of a `*.scenario.yaml` file.
//! * `entries`: what is a short text or a map; `questions`: what is asked, and the answer.
//! * `workos`: `*.test.yaml` files of the WorkOS command line.

mod entries;
mod questions;
mod shape;
mod workos;

use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::{ReadError, Scenario};

const SCENARIO: [&str; 3] = [".scenario.yaml", ".scenario.yml", ".scenario.json"];
const WORKOS: [&str; 3] = [".test.yaml", ".test.yml", ".test.json"];

/// Largest file that is read, in bytes.
pub const MAX_FILE: u64 = 4 << 20;

/// The scenario files at a path: itself if it is a file, all below it if it is a directory, by name.
///
/// # Errors
/// A path that is not there, and a directory without a scenario file.
pub fn find(path: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let shown = path.display().to_string();
    let failed = |error: std::io::Error| ReadError::new(&shown, None, error.to_string());
    let about = fs::metadata(path).map_err(failed)?;
    if about.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    let mut directories = vec![path.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type().map_err(failed)?.is_dir() {
                directories.push(entry.path());
            } else if SCENARIO
                .iter()
                .chain(&WORKOS)
                .any(|ending| name.ends_with(ending))
            {
                found.push(entry.path());
            }
        }
    }
    if found.is_empty() {
        let message =
            "no scenario files here; their names end in `.scenario.yaml` or `.test.yaml` (or .yml, .json)";
        return Err(ReadError::new(&shown, None, message));
    }
    found.sort();
    Ok(found)
}

/// Reads a file.
///
/// # Errors
/// What is wrong with it, and on which line.
pub fn read(path: &Path) -> Result<Scenario, ReadError> {
    let file = path.display().to_string();
    let about = fs::metadata(path).map_err(|error| ReadError::new(&file, None, error.to_string()))?;
    if about.len() > MAX_FILE {
        let message = format!("a scenario file has at most {MAX_FILE} bytes; split it");
        return Err(ReadError::new(&file, None, message));
    }
    let text = fs::read_to_string(path).map_err(|error| ReadError::new(&file, None, error.to_string()))?;
    parse(&file, &text)
}

/// Reads the text of a file; the ending of its name says which format it is in.
///
/// # Errors
/// What is wrong with it, and on which line.
pub fn parse(file: &str, text: &str) -> Result<Scenario, ReadError> {
    if WORKOS.iter().any(|ending| file.ends_with(ending)) {
        workos::parse(file, text)
    } else {
        shape::parse(file, text)
    }
}

/// Reads YAML (and JSON, which is YAML) into a shape.
fn from_yaml<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, ReadError> {
    serde_saphyr::from_str(text).map_err(|error| {
        let line = error.location().map(|location| location.line());
        let message = error.without_snippet().to_string();
        // The place is said by the line.
        let message = message.split(" at line ").next().unwrap_or(&message).to_owned();
        ReadError::new(file, line, message)
    })
}
