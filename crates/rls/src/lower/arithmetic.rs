//! `+ - * / %` of integers, and `+` of strings. A result that is too large is unknown; floats would raise and are refused.

use rowgate_policy::ast::BinaryOp;

use super::value::{Kind, Value};

pub(super) fn arithmetic(op: BinaryOp, a: &Value, b: &Value) -> Result<Value, String> {
    let (x, y) = (&a.sql, &b.sql);
    match (op, a.kind, b.kind) {
        (BinaryOp::Add, Kind::Str, Kind::Str) => Ok(Value::new(Kind::Str, format!("(({x}) || ({y}))"))),
        (BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul, Kind::Int, Kind::Int) => {
            let exact = format!("(({x})::numeric {} ({y})::numeric)", op.symbol());
            let sql = format!(
                "case when {exact} between -9223372036854775808 and 9223372036854775807 then {exact}::bigint end"
            );
            Ok(Value::new(Kind::Int, sql))
        }
        (BinaryOp::Mod, Kind::Int, Kind::Int) => {
            Ok(Value::new(Kind::Int, format!("mod({x}, nullif({y}, 0))")))
        }
        (BinaryOp::Div, Kind::Int, Kind::Int) => {
            let sql = format!("(({x})::double precision / nullif(({y})::double precision, 0))");
            Ok(Value::new(Kind::Float, sql))
        }
        (_, Kind::Int | Kind::Float, Kind::Int | Kind::Float) => Err(format!(
            "`{}` of floats raises an error in SQL where a policy is unknown",
            op.symbol()
        )),
        _ => Err(format!("`{}` is compiled for integers only", op.symbol())),
    }
}
