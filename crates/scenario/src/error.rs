//! Why a scenario file cannot be read.

use std::fmt;

/// What is wrong with a scenario file, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    /// The file.
    pub file: String,
    /// The line, counted from 1, where it is known.
    pub line: Option<u64>,
    /// What is wrong, and what to write instead.
    pub message: String,
}

impl ReadError {
    pub(crate) fn new(file: &str, line: Option<u64>, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: line.filter(|line| *line > 0),
            message: message.into(),
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

impl std::error::Error for ReadError {}
