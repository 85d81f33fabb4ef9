//! Row-level security: predicates compiled from a schema and bindings, and their SQL.
