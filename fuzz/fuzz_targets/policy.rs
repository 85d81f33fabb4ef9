//! A policy and a context, apart by a zero byte: it is refused with a place, or evaluated, twice the same, and explained.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rowgate_policy::{CheckCtx, Context, Env, Param, ParamType, Policy, Timestamp};

fuzz_target!(|input: &str| {
    let (text, context) = input.split_once('\0').unwrap_or((input, "{}"));
    let context: Context = serde_json::from_str(context).unwrap_or_default();
    let mut env = Env::new(&context, Timestamp(1_767_225_600_000_000));
    env.check = Some(CheckCtx {
        resource_type: "document",
        resource_id: "d1",
        relation: "view",
        subject_type: "user",
        subject_id: "ann",
    });
    env.claims = Some(&context);
    let params: Vec<Param> = context
        .iter()
        .filter_map(|(name, value)| Some(Param::new(name, type_of(value)?)))
        .collect();
    for policy in [
        Policy::compile_warrant(text),
        Policy::compile_schema(&params, text),
    ]
    .into_iter()
    .flatten()
    {
        let outcome = policy.eval(&env);
        assert_eq!(policy.eval(&env), outcome, "another answer the second time");
        assert_eq!(
            policy.explain(&env).outcome,
            outcome,
            "the explanation is of another answer"
        );
        let _ = (policy.unused_parameters(), policy.context_keys());
    }
});

fn type_of(value: &serde_json::Value) -> Option<ParamType> {
    Some(match value {
        serde_json::Value::Null => return None,
        serde_json::Value::Bool(_) => ParamType::Boolean,
        serde_json::Value::Number(number) if number.is_f64() => ParamType::Float,
        serde_json::Value::Number(_) => ParamType::Integer,
        serde_json::Value::String(_) => ParamType::String,
        serde_json::Value::Array(_) => ParamType::Array,
        serde_json::Value::Object(_) => ParamType::Map,
    })
}
