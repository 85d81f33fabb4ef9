//! Where parameters come from: attributes from columns, everything else from the context.

use rowgate_policy::ParamType;

use super::Readable;
use super::value::{Kind, Value, json_float, numeric_float, numeric_integer};
use crate::shape::{Column, ColumnType};
use crate::sql::quote;

impl Readable<'_> {
    /// A declared parameter. `Err` says why its column cannot hold such values.
    pub(super) fn parameter(&self, name: &str, ty: ParamType) -> Result<Value, String> {
        match self.attributes.get(name) {
            Some((sql, column, _)) => attribute(sql, column, ty),
            None => Ok(context(&self.context, name, ty)),
        }
    }

    /// `"name" in $env`. An attribute is there when its column holds a value of one of the types that policies declare for it. `Err` says why it
    /// cannot.
    pub(super) fn has(&self, name: &str) -> Result<String, String> {
        let Some((sql, column, types)) = self.attributes.get(name) else {
            return Ok(format!(
                "coalesce({} ? {}, false)",
                self.context,
                quote::text(name)
            ));
        };
        let mut there = Vec::new();
        for ty in types {
            there.push(format!("({}) is not null", attribute(sql, column, *ty)?.sql));
        }
        Ok(match there.as_slice() {
            [] => "false".to_owned(),
            _ => format!("({})", there.join(" or ")),
        })
    }

    /// A claim of the session.
    pub(super) fn claim(&self, name: &str) -> Value {
        let sql = format!("({} -> {})", self.claims, quote::text(name));
        let absent = format!("coalesce(jsonb_typeof({sql}) = 'null', true)");
        Value::new(Kind::Json, sql).absent_when(absent)
    }
}

/// An attribute: null, and a number that is not finite, is missing.
pub(super) fn attribute(sql: &str, column: &Column, ty: ParamType) -> Result<Value, String> {
    let (kind, sql) = match (ty, column.ty) {
        (ParamType::String, ColumnType::Text) if column.exact => (Kind::Str, format!("({sql})::text")),
        (ParamType::String, ColumnType::Uuid | ColumnType::Enum) => (Kind::Str, format!("({sql})::text")),
        (ParamType::Integer, ColumnType::Integer) => (Kind::Int, format!("({sql})::bigint")),
        (ParamType::Integer, ColumnType::Numeric) => (Kind::Int, numeric_integer(sql)),
        (ParamType::Boolean, ColumnType::Boolean) => (Kind::Bool, sql.to_owned()),
        (ParamType::Float, ColumnType::Integer) => (Kind::Float, format!("({sql})::double precision")),
        (ParamType::Float, ColumnType::Numeric) => (Kind::Float, numeric_float(sql)),
        (ParamType::Float, ColumnType::Float) => (
            Kind::Float,
            format!(
                "case when ({sql})::double precision between -1.7976931348623157e308 and 1.7976931348623157e308 then ({sql})::double precision end"
            ),
        ),
        (ParamType::Array, ColumnType::TextArray) => (
            Kind::Texts,
            format!("case when coalesce(array_ndims({sql}), 1) = 1 then ({sql})::text[] end"),
        ),
        (ParamType::Map, _) if column.name == "jsonb" => (
            Kind::Json,
            format!("case when jsonb_typeof({sql}) = 'object' then {sql} end"),
        ),
        _ => {
            return Err(format!(
                "a column of type {} cannot give a parameter of type {ty}",
                column.name
            ));
        }
    };
    let absent = format!("({sql}) is null");
    Ok(Value::new(kind, sql).absent_when(absent))
}

/// A key of the context with the declared type: ill-typed is unknown, null is missing.
fn context(context: &str, name: &str, ty: ParamType) -> Value {
    let json = format!("({context} -> {})", quote::text(name));
    let absent = format!("coalesce(jsonb_typeof({json}) = 'null', true)");
    let (kind, wanted, sql) = match ty {
        ParamType::String => (Kind::Str, "string", super::value::json_text(&json)),
        ParamType::Boolean => (Kind::Bool, "boolean", format!("({json})::boolean")),
        ParamType::Integer => (
            Kind::Int,
            "number",
            numeric_integer(&format!("({json})::numeric")),
        ),
        ParamType::Float => (Kind::Float, "number", json_float(&json)),
        ParamType::Array => (Kind::Json, "array", json.clone()),
        ParamType::Map => (Kind::Json, "object", json.clone()),
    };
    Value::new(
        kind,
        format!("case when jsonb_typeof({json}) = '{wanted}' then {sql} end"),
    )
    .absent_when(absent)
}
