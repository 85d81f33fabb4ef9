//! Names and ids of requests that only read: those that write are checked where they are written.

use rowgate_engine::names::{MAX_ID, MAX_NAME, is_id, is_name};

use crate::error::{ApiError, Result};

/// The name of a type or a relation. `parameter` is asked for only when something is wrong.
pub(crate) fn name(text: &str, parameter: impl FnOnce() -> String) -> Result<&str> {
    if is_name(text) {
        return Ok(text);
    }
    let message = format!("can only contain letters, digits, '-' and '_', and at most {MAX_NAME} of them");
    Err(ApiError::invalid(parameter(), message))
}

/// The id of a resource.
pub(crate) fn id(text: &str, parameter: impl FnOnce() -> String) -> Result<&str> {
    if is_id(text) {
        return Ok(text);
    }
    let what = "can only contain letters, digits and - _ . @ | : + / = ~ %";
    Err(ApiError::invalid(
        parameter(),
        format!("{what}, and at most {MAX_ID} of them"),
    ))
}

/// The id of a subject: a resource's, or `*` for all of its type.
pub(crate) fn subject_id(text: &str, parameter: impl FnOnce() -> String) -> Result<&str> {
    if text == "*" {
        Ok(text)
    } else {
        id(text, parameter)
    }
}
