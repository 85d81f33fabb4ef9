//! What a statement may leave in its session.
//!
//! A session is reset in full before another token gets it. What no reset undoes is what the functions of the application made of the settings that
//! they found when they were first called: PL/pgSQL keeps literals as it read them (`standard_conforming_strings`), constants in the time zone of the
//! day, and types by the names that came first. So a session in which settings may have changed is closed ([`undone_by_reset`]).
//!
//! The rest ([`nothing_named`], [`is_plain`]) is a courtesy to the same token alone: its next request should find what a new session would show it.
//! A function that a `SELECT` calls can leave things behind that no text and no tag tells of.

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

/// First words of statements that change neither settings nor what a name stands for.
const HARMLESS: [&str; 22] = [
    "abort",
    "begin",
    "commit",
    "delete",
    "end",
    "fetch",
    "insert",
    "lock",
    "merge",
    "notify",
    "release",
    "rollback",
    "savepoint",
    "select",
    "show",
    "start",
    "table",
    "truncate",
    "unlisten",
    "update",
    "values",
    "with",
];

/// What changes settings all the same, or runs a text as a statement.
const SETTING: [&str; 17] = [
    "set_config",
    "pg_settings",
    "query_to_xml",
    "query_to_xmlschema",
    "query_to_xml_and_xmlschema",
    "cursor_to_xml",
    "cursor_to_xmlschema",
    "ts_stat",
    "ts_rewrite",
    "dblink",
    "dblink_exec",
    "xpath_table",
    "crosstab",
    "crosstab2",
    "crosstab3",
    "crosstab4",
    "connectby",
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

/// Whether a reset makes the session of these queries as if nobody had used it.
pub(crate) fn undone_by_reset(queries: &[Query]) -> bool {
    queries.iter().all(|query| is_harmless(&query.sql))
}

fn is_harmless(sql: &str) -> bool {
    let beginning = beginning(sql);
    let first = beginning
        .split(|character: char| !character.is_ascii_alphabetic())
        .next();
    let first = first.unwrap_or_default();
    // An empty text does nothing.
    let known = beginning.is_empty() || HARMLESS.iter().any(|word| first.eq_ignore_ascii_case(word));
    known && !names_setting(sql) && !has_escapes(sql)
}

/// What comes after blanks, brackets and comments. Something that is no word where comments are in comments.
fn beginning(sql: &str) -> &str {
    let is_blank = |character: char| character.is_ascii_whitespace() || matches!(character, '(' | ';');
    let mut rest = sql;
    loop {
        rest = rest.trim_start_matches(is_blank);
        if let Some(comment) = rest.strip_prefix("--") {
            rest = comment.find(['\n', '\r']).map_or("", |end| &comment[end..]);
        } else if let Some(comment) = rest.strip_prefix("/*") {
            let (inside, after) = comment.split_once("*/").unwrap_or((comment, ""));
            if inside.contains("/*") {
                return "?";
            }
            rest = after;
        } else {
            return rest;
        }
    }
}

/// Names can be written with escapes (`U&"set\005fconfig"`), of which [`words`] makes nothing.
fn has_escapes(sql: &str) -> bool {
    sql.as_bytes()
        .windows(3)
        .any(|three| matches!(three, [b'u' | b'U', b'&', b'"']))
}

fn names_setting(sql: &str) -> bool {
    words(sql).any(|word| {
        SETTING
            .iter()
            .any(|name| word.eq_ignore_ascii_case(name.as_bytes()))
    })
}

fn words(sql: &str) -> impl Iterator<Item = &[u8]> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    sql.as_bytes().split(move |byte| !is_part(byte))
}

fn names_lasting(sql: &str) -> bool {
    words(sql).any(|word| {
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
    fn knows_what_a_reset_undoes() {
        for sql in [
            "select 1",
            " ( SELECT 1)",
            "-- a\n\tselect 1",
            "/* a */ -- b\n select 1",
            "with a as (select 1) insert into b select * from a",
            "update settings set setting = 'x'",
            "show timezone",
            "",
            "  -- nothing",
            "select pg_advisory_lock(1)",
            "select 1 into temp t",
        ] {
            assert!(is_harmless(sql), "{sql}");
        }
        for sql in [
            "set timezone = 'utc'",
            "/* select */ set timezone = 'utc'",
            "/* /* */ select */ set timezone = 'utc'",
            "-- select\nset timezone = 'utc'",
            "-- select\rset timezone = 'utc'",
            "do $$ begin end $$",
            "create domain pg_temp.text as pg_catalog.text",
            "select \"set_config\"('a', 'b', false)",
            "select U&\"set\\005fconfig\"('a', 'b', false)",
            "select pg_catalog . u&\"set!005fconfig\" uescape '!' ('a', 'b', false)",
            "update pg_catalog.pg_settings set setting = 'off'",
            "select query_to_xml('select set' || '_config()', true, true, '')",
            "select * from ts_stat($1)",
            "select * from crosstab('select ' || $1) as c (a text, b text)",
            "execute a",
            "explain analyze execute a",
            "selected",
            "\u{a0}set timezone = 'utc'",
        ] {
            assert!(!is_harmless(sql), "{sql}");
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
