//! Policies that let through more than is meant.

use rowgate_binding::{Command, Qualified};

use super::inspection::{Inspection, grantee, is_generated, is_own_role, policy_name};
use super::{Finding, Remedy, Severity, expression};
use crate::catalog::{Policy, PolicyCommand, Volatility, bare, dotted};

pub(super) fn check(inspection: &Inspection<'_>, out: &mut Vec<Finding>) {
    for policy in &inspection.catalog.policies {
        volatile(inspection, policy, out);
        if is_generated(policy) {
            continue;
        }
        to_public(inspection, policy, out);
        always_true(policy, out);
        beside_generated(inspection, policy, out);
        recursion(inspection, policy, out);
    }
}

fn drop(policy: &Policy) -> Remedy {
    Remedy::Sql(vec![format!(
        "DROP POLICY {} ON {};",
        bare(&policy.name),
        dotted(&policy.table)
    )])
}

fn to_public(inspection: &Inspection<'_>, policy: &Policy, out: &mut Vec<Finding>) {
    if !policy.to_public() {
        return;
    }
    let message = "it is for every role, also those that are made later, and is computed for roles that should not get that far";
    let roles: Vec<String> = inspection.guarded.iter().map(|role| bare(role)).collect();
    let remedy = if roles.is_empty() {
        let advice =
            "name the role that the application connects as, with `ALTER POLICY … TO …`, once there is one";
        Remedy::Advice(advice.to_owned())
    } else {
        let (name, table) = (bare(&policy.name), dotted(&policy.table));
        Remedy::Sql(vec![format!(
            "ALTER POLICY {name} ON {table} TO {};",
            roles.join(", ")
        )])
    };
    out.push(Finding::new(
        "policy_to_public",
        policy_name(policy),
        message,
        remedy,
    ));
}

fn is_true(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.trim_matches(['(', ')']) == "true")
}

fn always_true(policy: &Policy, out: &mut Vec<Finding>) {
    let check = policy.check.as_deref().or(policy.using.as_deref());
    let writes = [
        (Command::Insert, is_true(check)),
        (Command::Update, is_true(policy.using.as_deref())),
        (Command::Delete, is_true(policy.using.as_deref())),
    ];
    let open: Vec<String> = writes
        .into_iter()
        .filter(|(command, open)| *open && policy.command.covers(*command))
        .map(|(command, _)| command.keyword().to_uppercase())
        .collect();
    if !policy.permissive || open.is_empty() || policy.roles.iter().all(|role| is_own_role(role)) {
        return;
    }
    let who: Vec<String> = policy.roles.iter().map(|role| grantee(role)).collect();
    let message = format!(
        "it lets {} {} every row, as if there were no policies",
        who.join(", "),
        open.join(", ")
    );
    out.push(Finding::new(
        "policy_always_true",
        policy_name(policy),
        message,
        drop(policy),
    ));
}

/// Permissive policies add up: one by hand opens what the generated one keeps closed.
fn beside_generated(inspection: &Inspection<'_>, policy: &Policy, out: &mut Vec<Finding>) {
    let others = || {
        inspection
            .catalog
            .policies_of(&policy.table)
            .filter(|other| is_generated(other))
    };
    let overlaps = |command: Command| {
        policy.command.covers(command)
            && others().any(|other| {
                other.command == PolicyCommand::One(command)
                    && !other.roles.iter().all(|r| is_own_role(r))
                    && inspection.meet(policy, other)
            })
    };
    let commands: Vec<String> = Command::ALL
        .into_iter()
        .filter(|command| overlaps(*command))
        .map(|c| c.keyword().to_uppercase())
        .collect();
    let bound_by_name = policy.name.starts_with("rowgate_");
    if !policy.permissive || commands.is_empty() || bound_by_name {
        return;
    }
    let message = format!(
        "permissive policies add up, so for {} it lets through rows that the generated policy does not",
        commands.join(", ")
    );
    out.push(Finding::new(
        "permissive_beside_generated",
        policy_name(policy),
        message,
        drop(policy),
    ));
}

fn volatile(inspection: &Inspection<'_>, policy: &Policy, out: &mut Vec<Finding>) {
    let called = policy
        .functions
        .iter()
        .filter_map(|oid| inspection.catalog.functions.get(oid));
    for function in called.filter(|f| f.volatility == Volatility::Volatile && !f.extension) {
        let name = format!("{}({})", dotted(&function.name), function.arguments);
        let message = format!(
            "{} calls it and it is VOLATILE, so each call sees another moment of the database and none is saved",
            policy_name(policy)
        );
        let remedy = Remedy::Sql(vec![format!("ALTER FUNCTION {name} STABLE;")]);
        out.push(Finding::new(
            "volatile_policy_function",
            format!("function {name}"),
            message,
            remedy,
        ));
    }
}

/// A policy whose sub-selects come back to its own table, directly or by way of other tables' policies.
fn recursion(inspection: &Inspection<'_>, policy: &Policy, out: &mut Vec<Finding>) {
    let mut seen: Vec<Qualified> = Vec::new();
    let mut open = read_by(policy);
    while let Some(table) = open.pop() {
        if table == policy.table {
            let way = seen.iter().map(dotted).collect::<Vec<_>>().join(", ");
            let by = if way.is_empty() {
                String::new()
            } else {
                format!(" by way of {way}")
            };
            let message = format!(
                "it reads its own table{by}, to which it applies again: every query fails with \"infinite recursion detected\""
            );
            let advice = "move the sub-select into a SECURITY DEFINER function with a pinned search_path, whose owner the policies do \
                not bind, and compare with `= ANY (ARRAY(SELECT f()))`";
            let finding = Finding::new(
                "policy_recursion",
                policy_name(policy),
                message,
                Remedy::Advice(advice.to_owned()),
            );
            return out.push(finding.with_severity(Severity::Error));
        }
        let enabled = inspection.table(&table).is_some_and(|relation| relation.rls);
        if enabled && !seen.contains(&table) {
            let reads = |other: &&Policy| other.command.covers(Command::Select);
            open.extend(
                inspection
                    .catalog
                    .policies_of(&table)
                    .filter(reads)
                    .flat_map(read_by),
            );
            seen.push(table);
        }
    }
}

fn read_by(policy: &Policy) -> Vec<Qualified> {
    let texts = [&policy.using, &policy.check];
    let parsed = texts
        .into_iter()
        .flatten()
        .filter_map(|text| expression::parse(text));
    parsed.flat_map(|expr| expression::tables(&expr)).collect()
}
