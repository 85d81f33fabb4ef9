//! `in`: lists as written, arrays of columns, arrays and maps of the context.

use rowgate_policy::ast::{BinaryOp, Expr, ExprKind, Injected};

use super::Unsupported;
use super::expression::{Lowered, Walk};
use super::value::{Kind, Value, bytes, given};

impl Walk<'_> {
    pub(super) fn membership(&mut self, expr: &Expr, left: &Expr, right: &Expr) -> Lowered {
        if let (ExprKind::Str(name), ExprKind::Injected(Injected::Env)) = (&left.kind, &right.kind) {
            let there = self.readable.has(name).map_err(|reason| self.no(expr, reason))?;
            return Ok(Value::new(Kind::Bool, there));
        }
        let wanted = self.value(left)?;
        let sql = match &right.kind {
            ExprKind::Array(items) => self.listed(expr, &wanted, items)?,
            ExprKind::Binary(BinaryOp::Range, low, high) => self.ranged(expr, &wanted, low, high)?,
            _ => {
                let list = self.value(right)?;
                self.contained(expr, &wanted, &list)?
            }
        };
        Ok(Value::new(Kind::Bool, sql))
    }

    /// Unknown when an element is unknown and no other is equal; unknown when no element is of the kind looked for.
    fn listed(&mut self, expr: &Expr, wanted: &Value, items: &[Expr]) -> Result<String, Unsupported> {
        if items.is_empty() {
            return Ok(given(&wanted.sql, "false"));
        }
        let mut equal = Vec::new();
        let mut kind = wanted.kind;
        for item in items {
            let value = self.value(item)?;
            // What is looked for may be of any kind, if all elements are of one.
            if kind == Kind::Json && value.constant.is_some() {
                kind = value.kind;
            }
            if kind == Kind::Json || !same_kind(kind, value.kind) {
                return Err(self.no(
                    expr,
                    "the elements of the list must all be of the kind that is looked for",
                ));
            }
            let one =
                super::compare::compare(BinaryOp::Eq, wanted, &value).map_err(|why| self.no(item, why))?;
            equal.push(format!("({one})"));
        }
        Ok(equal.join(" or "))
    }

    fn ranged(
        &mut self,
        expr: &Expr,
        wanted: &Value,
        low: &Expr,
        high: &Expr,
    ) -> Result<String, Unsupported> {
        let (low, high) = (self.value(low)?, self.value(high)?);
        if wanted.kind != Kind::Int || low.kind != Kind::Int || high.kind != Kind::Int {
            return Err(self.no(expr, "ranges are compiled for integers only"));
        }
        let between = format!("({}) between ({}) and ({})", wanted.sql, low.sql, high.sql);
        // A bound that is unknown leaves the answer open, also where the other one decides.
        Ok(given(&wanted.sql, &given(&low.sql, &given(&high.sql, &between))))
    }

    fn contained(&self, expr: &Expr, wanted: &Value, list: &Value) -> Result<String, Unsupported> {
        let (x, list_sql) = (&wanted.sql, &list.sql);
        match (wanted.kind, list.kind) {
            (Kind::Str, Kind::Texts) => {
                let found = format!("coalesce({} = any ({list_sql}), false)", bytes(x));
                Ok(given(x, &given(list_sql, &found)))
            }
            (Kind::Str, Kind::Json) => Ok(given(
                x,
                &in_json(list_sql, &format!("({list_sql}) ? ({x})"), "string", true),
            )),
            (Kind::Bool, Kind::Json) => {
                let found = format!("({list_sql}) @> to_jsonb({x})");
                Ok(given(x, &in_json(list_sql, &found, "boolean", false)))
            }
            _ => Err(self.no(expr, "`in` is compiled for strings and booleans in an array")),
        }
    }
}

/// Membership in a JSON array or map. An array with elements, none of which is of the kind looked for, is a mistake and not a no.
fn in_json(json: &str, found: &str, kind: &str, keys: bool) -> String {
    let map = if keys {
        format!(" when 'object' then {found}")
    } else {
        String::new()
    };
    format!(
        "case jsonb_typeof({json}) when 'null' then false{map} when 'array' then \
         case when {found} then true when jsonb_array_length({json}) = 0 then false \
         when jsonb_path_exists({json}, '$[*] ? (@.type() == \"{kind}\" || @.type() == \"null\")') then false end end"
    )
}

fn same_kind(a: Kind, b: Kind) -> bool {
    let number = |kind| matches!(kind, Kind::Int | Kind::Float);
    a == b || (number(a) && number(b))
}
