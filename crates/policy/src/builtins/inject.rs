//! What only an authorization check knows: metadata, claims, the age of the warrant.

use super::Builtin;
use super::call::Call;
use crate::clock::duration;
use crate::eval::{Eval, Machine};
use crate::fail::Fail;
use crate::value::{Table, Value};

pub(super) fn call<'a>(machine: &mut Machine<'a>, function: Builtin, call: &Call<'a>) -> Eval<'a> {
    match function {
        Builtin::GetMetadata => {
            let (ty, id) = (call.text(machine, 0)?, call.text(machine, 1)?);
            let Some(metadata) = machine.env.metadata else {
                return Err(Fail::wrong([], "metadata cannot be read here".to_owned()));
            };
            Ok(match metadata.get(&ty, &id).map(Value::from_json) {
                None | Some(Value::Nil) => Value::Map(Table::empty()),
                Some(value) => value,
            })
        }
        Builtin::ExpiresIn => expires_in(machine, call),
        _ => Err(call.wrong(machine, "not a function of checks")),
    }
}

impl<'a> Machine<'a> {
    /// A claim of the token, absent when there is none: `??` may stand in for it, a comparison is unknown.
    pub(crate) fn claim(&mut self, expr: &'a crate::ast::Expr, name: &'a crate::ast::Expr) -> Eval<'a> {
        let value = self.eval(name).map_err(Fail::settle)?;
        let Some(key) = value.as_str() else {
            return Err(self.mismatch(expr, name, &value, "a string"));
        };
        match self.env.claims.and_then(|claims| claims.get(key)) {
            Some(claim) => Ok(Value::from_json(claim)),
            None => Err(Fail::absent([], format!("{} is missing", self.quote(expr)))),
        }
    }
}

/// Whether the warrant is younger than a duration.
fn expires_in<'a>(machine: &mut Machine<'a>, call: &Call<'a>) -> Eval<'a> {
    if let Value::Str(text) = call.value(0) {
        machine.read_text(text)?;
    }
    let nanos = match call.value(0) {
        Value::Duration(nanos) => *nanos,
        Value::Str(text) => duration::parse(text).map_err(|why| call.wrong(machine, why))?,
        _ => return Err(call.mismatch(machine, 0, "a duration")),
    };
    let Some(warrant) = machine.env.warrant else {
        return Err(Fail::wrong([], "`expiresIn` needs a warrant".to_owned()));
    };
    let expiry = i128::from(warrant.created_at.0) * 1_000 + i128::from(nanos);
    Ok(Value::Bool(i128::from(machine.env.now.0) * 1_000 < expiry))
}
