//! The codes of diagnostics. They are part of the interface: they are not renamed.

use rowgate_schema::Severity::{self, Error, Warning};

/// Every code with its severity and what it stands for.
pub const ALL: &[(&str, Severity, &str)] = &[
    (
        "column_count",
        Error,
        "more or fewer columns than the id has that they hold",
    ),
    (
        "column_in_join",
        Error,
        "a field that only goes with a table that joins, or that is missing there",
    ),
    ("duplicate_column", Error, "a list names a column twice"),
    ("duplicate_role", Error, "a role is named twice"),
    ("duplicate_table", Error, "a table is bound twice"),
    ("duplicate_type", Error, "a type is bound to two tables"),
    ("invalid_condition", Error, "a `where` that cannot be read"),
    (
        "invalid_name",
        Error,
        "a name of a table, column, function, role or environment that cannot be one",
    ),
    (
        "membership_needed",
        Error,
        "a table is guarded by permissions, and the subject is no organization membership",
    ),
    ("missing_field", Error, "a field is missing"),
    (
        "missing_organization",
        Error,
        "an external id without the column of its organization",
    ),
    ("missing_parent", Error, "a field that only goes with `parent`"),
    (
        "missing_roles",
        Error,
        "there are policies, and no role that they are for",
    ),
    (
        "missing_select",
        Warning,
        "a table guards other commands and not `select`",
    ),
    (
        "none_of_cycle",
        Error,
        "a bound group makes a relation depend on itself through `none_of`",
    ),
    (
        "nothing_guarded",
        Warning,
        "no table has policies, so no row is guarded",
    ),
    (
        "not_a_parent",
        Error,
        "resources of the type are not under such a type",
    ),
    (
        "permission_of_other_type",
        Error,
        "a permission of a type that is neither the row's nor above it",
    ),
    (
        "relations_with_parent",
        Error,
        "a table has relations and is guarded by permissions",
    ),
    ("reserved_role", Error, "a role that policies cannot be for"),
    (
        "resource_id_not_possible",
        Error,
        "a column cannot name this parent by the id of a resource",
    ),
    (
        "subject_not_accepted",
        Error,
        "the schema does not let a relation have such a subject",
    ),
    ("syntax_error", Error, "the text is not TOML"),
    (
        "too_large",
        Error,
        "the schema with the types of the bindings exceeds a limit",
    ),
    (
        "type_taken",
        Error,
        "a type of the schema where a resource type or a new name is needed",
    ),
    (
        "unknown_attribute",
        Error,
        "no policy of the schema has such a parameter",
    ),
    ("unknown_command", Error, "a command that policies cannot guard"),
    ("unknown_field", Error, "a field that does not exist"),
    (
        "unknown_permission",
        Error,
        "a permission that the environment does not have",
    ),
    (
        "unknown_relation",
        Error,
        "a relation that the type does not have",
    ),
    ("unknown_type", Error, "a type that the schema does not have"),
    (
        "unused_attribute",
        Warning,
        "no rule of the type reads the attribute",
    ),
    ("wrong_shape", Error, "a value of another kind than expected"),
];
