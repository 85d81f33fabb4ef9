//! Slips of the pen: one mistake is one message, which says what was probably meant, and nothing follows from it.
#![allow(clippy::unwrap_used)]

use rowgate_schema::compile;

/// What stands before and after the mistake. Everything but the mistake is right.
const BEFORE: &str = "version 0.3
type user
type org
    relation member [user]
type doc
    relation owner [user]
    relation parent [org]
    relation viewer [user]
";
const AFTER: &str = "type folder
    relation owner [user]
policy small(amount integer) { amount < 10 }
";

/// The one thing said about a mistake, with its place counted from the line of the mistake.
#[track_caller]
fn said(mistake: &str) -> String {
    let lines = BEFORE.lines().count();
    // With the mistake indented as it is, and in a text that has lost its indentation.
    let flat = |text: &str| text.lines().map(str::trim_start).collect::<Vec<_>>().join("\n");
    let mut said = Vec::new();
    for source in [
        format!("{BEFORE}{mistake}\n{AFTER}"),
        flat(&format!("{BEFORE}{mistake}\n{AFTER}")),
    ] {
        let found = compile(&source).unwrap_err();
        assert_eq!(found.len(), 1, "{source}\n{found:#?}");
        let (line, _) = found[0].line_col(&source).unwrap();
        said.push(format!("{}: {}: {}", line - lines, found[0].code, found[0]));
    }
    assert_eq!(said[0], said[1]);
    said.remove(0)
}

#[test]
fn misspelt_words_are_read_as_what_they_were_meant_to_be() {
    for (mistake, expected) in [
        ("    inherit viewer fi relation owner", "1: syntax_error: expected `if`, found `fi` (did you mean `if`?)"),
        ("    inherit viewer fi\n        relation owner", "1: syntax_error: expected `if`, found `fi` (did you mean `if`?)"),
        (
            "    inherit viewer when\n        relation owner",
            "1: syntax_error: expected `if`, found `when` (write `inherit viewer if` and then one rule)",
        ),
        ("    inherit viewer\n        relation owner", "2: syntax_error: expected `if`, found `relation` (write `inherit viewer if` and then one rule)"),
        (
            "    inherit viewer if\n        al_of\n            relation owner\n            relation member on parent [org]",
            "2: syntax_error: expected a rule, found `al_of` (did you mean `all_of`?)",
        ),
        (
            "    inherit viewer if\n        any_fo\n            relation owner\n            policy small",
            "2: syntax_error: expected a rule, found `any_fo` (did you mean `any_of`?)",
        ),
        (
            "    inherit viewer if\n        any_of\n            relation owner\n            anyof\n                relation member on parent [org]",
            "4: syntax_error: expected a rule, found `anyof` (did you mean `any_of`?)",
        ),
        (
            "    inherit viewer if\n        any_of\n            relaton owner\n            relation member on parent [org]",
            "3: syntax_error: expected a rule, found `relaton` (did you mean `relation`?)",
        ),
        (
            "    inherit viewer if\n        any_of\n            relation owner\n            polcy small",
            "4: syntax_error: expected a rule, found `polcy` (did you mean `policy`?)",
        ),
        (
            "    inherit viewer if\n        relation member no parent [org]",
            "2: syntax_error: expected `on`, found `no` (did you mean `on`?)",
        ),
        (
            "    inherit viewer if\n        relation member from parent [org]",
            "2: syntax_error: expected `on`, found `from` (write `relation member on parent [TYPE]`)",
        ),
        (
            "    inheritt viewer if\n        any_of\n            relation owner\n            relation member on parent [org]",
            "1: syntax_error: expected `type`, `relation`, `inherit` or `policy`, found `inheritt` (did you mean `inherit`?)",
        ),
        (
            "    relatoin editor [user]\n    inherit editor if relation owner",
            "1: syntax_error: expected `type`, `relation`, `inherit` or `policy`, found `relatoin` (did you mean `relation`?)",
        ),
        (
            "tpye thing\n    relation owner [user]\n    inherit owner if\n        relation owner on owner [thing]".trim_end_matches("\n    inherit owner if\n        relation owner on owner [thing]"),
            "1: syntax_error: expected `type`, `relation`, `inherit` or `policy`, found `tpye` (did you mean `type`?)",
        ),
        (
            "    inherit viewer if\n        policy tiny\npolciy tiny(amount integer) { amount < 2 }",
            "3: syntax_error: expected `type`, `relation`, `inherit` or `policy`, found `polciy` (did you mean `policy`?)",
        ),
        ("    inherit viwer if\n        relation owner", "1: undeclared_relation: type `doc` has no relation `viwer` (did you mean `viewer`?)"),
        ("    inherit viewer if\n        policy smal", "2: missing_policy: policy `smal` is not defined (did you mean `small`?)"),
        ("    inherit viewer if policy smal", "1: missing_policy: policy `smal` is not defined (did you mean `small`?)"),
    ] {
        assert_eq!(said(mistake), expected, "{mistake}");
    }
}

#[test]
fn what_is_no_rule_takes_nothing_else_with_it() {
    let rule = "a rule is `relation R`, `relation R on E [T]`, `policy P`, or one of `any_of`, `all_of`, `none_of` with rules below it";
    for (mistake, expected) in [
        ("    inherit viewer if owner", "1: syntax_error: expected a rule, found `owner` (write `relation owner`)".to_owned()),
        (
            "    inherit viewer if\n        any_of\n            owner\n            relation member on parent [org]",
            "3: syntax_error: expected a rule, found `owner` (write `relation owner`)".to_owned(),
        ),
        (
            "    inherit viewer if\n        any_of\n            relation owner\n            member on parent [org]",
            "4: syntax_error: expected a rule, found `member` (write `relation member`)".to_owned(),
        ),
        (
            "    inherit viewer if\n        any_of\n            something\n            relation member on parent [org]",
            format!("3: syntax_error: expected a rule, found `something` ({rule})"),
        ),
        (
            "    inherit viewer if\n        everything\n            relation owner on parent [org]\n            relation member on parent [org]",
            format!("2: syntax_error: expected a rule, found `everything` ({rule})"),
        ),
        (
            "    inherit viewer if\n        relation member on parent org\n        relation member on parent [org]",
            "2: syntax_error: expected `[`, found `org` (say which type `parent` leads to: `on parent [TYPE]`)".to_owned(),
        ),
        (
            "    inherit viewer if relation owner or relation member on parent [org]",
            "1: wrong_arity: `inherit viewer if` takes one rule, found another (put the rules under `any_of`)".to_owned(),
        ),
        (
            "    inherit viewer if\n        relation owner and\n        relation member on parent [org]",
            "2: wrong_arity: `inherit viewer if` takes one rule, found another (put the rules under `all_of`)".to_owned(),
        ),
        (
            "    inherit viewer if relation owner && relation member on parent [org]",
            "1: unexpected_character: unexpected `&&` (expressions stand between the braces of a policy)".to_owned(),
        ),
        (
            "    relation member on parent [org]\n    relation owner on parent [org]",
            "1: syntax_error: a rule stands outside of an `inherit` block (rules follow `inherit RELATION if`)".to_owned(),
        ),
        ("    inherit viewer", "2: syntax_error: expected `if`, found `type` (write `inherit viewer if` and then one rule)".to_owned()),
    ] {
        assert_eq!(said(mistake), expected, "{mistake}");
    }
}

#[test]
fn brackets_and_characters() {
    for (mistake, expected) in [
        (
            "    relation editor user",
            "1: syntax_error: expected `[`, found `user` (write `relation editor [user]`)",
        ),
        (
            "    relation editor (user, org#member)",
            "1: syntax_error: expected `[`, found `(` (subjects stand in brackets: `relation editor [user]`)",
        ),
        (
            "    relation editor: user",
            "1: unexpected_character: unexpected `:` (nothing stands between a name and what follows it)",
        ),
        (
            "    relation editor: [user]",
            "1: unexpected_character: unexpected `:` (nothing stands between a name and what follows it)",
        ),
        (
            "    relation editor [org:member]",
            "1: unexpected_character: unexpected `:` (a group is written `type#relation`)",
        ),
        (
            "    relation editor [user:*]",
            "1: unexpected_character: unexpected `:*` (a type in brackets already allows `type:*`)",
        ),
        (
            "    relation \"editor\" [user]",
            "1: unexpected_character: unexpected `\"` (names are written without quotes)",
        ),
        (
            "policy tiny(amount: integer) { amount < 2 }",
            "1: unexpected_character: unexpected `:` (a parameter is written `name type`)",
        ),
        (
            "policy tiny(integer amount) { amount < 2 }",
            "1: unknown_parameter_type: unknown parameter type `amount` (the name comes first: `amount integer`)",
        ),
        (
            "policy tiny(amount integer) = amount < 2",
            "1: unexpected_character: unexpected `=` (expressions stand between the braces of a policy)",
        ),
    ] {
        assert_eq!(said(mistake), expected, "{mistake}");
    }
}

#[test]
fn the_first_line() {
    let said = |source: &str| {
        let found = compile(source).unwrap_err();
        assert_eq!(found.len(), 1, "{source}\n{found:#?}");
        found[0].to_string()
    };
    let rest = "\ntype user\ntype doc\n    relation owner [user]\n";
    assert_eq!(
        said(&format!("verison 0.3{rest}")),
        "expected `version`, found `verison` (did you mean `version`?)"
    );
    assert_eq!(
        said(&format!("schema 0.3{rest}")),
        "expected `version`, found `schema` (start the schema with `version 0.3`)"
    );
    assert_eq!(
        said("hello world\nwhat do you want\n"),
        "expected `type`, `relation`, `inherit` or `policy`, found `hello`"
    );
}
