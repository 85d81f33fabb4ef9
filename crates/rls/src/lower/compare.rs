//! `==`, `!=` and the orders. Values of kinds that can never be equal are unknown, as in `rowgate_policy`.

use rowgate_policy::ast::BinaryOp;

use super::value::{Constant, Kind, Value, bytes, given, json_float, json_text};

/// Integers up to this are exact as doubles.
const EXACT: i64 = 1 << 53;

/// The comparison of two values, or why it has no exact form.
pub(super) fn compare(op: BinaryOp, a: &Value, b: &Value) -> Result<String, String> {
    if op == BinaryOp::Ne {
        return compare(BinaryOp::Eq, a, b).map(|sql| format!("not ({sql})"));
    }
    if b.kind == Kind::Json && a.kind != Kind::Json {
        return compare(mirror(op), b, a);
    }
    match (a.kind, b.kind) {
        (Kind::Json, _) => json(op, a, b),
        (Kind::Nil, _) | (_, Kind::Nil) => nil(op, a, b),
        (Kind::Bool, Kind::Bool) if op == BinaryOp::Eq => Ok(infix(&a.sql, op, &b.sql)),
        (Kind::Int, Kind::Int) | (Kind::Float, Kind::Float) => Ok(infix(&a.sql, op, &b.sql)),
        (Kind::Time { .. }, Kind::Time { .. }) | (Kind::Duration, Kind::Duration) => {
            Ok(infix(&a.sql, op, &b.sql))
        }
        (Kind::Str, Kind::Str) => Ok(infix(&bytes(&a.sql), op, &bytes(&b.sql))),
        (Kind::Int, Kind::Float) => int_with_float(op, a, b),
        (Kind::Float, Kind::Int) => int_with_float(mirror(op), b, a),
        (Kind::Texts, _) | (_, Kind::Texts) => Err("arrays are compared only by `in`".to_owned()),
        _ => Err("the two sides are of different kinds".to_owned()),
    }
}

/// An integer and a float, exactly: one of them must be a constant.
fn int_with_float(op: BinaryOp, int: &Value, float: &Value) -> Result<String, String> {
    match (&int.constant, &float.constant) {
        (_, Some(Constant::Float(number))) => Ok(int_with_constant(op, &int.sql, *number)),
        (Some(Constant::Int(number)), _) if number.abs() < EXACT => {
            Ok(infix(&format!("({number})::double precision"), op, &float.sql))
        }
        _ => Err("an integer and a float that are both not constant would be rounded in SQL".to_owned()),
    }
}

/// `x < 1.5` of integers is `x <= 1`.
#[allow(
    clippy::cast_possible_truncation,
    reason = "the number is checked to fit before"
)]
fn int_with_constant(op: BinaryOp, int: &str, number: f64) -> String {
    let (floor, ceil) = (number.floor(), number.ceil());
    let fits = |n: f64| (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&n);
    if !fits(floor) || !fits(ceil) {
        let below = number > 0.0;
        let truth = match op {
            BinaryOp::Lt | BinaryOp::Le => below,
            BinaryOp::Gt | BinaryOp::Ge => !below,
            _ => false,
        };
        return given(int, &truth.to_string());
    }
    match op {
        BinaryOp::Lt => format!("({int}) < ({})::bigint", ceil as i64),
        BinaryOp::Ge => format!("({int}) >= ({})::bigint", ceil as i64),
        BinaryOp::Le => format!("({int}) <= ({})::bigint", floor as i64),
        BinaryOp::Gt => format!("({int}) > ({})::bigint", floor as i64),
        _ if floor < ceil => given(int, "false"),
        _ => format!("({int}) = ({})::bigint", floor as i64),
    }
}

/// nil equals nil and nothing else; it has no order.
fn nil(op: BinaryOp, a: &Value, b: &Value) -> Result<String, String> {
    if op != BinaryOp::Eq {
        return Err("nil has no order".to_owned());
    }
    if a.kind == b.kind {
        return Ok("true".to_owned());
    }
    let known = if a.kind == Kind::Nil { b } else { a };
    Ok(given(&known.sql, "false"))
}

/// A value whose kind is known only for the row.
fn json(op: BinaryOp, a: &Value, b: &Value) -> Result<String, String> {
    let json = &a.sql;
    let nil = if op == BinaryOp::Eq {
        " when 'null' then false"
    } else {
        ""
    };
    let case = |kind: &str, then: String| {
        let cases = format!("case jsonb_typeof({json}) when '{kind}' then {then}{nil} end");
        given(&b.sql, &cases)
    };
    match (b.kind, &b.constant) {
        (Kind::Str, _) => Ok(case("string", infix(&bytes(&json_text(json)), op, &bytes(&b.sql)))),
        (Kind::Bool, _) if op == BinaryOp::Eq => Ok(case("boolean", infix(&format!("({json})::boolean"), op, &b.sql))),
        (Kind::Int, Some(Constant::Int(number))) if number.abs() < EXACT => Ok(case("number", number_with(op, json, *number as f64))),
        (Kind::Float, Some(Constant::Float(number))) if number.abs() < EXACT as f64 => {
            Ok(case("number", number_with(op, json, *number)))
        }
        (Kind::Nil, _) if op == BinaryOp::Eq => Ok(format!("jsonb_typeof({json}) = 'null'")),
        (Kind::Json, _) if op == BinaryOp::Eq => {
            let other = &b.sql;
            Ok(format!(
                "case when jsonb_typeof({json}) = jsonb_typeof({other}) then {json} = {other} \
                 when jsonb_typeof({json}) = 'null' or jsonb_typeof({other}) = 'null' then \
                 case when ({json}) is not null and ({other}) is not null then false end end"
            ))
        }
        _ => Err("the kind of one side is known only when it is evaluated, and the other is not a constant of a simple kind".to_owned()),
    }
}

/// A JSON number as a double, unless it is an integer that a double cannot hold: that is larger than any exact constant.
fn number_with(op: BinaryOp, json: &str, number: f64) -> String {
    infix(
        &json_float(json),
        op,
        &Value::constant(Constant::Float(number)).sql,
    )
}

fn infix(a: &str, op: BinaryOp, b: &str) -> String {
    let symbol = if op == BinaryOp::Eq { "=" } else { op.symbol() };
    format!("({a}) {symbol} ({b})")
}

fn mirror(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Lt => BinaryOp::Gt,
        BinaryOp::Gt => BinaryOp::Lt,
        BinaryOp::Le => BinaryOp::Ge,
        BinaryOp::Ge => BinaryOp::Le,
        other => other,
    }
}
