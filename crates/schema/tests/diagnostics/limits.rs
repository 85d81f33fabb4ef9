//! What is too much.

use rowgate_schema::{Diagnostic, compile, parse, render};

use crate::shown;

#[test]
fn limits_are_named() {
    let types: String = (0..1001).map(|n| format!("type t{n}\n")).collect();
    let relations: String = (0..10_001).map(|n| format!("relation r{n} [t]\n")).collect();
    let policies: String = (0..1001).map(|n| format!("policy p{n}() {{ true }}\n")).collect();
    let errors = |source: &str| {
        let errors: Vec<Diagnostic> = compile(source).unwrap_err();
        let errors: Vec<String> = errors
            .iter()
            .filter(|diagnostic| diagnostic.is_error())
            .map(|diagnostic| render(diagnostic, "", "app.fga", false))
            .collect();
        errors.join("\n\n")
    };
    insta::assert_snapshot!(errors(&format!("version 0.3\n{types}")), @r##"
    error[too_many_types]: the schema has 1001 types; the limit is 1000
    "##);
    insta::assert_snapshot!(errors(&format!("version 0.3\ntype t\n{relations}")), @r##"
    error[too_many_relations]: the schema has 10001 relations; the limit is 10000
    "##);
    insta::assert_snapshot!(errors(&format!("version 0.3\n{policies}")), @r##"
    error[too_many_policies]: the schema has 1001 policies; the limit is 1000
    "##);
    insta::assert_snapshot!(errors(&" ".repeat((1 << 20) + 1)), @r##"
    error[source_too_large]: the schema has 1048577 bytes; the limit is 1048576
    "##);
    let deep = "any_of none_of ".repeat(33);
    let source = format!("version 0.3\ntype t\nrelation x []\ninherit x if {deep} relation x");
    let error = &parse(&source).diagnostics[0];
    insta::assert_snapshot!(render(error, "", "app.fga", false), @r##"
    error[nesting_too_deep]: more than 64 operators inside one another
    "##);
}

#[test]
fn only_so_many_are_shown() {
    let unknown: String = (0..150)
        .map(|n| format!("inherit r{n} if relation unknown\nrelation r{n}\n"))
        .collect();
    let found = compile(&format!("version 0.3\ntype t\n{unknown}")).unwrap_err();
    assert_eq!(found.len(), 202);
    insta::assert_snapshot!(shown(&found[200..], ""), @r##"
    warning[too_many_warnings]: 50 more warnings are not shown

    error[too_many_errors]: 50 more errors are not shown
    "##);
}
