//! Names, members and indexes: where values come from, and where they can be absent.

use super::{Eval, Machine};
use crate::ast::{Expr, ExprKind, Injected, Pointer};
use crate::clock::date;
use crate::env::CheckCtx;
use crate::fail::Fail;
use crate::param::ParamType;
use crate::value::{Seq, Str, Table, Value, integral};

impl<'a> Machine<'a> {
    pub(super) fn variable(&mut self, name: &'a str, ty: Option<ParamType>) -> Eval<'a> {
        let Some(json) = self.env.context.get(name) else {
            return Err(Fail::absent([name.to_owned()], format!("`{name}` is missing")));
        };
        let value = Value::from_json(json);
        let Some(ty) = ty else { return Ok(value) };
        match (ty, value) {
            (ParamType::Integer, Value::Float(f)) if integral(f).is_some() => {
                Ok(integral(f).map_or(Value::Nil, Value::Int))
            }
            #[allow(clippy::cast_precision_loss)]
            (ParamType::Float, Value::Int(i)) => Ok(Value::Float(i as f64)),
            (ParamType::String, value @ Value::Str(_))
            | (ParamType::Integer, value @ Value::Int(_))
            | (ParamType::Float, value @ Value::Float(_))
            | (ParamType::Boolean, value @ Value::Bool(_))
            | (ParamType::Array, value @ Value::Array(_))
            | (ParamType::Map, value @ Value::Map(_)) => Ok(value),
            (ty, value) => {
                let article = if matches!(ty, ParamType::Integer | ParamType::Array) {
                    "an"
                } else {
                    "a"
                };
                let got = match value {
                    Value::Float(_) if ty == ParamType::Integer => "a number with a fraction",
                    value => value.kind(),
                };
                let message = format!("`{name}` is {got}, expected {article} {ty}");
                // An explicit null stands for no value, which `??` may replace.
                Err(if json.is_null() {
                    Fail::absent([name.to_owned()], message)
                } else {
                    Fail::wrong([name.to_owned()], message)
                })
            }
        }
    }

    pub(super) fn local(&mut self, slot: usize) -> Eval<'a> {
        match self.slots.get(slot) {
            Some(bound) => bound.value.clone(),
            None => Err(Fail::wrong([], "a binding is not in scope".to_owned())),
        }
    }

    pub(super) fn pointer(&mut self, pointer: Pointer) -> Eval<'a> {
        let value = self.frames.last().map(|frame| match pointer {
            Pointer::Item => frame.item.clone(),
            Pointer::Index => i64::try_from(frame.index).map_or(Value::Nil, Value::Int),
            Pointer::Acc => frame.acc.clone().unwrap_or(Value::Nil),
        });
        value.ok_or_else(|| Fail::wrong([], "there is no element here".to_owned()))
    }

    pub(super) fn injected(&mut self, injected: Injected) -> Eval<'a> {
        let (fields, created_at) = match injected {
            Injected::Env => return Ok(Value::Map(Table::Json(self.env.context))),
            Injected::CheckCtx => (self.env.check, None),
            Injected::WarrantCtx => (
                self.warrant_fields(),
                self.env.warrant.map(|warrant| warrant.created_at),
            ),
        };
        let Some(fields) = fields else {
            return Ok(Value::Map(Table::empty()));
        };
        let mut entries: Vec<_> = FIELDS
            .iter()
            .filter_map(|name| Some((Value::Str(Str::Borrowed(name)), field(&fields, name)?)))
            .collect();
        if let Some(created_at) = created_at {
            entries.push((Value::Str(Str::Borrowed("created_at")), moment(created_at.0)?));
        }
        self.dict(entries).map(Value::Map)
    }

    fn warrant_fields(&self) -> Option<CheckCtx<'a>> {
        self.env.warrant.map(|warrant| CheckCtx {
            resource_type: warrant.resource_type,
            resource_id: warrant.resource_id,
            relation: warrant.relation,
            subject_type: warrant.subject_type,
            subject_id: warrant.subject_id,
        })
    }

    /// A member of an injected map, without building the map.
    fn injected_member(&self, injected: Injected, name: &str) -> Option<Eval<'a>> {
        let fields = match injected {
            Injected::Env => return None,
            Injected::CheckCtx => self.env.check,
            Injected::WarrantCtx if name == "created_at" => {
                return self.env.warrant.map(|warrant| moment(warrant.created_at.0));
            }
            Injected::WarrantCtx => self.warrant_fields(),
        };
        field(&fields?, name).map(Ok)
    }

    pub(super) fn member(
        &mut self,
        expr: &'a Expr,
        object: &'a Expr,
        name: &'a str,
        optional: bool,
    ) -> Eval<'a> {
        if let ExprKind::Injected(injected) = object.kind
            && let Some(value) = self.injected_member(injected, name)
        {
            return value;
        }
        match self.object(object, optional)? {
            Value::Map(table) => {
                if let Table::Built(dict) = &table {
                    self.steps(dict.entries.len() as u64)?;
                }
                table.get(name).map_or_else(|| self.missing(expr, optional), Ok)
            }
            other => Err(self.no_member(expr, object, &other)),
        }
    }

    pub(super) fn index(
        &mut self,
        expr: &'a Expr,
        object: &'a Expr,
        index: &'a Expr,
        optional: bool,
    ) -> Eval<'a> {
        let object_value = self.object(object, optional);
        let index_value = self.eval(index).map_err(Fail::settle);
        let (object_value, index_value) = match (object_value, index_value) {
            (Ok(object), Ok(index)) => (object, index),
            (Err(fail), Ok(_)) => return Err(fail),
            (Ok(_), Err(fail)) => return Err(fail),
            (Err(fail), Err(other)) => return Err(super::combine(Some(fail), other)?),
        };
        match (&object_value, &index_value) {
            (Value::Map(table), key) if !matches!(key, Value::Nil) => {
                if let Table::Built(dict) = table {
                    self.steps(dict.entries.len() as u64)?;
                }
                if matches!(table, Table::Json(_)) && key.as_str().is_none() {
                    return Err(self.mismatch(expr, index, key, "a string"));
                }
                table
                    .get_value(key)
                    .map_or_else(|| self.missing(expr, optional), Ok)
            }
            (Value::Array(seq), position) => {
                let Some(position) = position.as_integer() else {
                    return Err(self.mismatch(expr, index, position, "an integer"));
                };
                let found = from_end(position, seq.len()).and_then(|at| seq.get(at));
                match found {
                    Some(value) => Ok(value),
                    None if optional => Ok(Value::Nil),
                    None => {
                        let why = format!("the index {position} is outside the array of {}", seq.len());
                        Err(Fail::absent(
                            self.reads(expr),
                            format!("{}: {why}", self.quote(expr)),
                        ))
                    }
                }
            }
            (Value::Map(_), key) => Err(self.mismatch(expr, index, key, "a string")),
            (other, _) => Err(self.no_member(expr, object, other)),
        }
    }

    /// The object of a member; with `?.` one that is nil or absent ends the chain.
    fn object(&mut self, object: &'a Expr, optional: bool) -> Eval<'a> {
        match self.eval(object) {
            Err(fail) if optional && fail.is_absent() => Err(Fail::Skip),
            Ok(Value::Nil) if optional => Err(Fail::Skip),
            other => other,
        }
    }

    fn missing(&self, expr: &'a Expr, optional: bool) -> Eval<'a> {
        if optional {
            return Ok(Value::Nil);
        }
        Err(Fail::absent(
            self.blame(expr),
            format!("{} is missing", self.quote(expr)),
        ))
    }

    fn no_member(&self, expr: &'a Expr, object: &'a Expr, value: &Value<'_>) -> Fail {
        let object_text = self.quote(object);
        if matches!(value, Value::Nil) {
            let message = format!("{} is missing: {object_text} is nil", self.quote(expr));
            return Fail::absent(self.blame(expr), message);
        }
        self.wrong(
            expr,
            [object],
            format!("{object_text} is {}, expected a map", value.kind()),
        )
    }

    pub(super) fn chain(&mut self, inner: &'a Expr) -> Eval<'a> {
        match self.eval(inner) {
            Err(Fail::Skip) => Ok(Value::Nil),
            other => other,
        }
    }

    pub(super) fn slice(
        &mut self,
        expr: &'a Expr,
        object: &'a Expr,
        from: Option<&'a Expr>,
        to: Option<&'a Expr>,
    ) -> Eval<'a> {
        let value = self.eval(object)?;
        let length = match &value {
            Value::Array(seq) => seq.len(),
            Value::Str(text) => {
                self.read_text(text)?;
                text.chars().count() as u64
            }
            other => return Err(self.mismatch(expr, object, other, "an array or a string")),
        };
        let from = self.bound(expr, from, 0, length)?;
        let to = self.bound(expr, to, length, length)?.max(from);
        match &value {
            Value::Array(Seq::Json(items)) => {
                let range =
                    usize::try_from(from).unwrap_or(usize::MAX)..usize::try_from(to).unwrap_or(usize::MAX);
                Ok(Value::Array(Seq::Json(items.get(range).unwrap_or_default())))
            }
            Value::Array(seq) => {
                self.steps(to - from)?;
                let items = (from..to).map_while(|at| seq.get(at)).collect();
                Ok(Value::Array(Seq::Built(self.list(items)?)))
            }
            Value::Str(text) => Ok(self.characters(text, from, to)),
            _ => Ok(Value::Nil),
        }
    }

    /// Characters `from..to` of a text.
    fn characters(&self, text: &Str<'a>, from: u64, to: u64) -> Value<'a> {
        let byte = |at: u64| {
            let at = usize::try_from(at).unwrap_or(usize::MAX);
            text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte)
        };
        let range = byte(from)..byte(to);
        match text {
            Str::Borrowed(text) => Value::Str(Str::Borrowed(text.get(range).unwrap_or_default())),
            Str::Built(text) => Value::text(text.get(range).unwrap_or_default()),
        }
    }

    /// One end of a slice: counted from the end when negative, held within the length.
    fn bound(
        &mut self,
        expr: &'a Expr,
        bound: Option<&'a Expr>,
        absent: u64,
        length: u64,
    ) -> Result<u64, Fail> {
        let Some(bound) = bound else { return Ok(absent) };
        let value = self.eval(bound)?;
        let Some(position) = value.as_integer() else {
            return Err(self.mismatch(expr, bound, &value, "an integer"));
        };
        Ok(if position < 0 {
            length.saturating_sub(position.unsigned_abs())
        } else {
            position.unsigned_abs().min(length)
        })
    }
}

/// The position an index names, counted from the end when negative.
pub(crate) fn from_end(position: i64, length: u64) -> Option<u64> {
    if position < 0 {
        length.checked_sub(position.unsigned_abs())
    } else {
        Some(position.unsigned_abs())
    }
}

pub(crate) const FIELDS: [&str; 5] = [
    "resource_type",
    "resource_id",
    "relation",
    "subject_type",
    "subject_id",
];

fn field<'a>(ctx: &CheckCtx<'a>, name: &str) -> Option<Value<'a>> {
    let text = match name {
        "resource_type" => ctx.resource_type,
        "resource_id" => ctx.resource_id,
        "relation" => ctx.relation,
        "subject_type" => ctx.subject_type,
        "subject_id" => ctx.subject_id,
        _ => return None,
    };
    Some(Value::Str(Str::Borrowed(text)))
}

fn moment<'a>(micros: i64) -> Eval<'a> {
    date::from_micros(micros)
        .map(|date| Value::text(date::format(&date, date::RFC_3339)))
        .ok_or_else(|| Fail::wrong([], "the warrant's creation is not a date".to_owned()))
}
