//! Whether what `apply` made is still there and still right.

use rowgate_binding::Qualified;

use super::expected::{Expected, Object, State};
use super::inspection::{Inspection, is_generated, policy_name};
use super::{Finding, Remedy};
use crate::catalog::{Policy, bare, dotted};

const APPLY: &str = "rowgate rls apply";

pub(super) fn check(inspection: &Inspection<'_>, out: &mut Vec<Finding>) {
    let Some(expected) = inspection.expected else {
        return;
    };
    for refused in &expected.refused {
        let object = refused.path.clone().unwrap_or_else(|| "the bindings".to_owned());
        let message = format!(
            "`rls apply` refuses these bindings, so nothing new comes into force: {}",
            refused.message
        );
        let advice = refused
            .help
            .clone()
            .unwrap_or_else(|| "correct the bindings or the schema".to_owned());
        out.push(Finding::new(
            "bindings_refused",
            object,
            message,
            Remedy::Advice(advice),
        ));
    }
    if expected
        .bindings
        .tables()
        .iter()
        .all(|table| table.policies.is_empty())
    {
        let message =
            "no table of these bindings has `policies`, so every role sees every row that it may select";
        let advice = "say which relation guards which command, for example `policies.select = \"viewer\"`, and run `rowgate rls apply`";
        out.push(Finding::new(
            "nothing_guarded",
            "the bindings",
            message,
            Remedy::Advice(advice.to_owned()),
        ));
    }
    if expected.is_absent() {
        out.push(not_applied(
            "nothing of what these bindings ask for is in the database, so they guard nothing",
        ));
        return;
    }
    if expected.refused.is_empty() {
        for object in &expected.objects {
            drifted(inspection, object, out);
        }
        for policy in inspection
            .catalog
            .policies
            .iter()
            .filter(|policy| is_generated(policy))
        {
            orphaned(expected, policy, out);
        }
    }
}

/// What it is called that bindings are not in force.
pub(super) fn not_applied(message: &str) -> Finding {
    let remedy = Remedy::Command(APPLY.to_owned());
    Finding::new("not_applied", "the bindings", message, remedy)
}

fn not_compared(object: &Object, why: &str, remedy: Remedy) -> Finding {
    let message = format!("it could not be compared with what `rls apply` makes: {why}");
    Finding::new("not_compared", &object.name, message, remedy)
}

fn drifted(inspection: &Inspection<'_>, object: &Object, out: &mut Vec<Finding>) {
    let is_policy = object.policy.is_some();
    let (code, message) = match &object.state {
        State::Same => return,
        State::Missing if is_policy => {
            ("policy_missing", format!("the bindings ask for it and it is not there{}", consequence(inspection, object)))
        }
        State::Missing => ("function_missing", "what `rls apply` makes calls it and it is not there".to_owned()),
        State::Outdated => (
            "policy_outdated",
            "it was made from another schema or other bindings than these, so it does not mean what they say; or an older Rowgate made it, or a foreign key of \
             the table came or went, and it means the same".to_owned(),
        ),
        State::Changed if is_policy => {
            ("policy_changed", "it is not as `rls apply` made it: somebody changed it by hand".to_owned())
        }
        State::Changed => (
            "function_changed",
            "it is not what `rls apply` makes of this schema and these bindings, so policies that call it mean something else, unless an older Rowgate made it".to_owned(),
        ),
        State::Calls(why) => return out.push(not_compared(object, why, Remedy::Command(APPLY.to_owned()))),
        State::Unknown(why) => {
            let advice = "run verify as a role that may create temporary tables in this database";
            return out.push(not_compared(object, why, Remedy::Advice(advice.to_owned())));
        }
    };
    out.push(Finding::new(
        code,
        &object.name,
        message,
        Remedy::Command(APPLY.to_owned()),
    ));
}

/// What it means that a policy is missing.
fn consequence(inspection: &Inspection<'_>, object: &Object) -> &'static str {
    let table = object
        .policy
        .as_ref()
        .and_then(|(table, _)| inspection.table(table));
    match table {
        Some(table) if !table.rls => ", and row-level security is off: every row is open",
        _ => ", so rows that should be seen or changed are not",
    }
}

fn orphaned(expected: &Expected, policy: &Policy, out: &mut Vec<Finding>) {
    let wanted = |(table, name): &(Qualified, String)| *table == policy.table && *name == policy.name;
    if expected
        .objects
        .iter()
        .any(|object| object.policy.as_ref().is_some_and(wanted))
    {
        return;
    }
    let message = "the bindings do not guard this command of this table any more, and the policy still lets rows through";
    let drop = format!("DROP POLICY {} ON {};", bare(&policy.name), dotted(&policy.table));
    out.push(Finding::new(
        "policy_orphaned",
        policy_name(policy),
        message,
        Remedy::Sql(vec![drop]),
    ));
}
