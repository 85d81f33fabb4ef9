//! What is wrong with what a schema says.

use serde_json::json;

use crate::{document, text};

#[test]
fn names() {
    let long = "a".repeat(65);
    let source =
        format!("version 0.3\ntype user\ntype doc\n    relation any_of [user]\n    relation {long} [user]\n");
    insta::assert_snapshot!(text(&source), @r##"
    error[reserved_name]: a relation cannot be called `any_of`
     --> app.fga:4:14
      |
    4 |     relation any_of [user]
      |              ^^^^^^
      |
      = help: that is an operator of rules

    error[name_too_long]: the name of relation `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…` has 65 characters; the limit is 64
     --> app.fga:5:14
      |
    5 |     relation aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa [user]
      |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "##);
    let value = json!({"resource_types": [
        {"type": "my doc", "relations": {"": {}, "a\u{1b}": {"inherit_if": "x y"}}},
    ]});
    insta::assert_snapshot!(document(&value), @r##"
    error[bad_name]: `my doc` cannot be the name of a type
     |
     = note: at `resource_types[0].type` of app.fga
     = help: names have letters, digits, `_` and `-`

    error[bad_name]: a relation needs a name
     |
     = note: at `resource_types[0].relations.` of app.fga
     = help: names have letters, digits, `_` and `-`

    error[bad_name]: `a\u{1b}` cannot be the name of a relation
     |
     = note: at `resource_types[0].relations.a\u{1b}` of app.fga
     = help: names have letters, digits, `_` and `-`

    error[bad_name]: `x y` cannot be the name of a relation
     |
     = note: at `resource_types[0].relations.a\u{1b}.inherit_if` of app.fga
     = help: names have letters, digits, `_` and `-`
    "##);
}

#[test]
fn what_is_there_twice() {
    let source = "version 0.3
type user
type user
type doc
    relation owner [user, user]
    relation owner [user]
    inherit owner if
        policy p
    inherit owner if
        policy q
policy p(a string, a map) { true }
policy p() { true }
policy q() { true }
";
    insta::assert_snapshot!(text(source), @r##"
    error[duplicate_type]: type `user` is defined twice
     --> app.fga:3:6
      |
    3 | type user
      |      ^^^^
      |
      = help: put its relations into one type, or rename one of the two

    warning[duplicate_subject]: `user` is listed twice
     --> app.fga:5:27
      |
    5 |     relation owner [user, user]
      |                           ^^^^

    error[duplicate_relation]: relation `owner` is declared twice in type `doc`
     --> app.fga:6:14
      |
    6 |     relation owner [user]
      |              ^^^^^
      |
      = help: put its subjects into one pair of brackets

    error[duplicate_inherit]: a second `inherit owner` in type `doc`
     --> app.fga:9:13
      |
    9 |     inherit owner if
      |             ^^^^^
      |
      = help: a relation has one rule: put both under one `any_of`

    error[duplicate_parameter]: parameter `a` is declared twice
      --> app.fga:11:20
       |
    11 | policy p(a string, a map) { true }
       |                    ^

    error[duplicate_policy]: policy `p` is defined twice
      --> app.fga:12:8
       |
    12 | policy p() { true }
       |        ^
       |
       = help: rename one of the two
    "##);
}

#[test]
fn the_number_of_rules_types_and_arguments() {
    let source = "version 0.3
type user
type doc
    relation parent [doc]
    relation owner [user]
    inherit owner if
        any_of
            relation owner on parent [doc#owner]
            relation owner on parent [doc, user]
            policy p(a, b)
            all_of
policy p() { true }
";
    insta::assert_snapshot!(text(source), @r##"
    error[wrong_arity]: `on parent` takes a type, not a group
     --> app.fga:8:43
      |
    8 |             relation owner on parent [doc#owner]
      |                                           ^^^^^
      |
      = help: leave out `#owner`

    error[wrong_arity]: `on parent` takes one type, found 2
     --> app.fga:9:38
      |
    9 |             relation owner on parent [doc, user]
      |                                      ^^^^^^^^^^^
      |
      = help: write one rule for each type, under `any_of`

    error[wrong_arity]: policy `p` is named in a rule without arguments
      --> app.fga:10:21
       |
    10 |             policy p(a, b)
       |                     ^^^^^^
       |
       = help: its parameters are read from the context of the check

    error[empty_operator]: `all_of` has no rules
      --> app.fga:11:13
       |
    11 |             all_of
       |             ^^^^^^
       |
       = help: its rules follow it on lines of their own, indented below it
    "##);
    let source = "version 0.3
type user
type doc
    relation parent [doc]
    relation owner [user]
    relation reader []
    inherit owner if
        relation owner on parent [doc]
        relation reader
    inherit reader if
        relation owner on parent
";
    insta::assert_snapshot!(text(source), @r##"
    error[wrong_arity]: `inherit owner if` takes one rule, found another
     --> app.fga:9:9
      |
    9 |         relation reader
      |         ^^^^^^^^
      |
      = help: put the rules under `any_of` or `all_of`

    error[syntax_error]: expected `[`, found the end of the schema
      --> app.fga:11:27
       |
    11 |         relation owner on parent
       |                           ^^^^^^
       |
       = help: say which type `parent` leads to: `on parent [TYPE]`
    "##);
}

#[test]
fn relations_and_types_that_are_not_there() {
    let source = "version 0.3
type user
type folder
    relation owner [user]
    relation member [grup#member, user]
type doc
    relation parent [folder, user#parent]
    relation owner [user]
    inherit owner if
        any_of
            relation ownr on parent [folder]
            relation owner on parnt [folder]
            relation something
            relation owner on parent [foldr]
    inherit veiwer if
        relation owner
";
    insta::assert_snapshot!(text(source), @r##"
    warning[unknown_type]: type `grup` is not defined
     --> app.fga:5:22
      |
    5 |     relation member [grup#member, user]
      |                      ^^^^
      |
      = help: define it with `type grup`

    warning[unknown_group]: type `user` has no relation `parent`
     --> app.fga:7:35
      |
    7 |     relation parent [folder, user#parent]
      |                                   ^^^^^^

    error[unknown_relation]: type `folder` has no relation `ownr`
      --> app.fga:11:22
       |
    11 |             relation ownr on parent [folder]
       |                      ^^^^
       |
       = help: did you mean `owner`?

    error[unknown_relation]: type `doc` has no relation `parnt`
      --> app.fga:12:31
       |
    12 |             relation owner on parnt [folder]
       |                               ^^^^^
       |
       = help: did you mean `parent`?

    error[unknown_relation]: type `doc` has no relation `something`
      --> app.fga:13:22
       |
    13 |             relation something
       |                      ^^^^^^^^^
       |
       = help: its relations are `parent`, `owner`

    warning[unknown_type]: type `foldr` is not defined
      --> app.fga:14:39
       |
    14 |             relation owner on parent [foldr]
       |                                       ^^^^^
       |
       = help: did you mean `folder`?

    error[undeclared_relation]: type `doc` has no relation `veiwer`
      --> app.fga:15:13
       |
    15 |     inherit veiwer if
       |             ^^^^^^
       |
       = help: declare it with `relation veiwer []`
    "##);
}

#[test]
fn relations_that_say_little() {
    let source = "version 0.3
type user
type ghost
type doc
    relation owner
    relation nobody []
    relation loop [user]
    inherit loop if
        any_of
            relation loop
    relation parent []
    inherit parent if
        relation owner on parent [doc]
";
    insta::assert_snapshot!(text(source), @r##"
    warning[missing_brackets]: relation `owner` does not say who its subjects may be
     --> app.fga:5:14
      |
    5 |     relation owner
      |              ^^^^^
      |
      = help: write `relation owner [user]`, or `relation owner []` if it is only inherited

    warning[empty_relation]: nobody can ever have relation `nobody`
     --> app.fga:6:14
      |
    6 |     relation nobody []
      |              ^^^^^^
      |
      = help: list its subjects in the brackets, or write `inherit nobody if`

    warning[self_recursive]: the rule of `loop` asks only for `loop` itself
     --> app.fga:7:14
      |
    7 |     relation loop [user]
      |              ^^^^
      |
      = help: it never adds anything; leave it out

    warning[edge_type_mismatch]: `parent` never leads to a `doc`
      --> app.fga:13:35
       |
    13 |         relation owner on parent [doc]
       |                                   ^^^
       |
       = help: `on` follows warrants of `parent`, and its brackets allow none
    "##);
    insta::assert_snapshot!(text("version 0.3\ntype user\ntype ghost\ntype doc\n    relation owner [user]\n"), @r##"
    warning[unused_type]: type `ghost` has no relations and is nobody's subject
     --> app.fga:3:6
      |
    3 | type ghost
      |      ^^^^^
    "##);
}

#[test]
fn a_cycle_through_none_of() {
    let source = "version 0.3
type user
type doc
    relation blocked [user]
    relation parent [doc]
    relation viewer [user]
    inherit viewer if
        all_of
            none_of
                any_of
                    relation blocked on parent [doc]
                    none_of
                        relation editor
    relation editor []
    inherit editor if
        relation viewer on parent [doc]
    inherit blocked if
        relation editor
";
    insta::assert_snapshot!(text(source), @r##"
    error[none_of_cycle]: `doc#viewer` depends on itself through `none_of`
      --> app.fga:11:30
       |
    11 |                     relation blocked on parent [doc]
       |                              ^^^^^^^
       |
       = note: the cycle is doc#viewer -> doc#blocked -> doc#editor -> doc#viewer
       = note: `none_of` stands in the step doc#viewer -> doc#blocked
       = help: where it would hold it would not hold: take one step of the cycle out
    "##);
    let through_brackets = "version 0.3
type group
    relation member [doc#viewer]
type doc
    relation blocked [group#member]
    relation viewer []
    inherit viewer if
        none_of
            relation blocked
";
    insta::assert_snapshot!(text(through_brackets), @r##"
    error[none_of_cycle]: `doc#viewer` depends on itself through `none_of`
     --> app.fga:9:22
      |
    9 |             relation blocked
      |                      ^^^^^^^
      |
      = note: the cycle is doc#viewer -> doc#blocked -> group#member -> doc#viewer
      = note: `none_of` stands in the step doc#viewer -> doc#blocked
      = help: where it would hold it would not hold: take one step of the cycle out
    "##);
}

#[test]
fn a_cycle_without_none_of_is_fine() {
    crate::support::clean(
        "version 0.3
type user
type doc
    relation parent [doc]
    relation viewer [user, doc#viewer]
    inherit viewer if
        any_of
            relation viewer on parent [doc]
            none_of
                relation blocked
    relation blocked [user]
",
    );
}

#[test]
fn policies() {
    let source = "version 0.3
type doc
    relation view []
    inherit view if
        all_of
            policy office_hours
            policy late
policy office_hours(hour integer, day integer) {
    let open = hour > 8;
        open && hur < 18
}
policy late(an-hour integer) { true }
";
    insta::assert_snapshot!(text(source), @r##"
    error[invalid_policy]: policy `office_hours`: `hur` is not a parameter of this policy
      --> app.fga:10:17
       |
    10 |         open && hur < 18
       |                 ^^^
       |
       = help: did you mean `hour`?

    error[bad_name]: an expression cannot read parameter `an-hour`
      --> app.fga:12:13
       |
    12 | policy late(an-hour integer) { true }
       |             ^^^^^^^
       |
       = help: parameters have letters, digits and `_`, and do not start with a digit
    "##);
    insta::assert_snapshot!(text("version 0.3\npolicy p(a integer, b map) { a > 1 }\n"), @r##"
    warning[unused_parameter]: policy `p` never reads parameter `b`
     --> app.fga:2:21
      |
    2 | policy p(a integer, b map) { a > 1 }
      |                     ^
    "##);
    insta::assert_snapshot!(text("version 0.3\npolicy p() { \"}\" == '{' \ntype user\n"), @r##"
    error[unclosed_policy_body]: this `{` is never closed
     --> app.fga:2:12
      |
    2 | policy p() { "}" == '{' 
      |            ^
      |
      = help: write `}` after the expression; a string or comment left open hides it
    "##);
}
