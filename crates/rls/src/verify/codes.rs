//! The codes of findings. They are part of the interface: they are not renamed.

use super::Severity::{self, Error, Note, Warning};

/// Every code with the severity it usually has and what it stands for.
pub const ALL: &[(&str, Severity, &str)] = &[
    ("bindings_refused", Error, "`rls apply` would refuse the bindings"),
    (
        "not_applied",
        Error,
        "bindings were never applied to the database",
    ),
    ("nothing_guarded", Warning, "the bindings have no policies"),
    (
        "policy_missing",
        Error,
        "the bindings ask for a generated policy that is not there",
    ),
    (
        "policy_outdated",
        Error,
        "a generated policy was made from another schema or other bindings, or a foreign key came or went",
    ),
    ("policy_changed", Error, "a generated policy was changed by hand"),
    (
        "policy_orphaned",
        Warning,
        "a generated policy guards what the bindings do not guard",
    ),
    ("function_missing", Error, "a generated function is not there"),
    (
        "function_changed",
        Error,
        "a generated function is not what it should be",
    ),
    (
        "not_compared",
        Note,
        "a generated object could not be compared with what it should be",
    ),
    (
        "rls_disabled",
        Error,
        "a table has policies, and row-level security is off",
    ),
    (
        "rls_not_forced",
        Warning,
        "policies do not hold for the owner of the table",
    ),
    (
        "rls_without_policy",
        Note,
        "row-level security is on without a policy, so nobody sees a row",
    ),
    (
        "table_unprotected",
        Note,
        "a guarded role can use a table that has no row-level security",
    ),
    (
        "permission_table_writable",
        Error,
        "a guarded role can change rows that decide what it may see",
    ),
    (
        "role_bypasses_rls",
        Error,
        "policies do not hold for a guarded role",
    ),
    (
        "role_owns_table",
        Error,
        "a guarded role owns a protected table, so it can switch policies off",
    ),
    (
        "role_can_become",
        Error,
        "a guarded role can take the rights of a role that policies do not bind",
    ),
    (
        "login_unbound",
        Note,
        "roles that log in and that no policy binds",
    ),
    (
        "policies_can_be_dropped",
        Error,
        "clients can drop the policies that name their role",
    ),
    (
        "grant_truncate",
        Error,
        "TRUNCATE empties a table whatever its policies say",
    ),
    (
        "grant_trigger",
        Error,
        "TRIGGER lets a role run its code with the rows of others",
    ),
    (
        "grant_references",
        Warning,
        "REFERENCES lets a role find out which keys exist",
    ),
    (
        "grant_to_public",
        Warning,
        "every role has rights on a protected table",
    ),
    (
        "default_privileges",
        Note,
        "new tables will be open to a guarded role before they have policies",
    ),
    ("policy_to_public", Warning, "a policy is for every role"),
    (
        "permissive_beside_generated",
        Error,
        "a policy by hand lets more rows through than the generated one",
    ),
    (
        "policy_always_true",
        Warning,
        "a policy lets everybody change every row",
    ),
    (
        "policy_recursion",
        Error,
        "a policy reads its own table, so every query fails",
    ),
    (
        "policy_not_examined",
        Note,
        "an expression that could not be read",
    ),
    (
        "rule_on_table",
        Warning,
        "a rule rewrites statements about a protected table, with the rights of its owner",
    ),
    (
        "definer_view",
        Warning,
        "a view reads protected tables with the rights of its owner",
    ),
    (
        "materialized_view",
        Error,
        "a materialised view holds rows of a protected table, and has no policies",
    ),
    (
        "definer_function_search_path",
        Warning,
        "a SECURITY DEFINER function finds names by the caller's search path",
    ),
    (
        "definer_function_reads",
        Warning,
        "a SECURITY DEFINER function reads a protected table past its policies",
    ),
    (
        "volatile_policy_function",
        Warning,
        "a policy calls a function that is VOLATILE",
    ),
    (
        "partition_unprotected",
        Error,
        "a partition or child can be used directly, without the policies of its parent",
    ),
    (
        "open_through_parent",
        Error,
        "a table without row-level security shows the rows of a protected one, its child",
    ),
    (
        "missing_index",
        Warning,
        "a policy looks rows up by a column without an index",
    ),
    (
        "index_invalid",
        Warning,
        "an index that a policy needs is not valid",
    ),
    (
        "index_not_leakproof",
        Note,
        "an index is not used by roles that policies bind",
    ),
    (
        "isolation",
        Warning,
        "statements that lock rows can show what has just been forbidden",
    ),
    (
        "row_security_off",
        Warning,
        "queries of a guarded role fail instead of being filtered",
    ),
    (
        "statement_timeout",
        Note,
        "a guarded role can run a statement for ever",
    ),
    (
        "key_oracle",
        Note,
        "a key tells whether a row exists that cannot be seen",
    ),
    (
        "correlated_subquery",
        Warning,
        "a policy runs a sub-select for every row",
    ),
    (
        "exists_subquery",
        Warning,
        "a policy looks for each row's permission, row by row",
    ),
    (
        "in_subquery",
        Warning,
        "a policy reads the whole table, however few rows are visible",
    ),
    (
        "set_function_in_subquery",
        Warning,
        "the same, with a function that returns rows",
    ),
    (
        "unwrapped_function",
        Warning,
        "a policy calls a function for every row, with the same result",
    ),
    (
        "per_row_function",
        Warning,
        "a policy calls a function with values of every row",
    ),
];

/// The severity that a code usually has.
pub(super) fn severity(code: &str) -> Severity {
    ALL.iter()
        .find(|(known, ..)| *known == code)
        .map_or(Error, |(_, severity, _)| *severity)
}
