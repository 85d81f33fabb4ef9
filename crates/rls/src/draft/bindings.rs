//! The guesses as TOML.

use std::fmt::Write as _;

use rowgate_binding::Command;

use super::guess::{Guess, Link, Table, guards};

const HEAD: &str = "\
# Bindings: which tables and columns hold which relations. Drafted from the primary and foreign keys of the database, so look at every line.
#
# Left for you to decide:
#   * roles: the database roles that your application connects as
#   * policies: which relation guards which command; they are comments until you take the `#` away
#   * the schema that goes with this file: who is a viewer, who is an editor
#
# Then `rowgate rls plan` shows what will be done, and `rowgate rls apply` does it.
";

pub(super) fn write(guess: &Guess) -> String {
    let mut out = HEAD.to_owned();
    let _ = write!(out, "\nenvironment = \"default\"\n\n");
    roles(guess, &mut out);
    let _ = write!(out, "\n[subject]\ntype = {}\n", string(&guess.subject));
    if let Some(table) = &guess.subject_table {
        let _ = writeln!(
            out,
            "# The ids of subjects are those of {}.",
            one_line(&table.to_string())
        );
    } else {
        out.push_str("# No table looks like one of users, so this name is a guess.\n");
    }
    out.push_str(
        "# The function that says who is asking, as text; null when nobody is.\nid = \"auth.user_id()\"\n",
    );
    for table in &guess.tables {
        one_table(guess, table, &mut out);
    }
    if guess.tables.is_empty() {
        let _ = write!(
            out,
            "\n# Schema {} has no table that can be bound.\n",
            one_line(&guess.schema)
        );
    }
    if !guess.left_out.is_empty() {
        out.push_str("\n# Not bound:\n");
        for (table, why) in &guess.left_out {
            let _ = writeln!(out, "#   {}: {}", one_line(&table.to_string()), one_line(why));
        }
    }
    out
}

fn roles(guess: &Guess, out: &mut String) {
    if guess.roles.is_empty() {
        out.push_str("# DECIDE: roles. No role that policies would bind has rights here; create one, for example `create role app login`.\n");
    } else {
        let names: Vec<String> = guess.roles.iter().map(|role| string(role)).collect();
        let _ = writeln!(
            out,
            "# DECIDE: roles. These log in and have rights on the tables: {}.",
            one_line(&names.join(", "))
        );
    }
    out.push_str("roles = []\n");
}

fn one_table(guess: &Guess, table: &Table, out: &mut String) {
    let _ = write!(out, "\n[[table]]\nname = {}\n", string(&table.name.to_string()));
    for note in &table.notes {
        let _ = writeln!(out, "# {}", one_line(note));
    }
    let _ = writeln!(out, "type = {}", string(&table.resource_type));
    let _ = writeln!(out, "id = {}", columns(&table.id));
    if let Some(condition) = &table.condition {
        let _ = writeln!(
            out,
            "# Guessed: other rows count as deleted. An application that deletes a row by an update needs a function for it: `where` in docs/bindings.md.\n\
             where = {}",
            string(condition)
        );
    }
    for link in &table.relations {
        if let Some(note) = &link.note {
            let _ = writeln!(out, "# {}", one_line(note));
        }
        let _ = writeln!(out, "relations.{} = {}", link.relation, source(link));
    }
    for (relation, column) in &table.suspected {
        let line = format!(
            "relations.{relation} = {{ column = {}, type = {} }}",
            string(column),
            string(&guess.subject)
        );
        let _ = writeln!(out, "# {line}   # by its name; no foreign key says so",);
    }
    let all = guards(guess);
    let (view, edit) = all
        .get(table.resource_type.as_str())
        .copied()
        .unwrap_or(("viewer", "editor"));
    for command in Command::ALL {
        let relation = if command == Command::Select { view } else { edit };
        let decide = if command == Command::Select {
            "   # DECIDE"
        } else {
            ""
        };
        let _ = writeln!(out, "# policies.{} = \"{relation}\"{decide}", command.keyword());
    }
}

fn source(link: &Link) -> String {
    let mut parts = Vec::new();
    if let Some((table, key)) = &link.join {
        parts.push(format!("table = {}", string(&table.to_string())));
        parts.push(format!("key = {}", columns(key)));
    }
    parts.push(format!("column = {}", columns(&link.columns)));
    parts.push(format!("type = {}", string(&link.resource_type)));
    format!("{{ {} }}", parts.join(", "))
}

fn columns(columns: &[String]) -> String {
    match columns {
        [one] => string(one),
        many => {
            let many: Vec<String> = many.iter().map(|column| string(column)).collect();
            format!("[{}]", many.join(", "))
        }
    }
}

/// A TOML string.
fn string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Names from the database cannot end a comment.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
