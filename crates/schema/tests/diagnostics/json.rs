//! What is wrong with a JSON document.

use serde_json::json;

use crate::{document, json_text};

#[test]
fn shapes_of_json() {
    let value = json!({
        "version": "0.3",
        "resource_types": [
            {"type": "user"},
            {"type": 1, "relations": {}},
            {"type": "doc", "relations": {
                "a": {"allowed_types": ["user", 2], "inherit_if": "b", "of_type": "doc"},
                "b": {"inherit_if": "a", "with_relation": "b"},
                "c": {"inherit_if": "a", "rules": []},
                "d": {"inherit_if": "any_of"},
                "e": {"inherit_if": "any_of", "rules": []},
                "f": {"inherit_if": "all_of", "rules": [{"policy": "p", "inherit_if": "a"}, "a", {}]},
                "g": {"inherit_if": "all_of", "of_type": "doc", "rules": [{"policy": "p"}]},
                "h": {"of_type": "doc", "with_relation": "a"},
                "i": null,
            }},
        ],
        "policies": {
            "p": {"name": "q", "expression": "true"},
            "r": {"language": "cel", "parameters": [{"name": "a", "type": "text"}, {"name": "b"}], "expression": "a } b"},
            "s": {},
        },
    });
    insta::assert_snapshot!(document(&value), @r##"
    error[missing_field]: the field `relations` is missing
     |
     = note: at `resource_types[0]` of app.fga

    error[wrong_shape]: expected a string, found a number
     |
     = note: at `resource_types[1].type` of app.fga

    error[wrong_shape]: expected a string, found a number
     |
     = note: at `resource_types[2].relations.a.allowed_types[1]` of app.fga

    error[missing_field]: `of_type` needs `with_relation` beside it
     |
     = note: at `resource_types[2].relations.a` of app.fga

    error[missing_field]: `with_relation` needs `of_type` beside it
     |
     = note: at `resource_types[2].relations.b` of app.fga

    error[conflicting_rule]: `rules` goes with `any_of`, `all_of` and `none_of`, not `a`
     |
     = note: at `resource_types[2].relations.c` of app.fga

    error[empty_operator]: `any_of` has no `rules`
     |
     = note: at `resource_types[2].relations.d` of app.fga

    error[empty_operator]: `any_of` has no rules
     |
     = note: at `resource_types[2].relations.e` of app.fga

    error[conflicting_rule]: `policy` and `inherit_if` cannot stand in one rule
     |
     = note: at `resource_types[2].relations.f.rules[0]` of app.fga
     = help: put two rules under an operator such as `all_of`

    error[wrong_shape]: expected an object, found a string
     |
     = note: at `resource_types[2].relations.f.rules[1]` of app.fga

    error[missing_field]: a rule needs `inherit_if` or `policy`
     |
     = note: at `resource_types[2].relations.f.rules[2]` of app.fga

    error[conflicting_rule]: `of_type` and `with_relation` do not go with `all_of`
     |
     = note: at `resource_types[2].relations.g` of app.fga

    error[missing_field]: a rule needs `inherit_if` or `policy`
     |
     = note: at `resource_types[2].relations.h` of app.fga

    error[wrong_shape]: expected an object, found null
     |
     = note: at `resource_types[2].relations.i` of app.fga

    error[policy_name_mismatch]: policy `q` stands under the name `p`
     |
     = note: at `policies.p.name` of app.fga

    error[unsupported_language]: policy language `cel` is not supported
     |
     = note: at `policies.r.language` of app.fga
     = help: use `expr`

    error[unknown_parameter_type]: unknown parameter type `text`
     |
     = note: at `policies.r.parameters[0].type` of app.fga
     = help: parameter types are `string`, `integer`, `boolean`, `float`, `array`, `map`

    error[missing_field]: the field `type` is missing
     |
     = note: at `policies.r.parameters[1]` of app.fga

    error[unclosed_policy_body]: the braces, strings or comments of the expression do not end where it ends
     |
     = note: at `policies.r.expression` of app.fga

    error[missing_field]: the field `expression` is missing
     |
     = note: at `policies.s` of app.fga
    "##);
    insta::assert_snapshot!(document(&json!([])), @r##"
    error[wrong_shape]: expected an object, found an array
    "##);
    insta::assert_snapshot!(document(&json!({"version": "1", "resource_types": {}, "policies": []})), @r##"
    error[unsupported_version]: version `1` is not supported
     |
     = note: at `version` of app.fga
     = help: supported versions are 0.1, 0.2 and 0.3

    error[wrong_shape]: expected an array, found an object
     |
     = note: at `resource_types` of app.fga

    error[wrong_shape]: expected an object, found an array
     |
     = note: at `policies` of app.fga
    "##);
}

#[test]
fn places_in_json() {
    let value = json!({
        "resource_types": [
            {"type": "user", "relations": {}},
            {"type": "doc", "relations": {
                "owner": {"allowed_types": ["user", "team#member", "user#member"]},
                "viewer": {"allowed_types": [], "inherit_if": "any_of", "rules": [
                    {"inherit_if": "owner"},
                    {"inherit_if": "all_of", "rules": [
                        {"inherit_if": "onwer"},
                        {"inherit_if": "owner", "of_type": "doc", "with_relation": "parnt"},
                        {"inherit_if": "none_of", "rules": [{"policy": "is_open"}, {"inherit_if": "viewer"}]},
                    ]},
                ]},
            }},
        ],
        "policies": {"isopen": {"expression": "1 +", "parameters": [{"name": "a", "type": "map"}]}},
    });
    insta::assert_snapshot!(document(&value), @r##"
    error[invalid_policy]: policy `isopen`: unexpected end of the expression
     |
     = note: at `policies.isopen.expression` of app.fga
     = note: line 1, column 4 of the expression

    warning[unknown_type]: type `team` is not defined
     |
     = note: at `resource_types[1].relations.owner.allowed_types[1]` of app.fga
     = help: define it with `type team`

    warning[unknown_group]: type `user` has no relation `member`
     |
     = note: at `resource_types[1].relations.owner.allowed_types[2]` of app.fga

    error[unknown_relation]: type `doc` has no relation `onwer`
     |
     = note: at `resource_types[1].relations.viewer.rules[1].rules[0].inherit_if` of app.fga
     = help: did you mean `owner`?

    error[unknown_relation]: type `doc` has no relation `parnt`
     |
     = note: at `resource_types[1].relations.viewer.rules[1].rules[1].with_relation` of app.fga
     = help: its relations are `owner`, `viewer`

    error[missing_policy]: policy `is_open` is not defined
     |
     = note: at `resource_types[1].relations.viewer.rules[1].rules[2].rules[0].policy` of app.fga
     = help: did you mean `isopen`?

    error[none_of_cycle]: `doc#viewer` depends on itself through `none_of`
     |
     = note: at `resource_types[1].relations.viewer` of app.fga
     = note: the cycle is doc#viewer -> doc#viewer
     = note: `none_of` stands in the step doc#viewer -> doc#viewer
     = help: where it would hold it would not hold: take one step of the cycle out
    "##);
    let value = json!({"version": "0.1", "resource_types": [
        {"type": "doc", "relations": {"owner": {"allowed_types": ["user", "team#member"]}}},
    ]});
    insta::assert_snapshot!(document(&value), @r##"
    error[version_too_low]: `team#member` needs version 0.2
     |
     = note: at `resource_types[0].relations.owner.allowed_types[1]` of app.fga

    warning[brackets_ignored]: version 0.1 does not restrict subjects
     |
     = note: at `resource_types[0].relations.owner.allowed_types` of app.fga
     = help: say `"version": "0.2"` or later to have `allowed_types` enforced
    "##);
}

#[test]
fn a_key_that_stands_twice() {
    let source = r#"{
  "resource_types": [
    {"type": "user", "relations": {}},
    {"type": "doc", "relations": {
      "owner": {"allowed_types": ["user"]},
      "viewer": {"allowed_types": [], "inherit_if": "any_of", "rules": [
        {"inherit_if": "owner", "inherit_if": "viewer", "inherit_if": "owner"}
      ]},
      "owner": {"allowed_types": []}
    }}
  ],
  "policies": {"p": {"expression": "true"}, "p": {"expression": "false"}},
  "policies": {}
}"#;
    insta::assert_snapshot!(json_text(source), @r##"
    error[duplicate_key]: the key `inherit_if` stands in its object already
     |
     = note: at `resource_types[1].relations.viewer.rules[0].inherit_if` of app.fga
     = help: leave one of them out

    error[duplicate_key]: the key `inherit_if` stands in its object already
     |
     = note: at `resource_types[1].relations.viewer.rules[0].inherit_if` of app.fga
     = help: leave one of them out

    error[duplicate_key]: the key `owner` stands in its object already
     |
     = note: at `resource_types[1].relations.owner` of app.fga
     = help: leave one of them out

    error[duplicate_key]: the key `p` stands in its object already
     |
     = note: at `policies.p` of app.fga
     = help: leave one of them out

    error[duplicate_key]: the key `policies` stands in its object already
     |
     = note: at `policies` of app.fga
     = help: leave one of them out
    "##);
}

#[test]
fn text_that_is_not_json() {
    insta::assert_snapshot!(json_text("{\n  \"resource_types\": [,]\n}\n"), @r##"
    error[syntax_error]: this is not JSON: expected value
     --> app.fga:2:22
      |
    2 |   "resource_types": [,]
      |                      ^
    "##);
    insta::assert_snapshot!(json_text("{\"resource_types\": [\n"), @r##"
    error[syntax_error]: this is not JSON: EOF while parsing a list
     --> app.fga:1:20
      |
    1 | {"resource_types": [
      |                    ^
    "##);
}
