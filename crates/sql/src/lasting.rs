//! What a statement may leave in its session.
//!
//! A session is reset in full before another token gets it, whatever is said here. This is a courtesy to the same token alone: its next request
//! should find what a new session would show it. A function that a `SELECT` calls can leave things behind that no text and no tag tells of.

use crate::body::Query;

/// Commands that leave nothing in the session themselves.
const PLAIN: [&str; 5] = ["SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"];

/// What such commands call or name when they leave something: settings, the seed of `random()`, temporary tables (`SELECT INTO`), the number
/// that claims are sealed for.
const LASTING: [&str; 8] = [
    "set_config",
    "setseed",
    "temp",
    "temporary",
    "pg_temp",
    "next_request",
    "end_request",
    "set_session",
];

/// Locks of the session. Those of a transaction are named otherwise: `pg_advisory_xact_lock`.
const LOCKS: [&str; 2] = ["pg_advisory_lock", "pg_try_advisory_lock"];

/// Whether a command, by its tag, leaves nothing in the session itself.
pub(crate) fn is_plain(tag: &str) -> bool {
    PLAIN.contains(&tag.split(' ').next().unwrap_or_default())
}

/// Whether a command, by its tag, ends the transaction that it is in, so that what comes before may last.
pub(crate) fn ends_transaction(tag: &str) -> bool {
    let first = tag.split(' ').next().unwrap_or_default();
    matches!(first, "COMMIT" | "ROLLBACK" | "PREPARE")
}

/// Whether the texts of queries name nothing that outlives a statement.
pub(crate) fn nothing_named(queries: &[Query]) -> bool {
    !queries.iter().any(|query| names_lasting(&query.sql))
}

fn names_lasting(sql: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    sql.as_bytes().split(|byte| !is_part(*byte)).any(|word| {
        LASTING
            .iter()
            .any(|name| word.eq_ignore_ascii_case(name.as_bytes()))
            || LOCKS.iter().any(|name| {
                let start = word.get(..name.len());
                start.is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_commands_that_leave_nothing() {
        for tag in ["SELECT 1", "INSERT 0 1", "UPDATE 0", "DELETE 3", "MERGE 2"] {
            assert!(is_plain(tag), "{tag}");
        }
        for tag in [
            "",
            "SET",
            "DO",
            "CALL",
            "CREATE TABLE",
            "DECLARE CURSOR",
            "SELECTED 1",
            "COMMIT",
        ] {
            assert!(!is_plain(tag), "{tag}");
        }
    }

    #[test]
    fn knows_what_ends_a_transaction() {
        for tag in ["COMMIT", "ROLLBACK", "PREPARE TRANSACTION", "COMMIT PREPARED"] {
            assert!(ends_transaction(tag), "{tag}");
        }
        for tag in ["SELECT 1", "SAVEPOINT", "RELEASE", "ALTER TABLE", "BEGIN"] {
            assert!(!ends_transaction(tag), "{tag}");
        }
    }

    #[test]
    fn knows_names_of_what_lasts() {
        for sql in [
            "select SET_CONFIG('a.b', 'c', false)",
            "select 1 into TEMP t",
            "select 1 into temporary t",
            "select * into pg_temp.t from note",
            "select pg_advisory_lock(1)",
            "select pg_try_advisory_lock_shared($1)",
            "select auth.next_request()",
        ] {
            assert!(names_lasting(sql), "{sql}");
        }
        for sql in [
            "select temperature, template from pg_temperature",
            "select pg_advisory_xact_lock(1), pg_try_advisory_xact_lock(2)",
            "select pg_notify('a', 'b')",
            "",
        ] {
            assert!(!names_lasting(sql), "{sql}");
        }
    }
}
