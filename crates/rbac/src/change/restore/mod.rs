//! An environment that an import fills with what another one had. What was brought in is held against everything that this API promises, and
//! only then is the environment ready.
//!
//! * `sound`: what has to hold; `kinds`: of each kind of thing.

mod kinds;
mod sound;

use serde_json::{Map, Value};

use crate::draft::Draft;
use crate::names;
use crate::{Error, Result};

/// Makes an environment ready with the settings of an export, which come after everything else.
///
/// # Errors
/// `restore_refused` for what this API would not have stored, and where the environment is in use with other settings.
pub fn finish(draft: &mut Draft<'_>, settings: &Map<String, Value>, created_at: Option<i64>) -> Result<()> {
    if let Some(anchor) = draft.read.find(names::ENVIRONMENT, names::SELF)
        && draft.read.is_ready()
    {
        if anchor.all_meta() == *settings {
            return Ok(());
        }
        return Err(refused("the environment is in use with other settings".into()));
    }
    sound::check(draft.read, draft.model.schema(), settings)?;
    let at = draft.moment();
    let created_at = created_at.unwrap_or(at);
    draft.put(names::ENVIRONMENT, names::SELF, settings.clone(), created_at);
    Ok(())
}

fn refused(message: String) -> Error {
    let message = format!("this is not what the authorization API stores: {message}");
    rowgate_environment::Error::Refused {
        code: "restore_refused",
        message,
    }
    .into()
}
