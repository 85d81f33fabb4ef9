//! The first use of an environment: its settings, its reserved types, and the role that every environment has.

use serde_json::Map;

use crate::change::roles;
use crate::draft::Draft;
use crate::settings::{DEFAULT_ROLE, Settings};
use crate::{Error, Result, names};

/// Makes an environment ready. One that is ready stays as it is.
///
/// # Errors
/// 409 `import_unfinished`.
pub fn ensure(draft: &mut Draft<'_>) -> Result<()> {
    if draft.read.is_ready() {
        return Ok(());
    }
    if has_begun(draft) {
        let message = "This environment is being filled from an export: import the rest of it first.";
        return Err(Error::conflict("import_unfinished", message));
    }
    draft.set_settings(Settings::default());
    draft.set_schema(&draft.read.hierarchy(), &[]);
    let mut meta = Map::new();
    meta.insert("name".into(), "Member".into());
    roles::put(draft, &names::encode(DEFAULT_ROLE), names::ORGANIZATION, meta);
    Ok(())
}

/// Whether an import has brought something already.
fn has_begun(draft: &Draft<'_>) -> bool {
    // Everything that was created belongs to something.
    draft.model.type_def(names::ROLE).is_some() || draft.read.reserved_warrants().next().is_some()
}
