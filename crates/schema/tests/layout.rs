//! Where the rule list of an operator ends: indented, flat, and everything between.

mod support;

use support::layout;

const AMBIGUOUS: &str = "ambiguous_layout";

fn reads(inherit: &str, expected: &str) {
    assert_eq!(layout(inherit), (expected.to_owned(), vec![]), "{inherit}");
}

fn reads_with_warnings(inherit: &str, expected: &str, warnings: usize) {
    assert_eq!(
        layout(inherit),
        (expected.to_owned(), vec![AMBIGUOUS; warnings]),
        "{inherit}"
    );
}

#[test]
fn indentation_shows_where_a_list_ends() {
    reads(
        "
    relation x []
    inherit x if
        any_of
            all_of
                relation viewer
                policy p
            relation edit
            none_of
                relation blocked
",
        "any_of(all_of(viewer, policy p), edit, none_of(blocked))",
    );
}

#[test]
fn widths_may_differ_and_tabs_go_to_multiples_of_four() {
    reads(
        "
relation x []
inherit x if
 any_of
\t  all_of
\t\trelation a
\t\trelation b
\t  relation c
",
        "any_of(all_of(a, b), c)",
    );
    reads(
        "relation x []\ninherit x if\n    any_of\n\t\tall_of\n            relation a\n\t\trelation b",
        "any_of(all_of(a), b)",
    );
}

#[test]
fn an_operator_after_if_may_have_its_rules_below_the_line() {
    reads(
        "
    relation x []
    inherit x if any_of
        all_of
            relation a
            policy p
        relation b
",
        "any_of(all_of(a, policy p), b)",
    );
    // The margin is that of the line, so a relation without brackets is not taken in.
    let (rule, warnings) = layout(
        "
    relation x []
    inherit x if any_of
        relation a
    relation b
",
    );
    assert_eq!((rule.as_str(), warnings), ("any_of(a)", vec!["missing_brackets"]));
}

#[test]
fn rules_may_stand_to_the_right_of_an_operator_in_the_middle_of_a_line() {
    reads(
        "
relation x []
inherit x if any_of
             all_of
                 relation a
                 relation b
             relation c
",
        "any_of(all_of(a, b), c)",
    );
}

#[test]
fn flat_leaves_are_certain() {
    reads(
        "relation x [] inherit x if any_of relation a relation b on p [t] policy q",
        "any_of(a, b on p [t], policy q)",
    );
    reads(
        "relation x []\ninherit x if\nany_of\nrelation a\nrelation b\n",
        "any_of(a, b)",
    );
    reads(
        "relation x [] inherit x if none_of relation a relation y [t]",
        "none_of(a)",
    );
    reads(
        "relation x [] inherit x if all_of relation a policy p inherit y if relation x relation y []",
        "all_of(a, policy p)",
    );
}

#[test]
fn a_flat_list_ends_at_any_definition() {
    reads(
        "relation x [] inherit x if any_of relation a policy p policy q(a map) { true }",
        "any_of(a, policy p)",
    );
    reads("inherit x if any_of relation a relation x []", "any_of(a)");
}

#[test]
fn the_same_operator_again_closes_a_flat_list() {
    reads(
        "relation x [] inherit x if any_of all_of relation a all_of relation b",
        "any_of(all_of(a), all_of(b))",
    );
    reads_with_warnings(
        "relation x [] inherit x if any_of all_of relation a policy p all_of relation b policy q",
        "any_of(all_of(a, policy p), all_of(b, policy q))",
        2,
    );
    reads_with_warnings(
        "relation x [] inherit x if all_of relation o any_of relation a relation b any_of relation c",
        "all_of(o, any_of(a, b), any_of(c))",
        1,
    );
    reads_with_warnings(
        "relation x []\ninherit x if\nany_of\nall_of\nrelation a\nrelation b\nall_of\nrelation c",
        "any_of(all_of(a, b), all_of(c))",
        1,
    );
}

#[test]
fn with_nothing_around_it_or_nothing_in_it_the_same_operator_nests() {
    reads(
        "relation x [] inherit x if all_of relation a all_of relation b",
        "all_of(a, all_of(b))",
    );
    reads(
        "relation x [] inherit x if any_of any_of relation a",
        "any_of(any_of(a))",
    );
}

#[test]
fn none_of_after_none_of_stands_beside_it_and_is_named() {
    reads_with_warnings(
        "relation x [] inherit x if all_of none_of relation a none_of relation b",
        "all_of(none_of(a), none_of(b))",
        1,
    );
    // With nothing around it, it can only be inside.
    reads(
        "relation x [] inherit x if none_of relation a none_of relation b",
        "none_of(a, none_of(b))",
    );
}

#[test]
fn a_flat_rule_that_could_belong_to_two_lists_goes_to_the_inner_one_and_is_named() {
    reads_with_warnings(
        "relation x [] inherit x if any_of all_of relation viewer policy p relation edit",
        "any_of(all_of(viewer, policy p, edit))",
        1,
    );
    // One rule is always in.
    reads(
        "relation x [] inherit x if any_of relation a all_of relation b",
        "any_of(a, all_of(b))",
    );
    reads_with_warnings(
        "relation x [] inherit x if any_of all_of relation b any_of relation c",
        "any_of(all_of(b, any_of(c)))",
        1,
    );
}

#[test]
fn in_an_indented_list_a_flat_one_ends_with_its_line() {
    reads(
        "
    relation x []
    inherit x if
        any_of
            all_of relation a policy p
            all_of relation b
                   policy q
            relation c
",
        "any_of(all_of(a, policy p), all_of(b, policy q), c)",
    );
}

#[test]
fn in_an_indented_list_an_unindented_one_is_named() {
    reads_with_warnings(
        "
    relation x []
    inherit x if
        any_of
            all_of
            relation a
            relation b
",
        "any_of(all_of(a, b))",
        1,
    );
}

#[test]
fn an_indented_list_ends_everything_open_in_it() {
    reads(
        "
    relation x []
    inherit x if
      all_of
        any_of
            none_of relation a
        relation b
      relation y [t]
",
        "all_of(any_of(none_of(a)), b)",
    );
}

#[test]
fn a_flat_list_that_takes_in_a_line_of_the_type_is_named() {
    reads_with_warnings(
        "relation x []\ninherit x if any_of relation a\nrelation b",
        "any_of(a, b)",
        1,
    );
}

#[test]
fn line_breaks_inside_a_rule_do_not_matter() {
    reads(
        "relation x [\n]\ninherit\nx\nif relation\na\non\np\n[\nt\n]",
        "a on p [t]",
    );
}

#[test]
fn comments_windows_line_ends_and_a_byte_order_mark_do_not_matter() {
    let source = "\u{feff}version 0.3 // newest\r\ntype doc // one\r\n    relation x [doc]\r\n    // two\r\n    inherit x if\r\n        \
                  any_of // three\r\n            relation x\r\n        // four\r\n            relation x on x [doc]\r\n";
    let parsed = rowgate_schema::parse(source);
    assert_eq!(parsed.diagnostics, []);
    assert_eq!(
        support::rule_of(&parsed.schema.unwrap(), "doc#x"),
        "any_of(x, x on x [doc])"
    );
}

#[test]
fn keywords_are_names_where_a_name_stands() {
    reads(
        "relation on [] relation if [] inherit on if any_of relation if relation on on on [type] policy policy",
        "any_of(if, on on on [type], policy policy)",
    );
}

#[test]
fn a_policy_reference_before_a_definition_is_a_reference() {
    reads(
        "relation x [] inherit x if all_of relation a policy late policy late(n integer) { n > 1 }",
        "all_of(a, policy late)",
    );
}
