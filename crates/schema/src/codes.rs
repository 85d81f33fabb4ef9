//! The codes of diagnostics. They are part of the interface: they are not renamed.

use crate::diagnostic::Severity::{self, Error, Warning};

/// Every code with its severity and what it stands for.
pub const ALL: &[(&str, Severity, &str)] = &[
    (
        "ambiguous_layout",
        Warning,
        "it is not certain which operator a rule belongs to",
    ),
    (
        "bad_name",
        Error,
        "a name is empty or has characters a name cannot have",
    ),
    (
        "brackets_ignored",
        Warning,
        "brackets of a version 0.1 schema, which do not restrict anything",
    ),
    (
        "conflicting_rule",
        Error,
        "a JSON rule has fields that do not go together",
    ),
    ("duplicate_inherit", Error, "a second rule for one relation"),
    ("duplicate_key", Error, "a JSON object has a key twice"),
    (
        "duplicate_parameter",
        Error,
        "a policy declares a parameter twice",
    ),
    ("duplicate_policy", Error, "a policy is defined twice"),
    ("duplicate_relation", Error, "a type declares a relation twice"),
    (
        "duplicate_subject",
        Warning,
        "brackets list the same subjects twice",
    ),
    ("duplicate_type", Error, "a type is defined twice"),
    (
        "edge_type_mismatch",
        Warning,
        "the relation after `on` cannot lead to the type in the brackets",
    ),
    ("empty_operator", Error, "an operator has no rules"),
    (
        "empty_relation",
        Warning,
        "a relation that allows no subjects and inherits nothing",
    ),
    ("invalid_policy", Error, "a policy's expression does not compile"),
    (
        "missing_brackets",
        Warning,
        "a relation does not say who its subjects may be",
    ),
    ("missing_field", Error, "a JSON object lacks a field"),
    (
        "missing_policy",
        Error,
        "a rule names a policy that is not defined",
    ),
    ("missing_version", Warning, "a text without a version line"),
    ("name_too_long", Error, "a name is longer than allowed"),
    (
        "nesting_too_deep",
        Error,
        "operators are nested deeper than allowed",
    ),
    (
        "none_of_cycle",
        Error,
        "a relation depends on itself through `none_of`",
    ),
    (
        "outside_type",
        Error,
        "`relation` or `inherit` before any `type`, or after a policy",
    ),
    (
        "policy_name_mismatch",
        Error,
        "a JSON policy stands under a name that is not its own",
    ),
    ("reserved_name", Error, "a relation is called like an operator"),
    (
        "self_recursive",
        Warning,
        "a rule that asks only for the relation it defines",
    ),
    ("source_too_large", Error, "the text is larger than allowed"),
    ("syntax_error", Error, "something else was expected here"),
    ("too_many_errors", Error, "more errors than are shown"),
    ("too_many_policies", Error, "more policies than allowed"),
    ("too_many_relations", Error, "more relations than allowed"),
    ("too_many_types", Error, "more types than allowed"),
    ("too_many_warnings", Warning, "more warnings than are shown"),
    (
        "unclosed_policy_body",
        Error,
        "a policy's braces, strings or comments do not end where it does",
    ),
    (
        "undeclared_relation",
        Error,
        "`inherit` for a relation that the type does not declare",
    ),
    ("unexpected_character", Error, "characters that mean nothing here"),
    (
        "unknown_group",
        Warning,
        "brackets list `type#relation`, and the type has no such relation",
    ),
    (
        "unknown_parameter_type",
        Error,
        "a parameter type that does not exist",
    ),
    (
        "unknown_relation",
        Error,
        "a rule asks for a relation that the type does not have",
    ),
    ("unknown_type", Warning, "a type that is not defined"),
    (
        "unsupported_language",
        Error,
        "a policy language other than `expr`",
    ),
    ("unsupported_version", Error, "a version that does not exist"),
    ("unused_parameter", Warning, "a policy never reads a parameter"),
    (
        "unused_type",
        Warning,
        "a type without relations that is nobody's subject",
    ),
    (
        "version_too_low",
        Error,
        "something that a later version of the language brought",
    ),
    (
        "wrong_arity",
        Error,
        "more or fewer rules, types or arguments than there can be",
    ),
    ("wrong_shape", Error, "a JSON value of another kind than expected"),
];
