//! How large a schema may be.

/// Bytes of source text.
pub const MAX_SOURCE_BYTES: usize = 1 << 20;
/// Characters of the name of a type, relation, policy or parameter.
pub const MAX_NAME_CHARS: usize = 64;
/// Operators inside one another in one rule.
pub const MAX_RULE_DEPTH: usize = 64;
/// Types in a schema.
pub const MAX_TYPES: usize = 1_000;
/// Relations in a schema, over all its types.
pub const MAX_RELATIONS: usize = 10_000;
/// Policies in a schema.
pub const MAX_POLICIES: usize = 1_000;
