//! The guesses as a schema.

use std::fmt::Write as _;

use super::guess::{Guess, Table, guards};

/// Relations of people that usually allow changes, too.
const OWNERS: [&str; 8] = [
    "owner",
    "creator",
    "author",
    "created_by",
    "user",
    "assignee",
    "assigned_to",
    "admin",
];

/// A schema with a type for each table. It says who can see and change rows in the most usual way, and says that it is a guess.
pub(super) fn write(guess: &Guess) -> String {
    let mut out = String::from("version 0.3\n\n");
    out.push_str("// Drafted from the foreign keys of a database. The relations are those of the bindings. Who is a viewer or an editor is a\n");
    out.push_str("// guess: the people that a row names, and whoever is one on a row that it belongs to. Change it to what is meant.\n\n");
    let _ = writeln!(out, "type {}", guess.subject);
    for resource_type in &guess.unbound {
        let _ = write!(
            out,
            "\n// has no table in the bindings: its relations are warrants\ntype {resource_type}\n"
        );
        let subject = &guess.subject;
        let _ = writeln!(
            out,
            "    relation viewer [{subject}]\n    relation editor [{subject}]"
        );
    }
    for table in &guess.tables {
        one_type(guess, table, &mut out);
    }
    out
}

fn one_type(guess: &Guess, table: &Table, out: &mut String) {
    let all = guards(guess);
    let own = |resource_type: &str| all.get(resource_type).copied().unwrap_or(("viewer", "editor"));
    let (view, edit) = own(&table.resource_type);
    let subject = &guess.subject;
    let _ = write!(out, "\ntype {}\n", table.resource_type);
    for link in &table.relations {
        let _ = writeln!(out, "    relation {} [{}]", link.relation, link.resource_type);
    }
    for (relation, _) in &table.suspected {
        let _ = writeln!(out, "    relation {relation} [{subject}]");
    }
    let _ = writeln!(
        out,
        "    relation {view} [{subject}]\n    relation {edit} [{subject}]"
    );
    let people = table
        .relations
        .iter()
        .filter(|link| link.resource_type == *subject)
        .map(|link| link.relation.as_str());
    let people: Vec<&str> = people
        .chain(table.suspected.iter().map(|(relation, _)| relation.as_str()))
        .collect();
    let above: Vec<(&str, &str)> = table
        .relations
        .iter()
        .filter(|link| link.resource_type != *subject)
        .map(|link| (link.relation.as_str(), link.resource_type.as_str()))
        .collect();

    let mut editors: Vec<String> = people
        .iter()
        .filter(|name| OWNERS.contains(*name))
        .map(|name| format!("relation {name}"))
        .collect();
    editors.extend(
        above
            .iter()
            .map(|(link, far)| format!("relation {} on {link} [{far}]", own(far).1)),
    );
    let mut viewers = vec![format!("relation {edit}")];
    viewers.extend(
        people
            .iter()
            .filter(|name| !OWNERS.contains(*name))
            .map(|name| format!("relation {name}")),
    );
    viewers.extend(
        above
            .iter()
            .map(|(link, far)| format!("relation {} on {link} [{far}]", own(far).0)),
    );
    inherit(edit, &editors, out);
    inherit(view, &viewers, out);
}

fn inherit(relation: &str, rules: &[String], out: &mut String) {
    let _ = match rules {
        [] => return,
        [rule] => write!(out, "\n    inherit {relation} if\n        {rule}\n"),
        many => {
            let _ = write!(out, "\n    inherit {relation} if\n        any_of\n");
            many.iter()
                .try_for_each(|rule| writeln!(out, "            {rule}"))
        }
    };
}
