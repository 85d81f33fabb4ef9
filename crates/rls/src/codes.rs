//! The codes of refusals, problems and diagnostics about the database. They are part of the interface: they are not renamed.

/// Every code and what it stands for.
#[rustfmt::skip]
pub const ALL: &[(&str, &str)] = &[
    ("conditional_warrants", "stored warrants with policies, on relations that rows depend on"),
    ("database_error", "the database refused a statement"),
    ("database_lost", "the connection to the database was lost"),
    ("existing_policies", "a table has policies that were made by hand"),
    ("key_type_mismatch", "columns that refer to a key have other types than the key"),
    ("missing_column", "a table has no such column"),
    ("missing_environment", "the database has no such environment"),
    ("missing_function", "the database has no such function"),
    ("missing_role", "the database has no such role"),
    ("missing_rowgate", "the database has no schema `rowgate`"),
    ("missing_schema", "the schema of the environment cannot be read"),
    ("missing_table", "the database has no such table, or it is no table"),
    ("negated_recursion", "a relation depends on itself through `none_of`"),
    ("not_a_member", "the current role is not a member of a role that it acts as"),
    ("not_bound", "a type is not bound to a table"),
    ("not_linear", "an `all_of` has several rules that lead back to its relation"),
    ("not_listable", "a relation that depends on itself holds for resources that nothing names"),
    ("not_the_owner", "a table belongs to a role that the current one is not a member of"),
    ("other_bindings", "another environment of the database has bindings"),
    ("policy_not_compiled", "a policy has something that SQL cannot say exactly"),
    ("role_bypasses", "a role that policies do not apply to"),
    ("stored_resources", "resources of a type are stored whose rows are bound"),
    ("stray_groups", "stored warrants name groups that the schema does not accept"),
    ("stray_subjects", "stored warrants name subjects that the schema does not accept"),
    ("too_large", "a predicate is too large"),
    ("unknown_policy", "a rule names a policy that does not exist"),
    ("unsupported_key", "a column of a type that cannot hold ids"),
    ("wrong_condition", "a `where` compares a column with a value of another kind"),
];
