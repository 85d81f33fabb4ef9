//! The first use of an environment: its settings, its reserved types, and the role that every environment has.

use serde_json::Map;

use crate::change::roles;
use crate::draft::Draft;
use crate::settings::{DEFAULT_ROLE, Settings};
use crate::{Result, names};

/// Makes an environment ready. One that is ready stays as it is.
///
/// # Errors
/// None of its own.
pub fn ensure(draft: &mut Draft<'_>) -> Result<()> {
    if draft.read.is_ready() {
        return Ok(());
    }
    draft.set_settings(Settings::default());
    draft.set_schema(&draft.read.hierarchy(), &[]);
    let mut meta = Map::new();
    meta.insert("name".into(), "Member".into());
    roles::put(draft, &names::encode(DEFAULT_ROLE), names::ORGANIZATION, meta);
    Ok(())
}
