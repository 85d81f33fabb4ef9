//! What a name may be.

use crate::ast::GroupOp;
use crate::diagnostic::{Diagnostic, shown};
use crate::limits::MAX_NAME_CHARS;

/// The error for a name that is empty or has characters it cannot have.
pub(crate) fn bad_characters(what: &str, name: &str) -> Option<Diagnostic> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(fits) {
        return None;
    }
    let message = if name.is_empty() {
        format!("a {what} needs a name")
    } else {
        format!("`{}` cannot be the name of a {what}", shown(name))
    };
    let error = Diagnostic::error("bad_name", message);
    Some(error.help("names have letters, digits, `_` and `-`"))
}

/// The error for a name of a type, relation or policy that cannot be used, if there is one.
pub(crate) fn check(what: &str, name: &str) -> Option<Diagnostic> {
    let characters = name.chars().count();
    if characters > MAX_NAME_CHARS {
        let name = shown(name);
        let message =
            format!("the name of {what} `{name}` has {characters} characters; the limit is {MAX_NAME_CHARS}");
        return Some(Diagnostic::error("name_too_long", message));
    }
    if what == "relation" && GroupOp::parse(name).is_some() {
        let message = format!("a relation cannot be called `{name}`");
        return Some(Diagnostic::error("reserved_name", message).help("that is an operator of rules"));
    }
    bad_characters(what, name)
}

/// The error for a policy's parameter whose name an expression could not use.
pub(crate) fn check_parameter(name: &str) -> Option<Diagnostic> {
    let usable = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    if let Some(error) = check("parameter", name) {
        return Some(error);
    }
    if usable {
        return None;
    }
    let error = Diagnostic::error(
        "bad_name",
        format!("an expression cannot read parameter `{name}`"),
    );
    Some(error.help("parameters have letters, digits and `_`, and do not start with a digit"))
}
