//! Schema policies as SQL expressions with exactly the value that `rowgate_policy` gives them.
//!
//! A lowered expression is total: no input makes it raise an error, because an error would tell about rows. null stands for unknown, and
//! SQL's own logic of three values is the one of policies. What would mean something else in SQL (arithmetic of floats, which raises;
//! regular expressions of another dialect; letter case, which depends on the locale) is refused with the part of the expression it is about.
//!
//! * `value`: typed pieces of SQL
//! * `source`: parameters: attributes from columns, the rest from the context
//! * `expression`: the walk over the tree
//! * `compare`: `==`, `<` and their like
//! * `list`: `in`
//! * `arithmetic`: `+ - * / %` of integers; `time`: dates and durations

mod arithmetic;
mod compare;
mod expression;
mod list;
mod source;
mod time;
mod value;

use std::collections::BTreeMap;

use rowgate_policy::{ParamType, Policy};
use rowgate_schema::Model;

use crate::shape::Column;

/// What a policy can read, as SQL.
#[derive(Debug, Clone)]
pub(crate) struct Readable<'a> {
    /// The columns of attributes: an expression, its type, and the types that policies declare for the parameter.
    pub(crate) attributes: BTreeMap<&'a str, (String, &'a Column, Vec<ParamType>)>,
    /// The context: a jsonb object or null.
    pub(crate) context: String,
    /// The claims: a jsonb object or null.
    pub(crate) claims: String,
    /// The moment of the request: a numeric of nanoseconds since 1970.
    pub(crate) now: String,
    /// `check_ctx`, by member, as texts.
    pub(crate) check: BTreeMap<&'static str, String>,
}

/// Why an expression has no exact form, and the part that has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unsupported {
    pub(crate) part: String,
    pub(crate) reason: String,
}

/// The policy as a boolean SQL expression: true, false, or null for unknown.
pub(crate) fn lower(policy: &Policy, readable: &Readable<'_>) -> Result<String, Unsupported> {
    let mut walk = expression::Walk {
        source: policy.source(),
        readable,
        locals: Vec::new(),
    };
    walk.boolean(policy.ast())
}

/// A column as a parameter of a policy: an SQL expression, or why the column cannot give such values.
pub(crate) fn attribute(column: &str, shape: &Column, ty: ParamType) -> Result<String, String> {
    source::attribute(column, shape, ty).map(|value| value.sql)
}

/// The types that policies declare for a parameter.
pub(crate) fn declared_types(model: &Model, parameter: &str) -> Vec<ParamType> {
    let parameters = model
        .schema()
        .policies
        .iter()
        .flat_map(|policy| &policy.parameters);
    let mut types: Vec<ParamType> = parameters
        .filter(|declared| declared.name.text == parameter)
        .map(|declared| declared.ty)
        .collect();
    types.dedup();
    types
}
