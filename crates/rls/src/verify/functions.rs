//! Functions that run with the rights of their owner.

use super::inspection::{Inspection, grantee, is_own};
use super::{Finding, Remedy, Severity};
use crate::catalog::{Function, Relation, bare, dotted};

pub(super) fn check(inspection: &Inspection<'_>, out: &mut Vec<Finding>) {
    let in_policies: Vec<u64> = inspection
        .catalog
        .policies
        .iter()
        .flat_map(|policy| policy.functions.clone())
        .collect();
    let definers = inspection
        .catalog
        .functions
        .iter()
        .filter(|(_, f)| f.definer && !f.extension && !is_own(&f.name));
    for (oid, function) in definers {
        if !function.pins_search_path() {
            unpinned(inspection, function, out);
        }
        // What policies call must be able to look past policies; and a trigger cannot be called.
        if !in_policies.contains(oid) && function.returns != "trigger" {
            reads(inspection, function, out);
        }
    }
}

fn kind(function: &Function) -> &'static str {
    if function.procedure {
        "PROCEDURE"
    } else {
        "FUNCTION"
    }
}

fn signature(function: &Function) -> String {
    format!("{}({})", dotted(&function.name), function.arguments)
}

fn unpinned(inspection: &Inspection<'_>, function: &Function, out: &mut Vec<Finding>) {
    let message = format!(
        "it runs as {} and finds names by the search path of who calls it, who can so make it run something else",
        grantee(&function.owner)
    );
    // The schema of the function comes after the system's, so that a body without qualified names goes on working.
    let path = format!("pg_catalog, {}, pg_temp", bare(&function.name.schema));
    let sql = format!(
        "ALTER {} {} SET search_path = {path};",
        kind(function),
        signature(function)
    );
    let object = format!("function {}", signature(function));
    let finding = Finding::new(
        "definer_function_search_path",
        object,
        message,
        Remedy::Sql(vec![sql]),
    );
    let superuser = inspection
        .catalog
        .roles
        .get(&function.owner)
        .is_some_and(|owner| owner.superuser);
    let callable = function.executors.iter().any(|role| inspection.reaches(role));
    out.push(if superuser && callable {
        finding.with_severity(Severity::Error)
    } else {
        finding
    });
}

fn reads(inspection: &Inspection<'_>, function: &Function, out: &mut Vec<Finding>) {
    let callers: Vec<&str> = function
        .executors
        .iter()
        .filter(|role| **role != function.owner && inspection.reaches(role))
        .map(String::as_str)
        .collect();
    let past = |table: &&Relation| {
        inspection.bypasses(&function.owner, table) && mentions(&function.body, &table.name.name)
    };
    let tables: Vec<String> = inspection
        .protected_tables()
        .filter(past)
        .map(|table| dotted(&table.name))
        .collect();
    if callers.is_empty() || tables.is_empty() {
        return;
    }
    let who: Vec<String> = callers.iter().map(|role| grantee(role)).collect();
    let message = format!(
        "it names {} and runs as {}, for whom policies do not hold, and {} may call it",
        tables.join(", "),
        grantee(&function.owner),
        who.join(", ")
    );
    let sql = format!(
        "REVOKE EXECUTE ON {} {} FROM {};",
        kind(function),
        signature(function),
        who.join(", ")
    );
    let object = format!("function {}", signature(function));
    out.push(Finding::new(
        "definer_function_reads",
        object,
        message,
        Remedy::Sql(vec![sql]),
    ));
}

/// Whether a text has a name as a whole word, in any case.
fn mentions(body: &str, name: &str) -> bool {
    let (body, name) = (body.to_lowercase(), name.to_lowercase());
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    body.match_indices(&name).any(|(at, _)| {
        let before = body[..at].chars().next_back();
        let after = body[at + name.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

#[cfg(test)]
mod tests {
    use super::mentions;

    #[test]
    fn a_name_counts_as_a_whole_word() {
        assert!(mentions("select * from public.Ticket where true", "ticket"));
        assert!(mentions("select \"ticket\".id", "ticket"));
        assert!(!mentions("select * from ticket_watcher", "ticket"));
        assert!(!mentions("select * from my_ticket", "ticket"));
    }
}
