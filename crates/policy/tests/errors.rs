//! What is refused when a policy is written.

mod common;

use rowgate_policy::ErrorCode::{self, *};
use rowgate_policy::{Param, ParamType, Policy, PolicyError};

fn refused(source: &str) -> PolicyError {
    match Policy::compile_warrant(source) {
        Err(error) => error,
        Ok(policy) => panic!("{source} compiled to {:?}", policy.ast()),
    }
}

#[test]
fn errors_have_a_code_and_a_place() {
    let cases: &[(&str, ErrorCode, usize)] = &[
        ("", Syntax, 1),
        ("  ", Syntax, 1),
        ("1 + 1", NotBoolean, 1),
        ("nil", NotBoolean, 1),
        ("'a'", NotBoolean, 1),
        ("let a = 1; a", NotBoolean, 1),
        ("a == 'x", Syntax, 6),
        ("a = 1", Syntax, 3),
        ("a == ", Syntax, 6),
        ("(a", Syntax, 3),
        ("a)", Syntax, 2),
        ("a b", Syntax, 3),
        ("a & b", Syntax, 3),
        ("a | b", Syntax, 5),
        ("[1, 2", Syntax, 6),
        ("a; b", Syntax, 2),
        ("a not b", Syntax, 7),
        ("x.y ?? 'd' == 'd'", Syntax, 12),
        ("# > 3", Syntax, 1),
        ("any(a, #foo)", Syntax, 8),
        ("in == 1", Syntax, 1),
        ("1 + let a = 1; a", Syntax, 5),
        ("if a { b }", Syntax, 11),
        ("unknownfn(1)", UnknownFunction, 1),
        ("a.foo()", UnknownFunction, 3),
        ("len()", Arity, 1),
        ("len(a, b)", Arity, 1),
        ("now(1) == 1", Arity, 1),
        ("now().Add() == now()", Arity, 1),
        ("x matches '('", Constant, 11),
        ("x matches 'a{1000}{1000}'", Constant, 11),
        ("duration('1y') > duration('1s')", Constant, 10),
        ("date('soon') > now()", Constant, 6),
        ("date(x, 'soon') > now()", Constant, 9),
        ("timezone('Mars') == nil", Constant, 10),
        ("expiresIn('soon')", Constant, 11),
        ("x > 99999999999999999999", Constant, 5),
        ("1 == 'a'", Type, 1),
        ("1 < 'a'", Type, 1),
        ("nil < 1", Type, 1),
        ("true > false", Type, 1),
        ("1 + 'a' == 2", Type, 1),
        ("4.5 % 2 == 1", Type, 1),
        ("(4 / 2) % 2 == 1", Type, 1),
        ("not 1", Type, 1),
        ("1 && true", Type, 1),
        ("1 ? true : false", Type, 1),
        ("'a' in 'abc'", Type, 1),
        ("[1] contains 1", Type, 1),
        ("upper(1) == ''", Type, 7),
        ("any(1, true)", Type, 5),
        ("any(a, 1)", Type, 8),
        ("now() > '2020-01-01'", Type, 1),
        ("now() + now() > now()", Type, 1),
        ("'a'.b == 1", Type, 1),
        ("1[0] == 1", Type, 1),
        ("[1]['a'] == 1", Type, 1),
        ("[1][true] == 1", Type, 5),
        ("check_ctx.subject == 1", Undeclared, 1),
        ("check_ctx.subject_id == 1", Type, 1),
        ("let a = 1; let a = 2; a == 2", Redeclared, 16),
        ("let check_ctx = 1; true", Redeclared, 5),
    ];
    for (source, code, column) in cases {
        let error = refused(source);
        assert_eq!(
            (error.code, error.line, error.column),
            (*code, 1, *column),
            "{source}: {error}"
        );
        assert!(
            error.span.start <= error.span.end && error.span.end <= source.len(),
            "{source}: {:?}",
            error.span
        );
        assert!(!error.snippet(source).is_empty());
    }
}

#[test]
fn helps_suggest_what_was_meant() {
    for (source, help) in [
        ("a = 1", "a policy cannot assign; write `==` to compare"),
        ("a & b", "write `&&` for a logical and"),
        ("lenn(a) == 1", "did you mean `len`?"),
        ("startswith(a, 'b')", "did you mean `hasPrefix`?"),
        ("now().year() == 1", "did you mean `Year`?"),
        ("check_ctx.subjct_id == 'a'", "did you mean `subject_id`?"),
        ("['a'] contains 'a'", "write `'a' in list`"),
        ("4.5 % 2 == 0", "`%` needs integers: write `int(value)`"),
        ("in == 1", "to read a key of this name write `$env[\"in\"]`"),
    ] {
        let error = refused(source);
        if source.starts_with("startswith") {
            // No function is near enough to guess.
            assert_eq!(error.help, None);
            continue;
        }
        assert_eq!(error.help.as_deref(), Some(help), "{source}: {error}");
    }
    let params = [
        Param::new("expense_attributes", ParamType::Map),
        Param::new("limit", ParamType::Integer),
    ];
    let source = "expense_attribute.amount <= limit";
    let error = Policy::compile_schema(&params, source).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`expense_attribute` is not a parameter of this policy (1:1)"
    );
    assert_eq!(error.help.as_deref(), Some("did you mean `expense_attributes`?"));
    assert_eq!(
        error.snippet(source),
        " | expense_attribute.amount <= limit\n | ^^^^^^^^^^^^^^^^^"
    );
    let error = Policy::compile_schema(&params, "true &&\n\tlimit < 'x'").unwrap_err();
    assert_eq!(
        error.to_string(),
        "`<` cannot be applied to an integer and a string (2:2)"
    );
    assert_eq!(
        error.snippet("true &&\n\tlimit < 'x'"),
        " | \tlimit < 'x'\n | \t^^^^^^^^^^^"
    );
    let error = Policy::compile_schema(&params, "let limit = 1; limit == 1").unwrap_err();
    assert_eq!(error.code, Redeclared);
}

#[test]
fn every_code_is_stable() {
    let codes: Vec<_> = [
        Syntax,
        UnknownFunction,
        Arity,
        Type,
        NotBoolean,
        Constant,
        Undeclared,
        Redeclared,
        Limit,
    ]
    .iter()
    .map(ErrorCode::as_str)
    .collect();
    assert_eq!(
        codes,
        [
            "syntax_error",
            "unknown_function",
            "wrong_arguments",
            "type_error",
            "not_boolean",
            "invalid_constant",
            "undeclared_variable",
            "redeclared_variable",
            "limit_exceeded"
        ]
    );
}
