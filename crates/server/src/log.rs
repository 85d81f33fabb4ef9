//! Setting up logs.

use std::fmt::Display;
use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::config::{ConfigError, Log, LogFormat};

/// Sets up logs to the standard error output, unless the program did so itself.
pub(crate) fn init(log: &Log) -> Result<(), ConfigError> {
    let filter = filter(&log.level)?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(
            std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty()),
        )
        .with_writer(std::io::stderr);
    // An error says that the program has set up its own.
    let _ = match log.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .try_init(),
        LogFormat::Off => Ok(()),
    };
    Ok(())
}

/// A lone word has to be a level: a misspelt one would be the name of a module, and turn everything else off.
fn filter(level: &str) -> Result<EnvFilter, ConfigError> {
    let wrong = |why: &dyn Display| ConfigError(format!("`{level}` is not a log level: {why}"));
    let words = level.split(',');
    for word in words.filter(|word| !word.is_empty() && !word.contains(['=', '['])) {
        word.parse::<LevelFilter>().map_err(|_| {
            wrong(&format!(
                "`{word}` is none of error, warn, info, debug, trace, off; for one module, write `{word}=debug`"
            ))
        })?;
    }
    EnvFilter::try_new(level).map_err(|error| wrong(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_levels_and_directives() {
        for level in [
            "info",
            "TRACE",
            "off",
            "",
            "warn,rowgate_server=debug",
            "info,[request]=debug",
        ] {
            assert!(filter(level).is_ok(), "{level}");
        }
        for level in ["debgu", "info,rowgate_server", "rowgate_server=loud"] {
            let error = filter(level).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("`{level}` is not a log level: ")),
                "{error}"
            );
        }
    }
}
