//! What is wrong with the text itself.

use rowgate_schema::{parse, render};

use crate::text;

#[test]
fn several_errors_come_at_once() {
    let source = "version 0.3
type user
type team
    relation member [usr]
type report
    relation owner [user]
    relation owner [team#membr]
    relation parent [team]
    inherit owner if
        any_of
            relation ownr
            relation mmber on parent [team]
            policy office_hour
            relation member on parent [team, user]
policy office_hours(hour integr) { hour > 8 }
";
    insta::assert_snapshot!(text(source), @r##"
    warning[unknown_type]: type `usr` is not defined
     --> app.fga:4:22
      |
    4 |     relation member [usr]
      |                      ^^^
      |
      = help: did you mean `user`?

    error[duplicate_relation]: relation `owner` is declared twice in type `report`
     --> app.fga:7:14
      |
    7 |     relation owner [team#membr]
      |              ^^^^^
      |
      = help: put its subjects into one pair of brackets

    warning[unknown_group]: type `team` has no relation `membr`
     --> app.fga:7:26
      |
    7 |     relation owner [team#membr]
      |                          ^^^^^
      |
      = help: did you mean `member`?

    error[unknown_relation]: type `report` has no relation `ownr`
      --> app.fga:11:22
       |
    11 |             relation ownr
       |                      ^^^^
       |
       = help: did you mean `owner`?

    error[unknown_relation]: type `team` has no relation `mmber`
      --> app.fga:12:22
       |
    12 |             relation mmber on parent [team]
       |                      ^^^^^
       |
       = help: did you mean `member`?

    error[missing_policy]: policy `office_hour` is not defined
      --> app.fga:13:20
       |
    13 |             policy office_hour
       |                    ^^^^^^^^^^^
       |
       = help: did you mean `office_hours`?

    error[wrong_arity]: `on parent` takes one type, found 2
      --> app.fga:14:39
       |
    14 |             relation member on parent [team, user]
       |                                       ^^^^^^^^^^^^
       |
       = help: write one rule for each type, under `any_of`

    error[unknown_parameter_type]: unknown parameter type `integr`
      --> app.fga:15:26
       |
    15 | policy office_hours(hour integr) { hour > 8 }
       |                          ^^^^^^
       |
       = help: did you mean `integer`?
    "##);
    let source = source.replace("integr", "integer");
    insta::assert_snapshot!(text(&source), @r##"
    warning[unknown_type]: type `usr` is not defined
     --> app.fga:4:22
      |
    4 |     relation member [usr]
      |                      ^^^
      |
      = help: did you mean `user`?

    error[duplicate_relation]: relation `owner` is declared twice in type `report`
     --> app.fga:7:14
      |
    7 |     relation owner [team#membr]
      |              ^^^^^
      |
      = help: put its subjects into one pair of brackets

    warning[unknown_group]: type `team` has no relation `membr`
     --> app.fga:7:26
      |
    7 |     relation owner [team#membr]
      |                          ^^^^^
      |
      = help: did you mean `member`?

    error[unknown_relation]: type `report` has no relation `ownr`
      --> app.fga:11:22
       |
    11 |             relation ownr
       |                      ^^^^
       |
       = help: did you mean `owner`?

    error[unknown_relation]: type `team` has no relation `mmber`
      --> app.fga:12:22
       |
    12 |             relation mmber on parent [team]
       |                      ^^^^^
       |
       = help: did you mean `member`?

    error[missing_policy]: policy `office_hour` is not defined
      --> app.fga:13:20
       |
    13 |             policy office_hour
       |                    ^^^^^^^^^^^
       |
       = help: did you mean `office_hours`?

    error[wrong_arity]: `on parent` takes one type, found 2
      --> app.fga:14:39
       |
    14 |             relation member on parent [team, user]
       |                                       ^^^^^^^^^^^^
       |
       = help: write one rule for each type, under `any_of`
    "##);
}

#[test]
fn syntax_errors_do_not_end_the_reading() {
    let source = "version 0.3
type user
type doc
    relaton owner [user]
    relation editor [user
    relation viewer [user team]
    relation [user]
    inherit viewer
        relation editor
    inherit editor if
    any_of
type
policy p(a) { a }
policy q { true }
policy r() true
";
    insta::assert_snapshot!(text(source), @r##"
    error[syntax_error]: expected `type`, `relation`, `inherit` or `policy`, found `relaton`
     --> app.fga:4:5
      |
    4 |     relaton owner [user]
      |     ^^^^^^^
      |
      = help: did you mean `relation`?

    error[syntax_error]: expected `,` or `]`, found `relation`
     --> app.fga:5:21
      |
    5 |     relation editor [user
      |                     ^
      |
      = help: the list that begins here is never closed

    error[syntax_error]: expected `,` or `]`, found `team`
     --> app.fga:6:27
      |
    6 |     relation viewer [user team]
      |                           ^^^^
      |
      = help: types in brackets are separated by commas

    error[syntax_error]: expected a name after `relation`, found `[`
     --> app.fga:7:14
      |
    7 |     relation [user]
      |              ^

    error[syntax_error]: expected `if`, found `relation`
     --> app.fga:9:9
      |
    9 |         relation editor
      |         ^^^^^^^^
      |
      = help: write `inherit viewer if` and then one rule

    error[undeclared_relation]: type `doc` has no relation `editor`
      --> app.fga:10:13
       |
    10 |     inherit editor if
       |             ^^^^^^
       |
       = help: declare it with `relation editor []`

    error[empty_operator]: `any_of` has no rules
      --> app.fga:11:5
       |
    11 |     any_of
       |     ^^^^^^
       |
       = help: its rules follow it on lines of their own, indented below it

    error[syntax_error]: expected a name after `type`, found `policy`
      --> app.fga:13:1
       |
    13 | policy p(a) { a }
       | ^^^^^^

    error[syntax_error]: parameter `a` has no type
      --> app.fga:13:10
       |
    13 | policy p(a) { a }
       |          ^
       |
       = help: write `a string`, or another of `string`, `integer`, `boolean`, `float`, `array`, `map`

    error[syntax_error]: expected `(`, found `{`
      --> app.fga:14:10
       |
    14 | policy q { true }
       |          ^^^^^^^^
       |
       = help: a policy is written `policy q(parameters) { expression }`

    error[syntax_error]: expected `{` and the policy's expression, found `true`
      --> app.fga:15:12
       |
    15 | policy r() true
       |            ^^^^
    "##);
}

#[test]
fn characters_that_mean_nothing() {
    let source = "version 0.3
type user;
type \"doc\"
    relation owner: [user:*]
    inherit owner if
        relation a && relation b
}
";
    insta::assert_snapshot!(text(source), @r##"
    error[unexpected_character]: unexpected `;`
     --> app.fga:2:10
      |
    2 | type user;
      |          ^
      |
      = help: nothing ends with a semicolon outside a policy

    error[unexpected_character]: unexpected `"`
     --> app.fga:3:6
      |
    3 | type "doc"
      |      ^
      |
      = help: names are written without quotes

    error[unexpected_character]: unexpected `:`
     --> app.fga:4:19
      |
    4 |     relation owner: [user:*]
      |                   ^
      |
      = help: nothing stands between a name and what follows it

    error[unexpected_character]: unexpected `:*`
     --> app.fga:4:26
      |
    4 |     relation owner: [user:*]
      |                          ^^
      |
      = help: a type in brackets already allows `type:*`

    error[unexpected_character]: unexpected `&&`
     --> app.fga:6:20
      |
    6 |         relation a && relation b
      |                    ^^
      |
      = help: expressions stand between the braces of a policy

    error[syntax_error]: expected `type`, `relation`, `inherit` or `policy`, found `}`
     --> app.fga:7:1
      |
    7 | }
      | ^
    "##);
}

#[test]
fn the_version() {
    insta::assert_snapshot!(text("type user\ntype doc\n    relation owner [user]\n"), @r##"
    warning[missing_version]: no `version` line; read as version 0.3
     --> app.fga:1:1
      |
    1 | type user
      | ^^^^
      |
      = help: start the schema with `version 0.3`
    "##);
    insta::assert_snapshot!(text("version \"0.4\"\ntype user\n"), @r##"
    error[unsupported_version]: version `"0.4"` is not supported
     --> app.fga:1:9
      |
    1 | version "0.4"
      |         ^^^^^
      |
      = help: supported versions are 0.1, 0.2 and 0.3

    warning[unused_type]: type `user` has no relations and is nobody's subject
     --> app.fga:2:6
      |
    2 | type user
      |      ^^^^
    "##);
    insta::assert_snapshot!(text("version\ntype user\n"), @r##"
    error[syntax_error]: expected a version number, found `type`
     --> app.fga:2:1
      |
    2 | type user
      | ^^^^
    "##);
    insta::assert_snapshot!(text("type user\nversion 0.3\n"), @r##"
    warning[missing_version]: no `version` line; read as version 0.3
     --> app.fga:1:1
      |
    1 | type user
      | ^^^^
      |
      = help: start the schema with `version 0.3`

    error[syntax_error]: `version` stands in the first line only
     --> app.fga:2:1
      |
    2 | version 0.3
      | ^^^^^^^
    "##);
}

#[test]
fn what_a_version_does_not_have() {
    let source = "version 0.1
type user
type team
    relation member [user]
type doc
    relation owner [user, team#member]
    inherit owner if
        policy p
policy p() { true }
";
    insta::assert_snapshot!(text(source), @r##"
    warning[brackets_ignored]: version 0.1 does not restrict subjects
     --> app.fga:4:22
      |
    4 |     relation member [user]
      |                      ^^^^
      |
      = help: write `version 0.2` or later to have brackets enforced

    error[version_too_low]: `team#member` in brackets needs version 0.2
     --> app.fga:6:32
      |
    6 |     relation owner [user, team#member]
      |                                ^^^^^^
      |
      = help: write `version 0.2` or later in the first line

    error[version_too_low]: a `policy` rule needs version 0.3; this schema is version 0.1
     --> app.fga:8:16
      |
    8 |         policy p
      |                ^
      |
      = help: write `version 0.3` in the first line

    error[version_too_low]: a policy needs version 0.3; this schema is version 0.1
     --> app.fga:9:8
      |
    9 | policy p() { true }
      |        ^
      |
      = help: write `version 0.3` in the first line
    "##);
}

#[test]
fn statements_outside_of_a_type() {
    let source = "version 0.3\npolicy p() { true }\nrelation owner []\ninherit owner if policy p\n";
    insta::assert_snapshot!(text(source), @r##"
    error[outside_type]: `relation` stands outside of a type
     --> app.fga:3:1
      |
    3 | relation owner []
      | ^^^^^^^^
      |
      = help: it belongs below a `type NAME` line
    "##);
}

#[test]
fn an_uncertain_layout() {
    let source = "version 0.3 type user type doc relation a [user] relation b [user] relation c []
inherit c if any_of all_of relation a relation b relation c on a [doc]";
    insta::assert_snapshot!(text(source), @r##"
    warning[ambiguous_layout]: this rule may belong to `all_of` or to the `any_of` around it; read as part of `all_of`
     --> app.fga:2:39
      |
    2 | inherit c if any_of all_of relation a relation b relation c on a [doc]
      |                                       ^^^^^^^^^^
      |
      = help: put the rules of an operator on lines of their own, indented below it

    warning[edge_type_mismatch]: `a` never leads to a `doc`
     --> app.fga:2:67
      |
    2 | inherit c if any_of all_of relation a relation b relation c on a [doc]
      |                                                                   ^^^
      |
      = help: add `doc` to the brackets of `relation a`
    "##);
    let source = "version 0.3\ntype doc\nrelation x []\ninherit x if any_of relation x\nrelation y\n";
    insta::assert_snapshot!(text(source), @r##"
    warning[ambiguous_layout]: this line may or may not belong to `any_of`; read as part of it
     --> app.fga:5:1
      |
    5 | relation y
      | ^^^^^^^^^^
      |
      = help: put the rules of an operator on lines of their own, indented below it

    error[unknown_relation]: type `doc` has no relation `y`
     --> app.fga:5:10
      |
    5 | relation y
      |          ^
      |
      = help: its relations are `x`
    "##);
}

#[test]
fn brackets_of_the_first_version() {
    insta::assert_snapshot!(text("version 0.1\ntype user\ntype doc\n    relation owner [user]\n"), @r##"
    warning[brackets_ignored]: version 0.1 does not restrict subjects
     --> app.fga:4:21
      |
    4 |     relation owner [user]
      |                     ^^^^
      |
      = help: write `version 0.2` or later to have brackets enforced
    "##);
}

#[test]
fn color_is_for_terminals() {
    let source = "version 0.3\ntype\n";
    let parsed = parse(source);
    assert!(render(&parsed.diagnostics[0], source, "app.fga", true).contains("\u{1b}["));
}

#[test]
fn a_diagnostic_without_its_source_is_one_line() {
    let parsed = parse("version 0.3\ntype doc\n    relation ünder [doc]\n");
    assert_eq!(parsed.diagnostics[0].to_string(), "unexpected `ü`");
    assert_eq!(
        parsed.diagnostics[0].line_col("version 0.3\ntype doc\n    relation ünder [doc]\n"),
        Some((3, 14))
    );
}
