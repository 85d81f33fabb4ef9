//! Names that belong to `/authorization`: types that begin with [`PREFIX`]. What is stored under them keeps promises that single warrants cannot
//! keep, so it changes by transactions alone. Everybody may read it, name it as a subject, and refer to it in types of their own.

pub use rowgate_binding::authz::{ENVIRONMENT, PREFIX, SELF, is_reserved};
use rowgate_graph::Snapshot;
use rowgate_schema::ast::{Schema, TypeDef};

use crate::{Error, Result};

/// Whether a write of single resources and warrants may concern a type.
pub(crate) fn may_write(resource_type: &str) -> Result<()> {
    if is_reserved(resource_type) {
        return Err(refused(format!(
            "`{resource_type}` belongs to the authorization API; change it with /authorization, not with warrants or resources"
        )));
    }
    Ok(())
}

/// Whether `/authorization` is in use: its settings are there. From then on only it changes what is stored under its types. Before that, an
/// import can bring them; it brings the settings last.
pub fn in_use(graph: &Snapshot) -> bool {
    graph.meta(ENVIRONMENT, SELF).is_some()
}

/// Whether an import may bring something, `there` saying that it brings nothing new.
pub(crate) fn may_import(
    graph: &Snapshot,
    resource_type: &str,
    there: bool,
    name: impl FnOnce() -> String,
) -> Result<()> {
    if there || !is_reserved(resource_type) || !in_use(graph) {
        return Ok(());
    }
    Err(refused(format!(
        "`{}` belongs to the authorization API, which this environment uses already; change it with /authorization, or import into a new environment",
        name()
    )))
}

/// A schema that replaces another one: it has the reserved types of that one, as they are. It may leave all of them out, and they stay.
pub(crate) fn kept(before: &Schema, mut after: Schema) -> Result<Schema> {
    let of = |schema: &Schema| -> Vec<TypeDef> {
        let types = schema.types.iter();
        types.filter(|ty| is_reserved(&ty.name.text)).cloned().collect()
    };
    let (mut stay, mut given) = (of(before), of(&after));
    if given.is_empty() {
        after.types.extend(stay);
        return Ok(after);
    }
    let by_name = |ty: &TypeDef| ty.name.text.clone();
    stay.sort_by_key(by_name);
    given.sort_by_key(by_name);
    if stay == given {
        return Ok(after);
    }
    Err(refused(format!(
        "types that begin with `{PREFIX}` belong to the authorization API: leave them as they are, or leave all of them out"
    )))
}

fn refused(message: String) -> Error {
    Error::Refused {
        code: "reserved_type",
        message,
    }
}
