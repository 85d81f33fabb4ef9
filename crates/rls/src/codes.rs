//! The codes of refusals and of diagnostics about the database. They are part of the interface: they are not renamed.

/// Every code and what it stands for.
pub const ALL: &[(&str, &str)] = &[
    (
        "key_type_mismatch",
        "columns that refer to a key have other types than the key",
    ),
    ("missing_column", "a table has no such column"),
    (
        "missing_table",
        "the database has no such table, or it is no table",
    ),
    (
        "negated_recursion",
        "a relation depends on itself through `none_of`",
    ),
    ("not_bound", "a type is not bound to a table"),
    (
        "not_linear",
        "an `all_of` has several rules that lead back to its relation",
    ),
    (
        "not_listable",
        "a relation that depends on itself holds for resources that nothing names",
    ),
    (
        "policy_not_compiled",
        "a policy has something that SQL cannot say exactly",
    ),
    ("role_bypasses", "a role that policies do not apply to"),
    (
        "stray_groups",
        "stored warrants name groups that the schema does not accept",
    ),
    ("too_large", "a predicate is too large"),
    ("unknown_policy", "a rule names a policy that does not exist"),
    ("unsupported_key", "a column of a type that cannot hold ids"),
    (
        "wrong_condition",
        "a `where` compares a column with a value of another kind",
    ),
];
