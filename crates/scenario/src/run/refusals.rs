//! Refusals: those that came against those that were expected.

use super::{Outcome, differs};
use crate::scenario::{ExpectedError, SchemaError};
use crate::surface::{Refusal, SurfaceError};

pub(super) fn compare_schema_errors(
    line: u64,
    errors: &[SchemaError],
    applied: Result<(), SurfaceError>,
) -> Outcome {
    let wanted: Vec<String> = errors.iter().map(|error| error.code.clone()).collect();
    let wanted = format!("refused: {}", wanted.join(", "));
    match applied {
        Ok(()) => differs(line, "schema", wanted, "applied"),
        Err(SurfaceError::Refused(refusal)) => {
            let matches = errors.len() == refusal.errors.len()
                && errors
                    .iter()
                    .zip(&refusal.errors)
                    .all(|(wanted, (code, message))| {
                        code.as_ref().is_none_or(|code| *code == wanted.code)
                            && wanted.message.as_ref().is_none_or(|part| message.contains(part))
                    });
            if matches {
                Ok(())
            } else {
                differs(line, "schema", wanted, refusal.to_string())
            }
        }
        Err(error) => differs(line, "schema", wanted, error.to_string()),
    }
}

pub(super) fn compare_error(
    line: u64,
    question: String,
    wanted: &ExpectedError,
    came: Result<String, SurfaceError>,
) -> Outcome {
    match came {
        Err(SurfaceError::Refused(refusal)) if fits(wanted, &refusal) => Ok(()),
        Err(error) => differs(line, question, describe(wanted), error.to_string()),
        Ok(came) => differs(line, question, describe(wanted), came),
    }
}

fn fits(wanted: &ExpectedError, refusal: &Refusal) -> bool {
    wanted.code.as_ref().is_none_or(|code| *code == refusal.code)
        && wanted
            .parameter
            .as_ref()
            .is_none_or(|parameter| Some(parameter) == refusal.parameter.as_ref())
        && wanted
            .message
            .as_ref()
            .is_none_or(|part| refusal.message.contains(part))
}

fn describe(error: &ExpectedError) -> String {
    let ExpectedError {
        code,
        parameter,
        message,
    } = error;
    let mut text = format!("refused: {}", code.as_deref().unwrap_or("any code"));
    if let Some(parameter) = parameter {
        text.push_str(&format!(" ({parameter})"));
    }
    if let Some(message) = message {
        text.push_str(&format!(": …{message}…"));
    }
    text
}
