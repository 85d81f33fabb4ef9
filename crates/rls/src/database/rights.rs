//! Who may execute what is generated: those that apply lets, and nobody else, whoever granted it.

use std::collections::BTreeMap;

use postgres::Transaction;
use rowgate_binding::Bindings;

use super::steps::Step;
use crate::error::Error;
use crate::generate::{Function, Generated};
use crate::sql::SCHEMA;
use crate::sql::quote::{ident, text};

/// The rights on functions that others than their owner have. The empty name is PUBLIC.
const ON_FUNCTIONS: &str = "
    select s.at, coalesce(r.rolname::text, ''), bool_or(a.is_grantable)
    from unnest($1::text[]) with ordinality s (signature, at)
    join pg_proc p on p.oid = to_regprocedure(s.signature) and pg_get_userbyid(p.proowner) in ('rowgate_reader', 'rowgate_owner')
    cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
    left join pg_roles r on r.oid = a.grantee
    where a.grantee <> p.proowner
    group by s.at, a.grantee, r.rolname order by s.at, r.rolname nulls first";

/// The same on the schema of the functions, with whether it is more than to use it.
const ON_SCHEMA: &str = "
    select coalesce(r.rolname::text, ''), bool_or(a.is_grantable), bool_or(a.privilege_type <> 'USAGE')
    from pg_namespace n cross join lateral aclexplode(n.nspacl) a left join pg_roles r on r.oid = a.grantee
    where n.nspname = $1 and a.grantee <> n.nspowner group by a.grantee, r.rolname order by r.rolname nulls first";

/// The roles that may execute a function, beside its owner.
pub(crate) fn executors<'a>(function: &Function, roles: &'a [String]) -> Vec<&'a str> {
    if function.is_hook() {
        Vec::new()
    } else if function.for_roles {
        roles.iter().map(String::as_str).collect()
    } else {
        vec!["rowgate_owner", "rowgate_server"]
    }
}

/// The roles that may use the schema of the functions, beside its owner.
pub(super) fn users(roles: &[String]) -> Vec<&str> {
    ["rowgate_owner", "rowgate_server"]
        .into_iter()
        .chain(roles.iter().map(String::as_str))
        .collect()
}

/// Takes away every right that apply did not give: of roles that an earlier apply was for, and what was granted by hand.
pub(super) fn not_given(
    transaction: &mut Transaction<'_>,
    bindings: &Bindings,
    generated: &Generated,
) -> Result<Vec<Step>, Error> {
    let mut steps = on_functions(transaction, bindings, generated)?;
    let rows = transaction
        .query(ON_SCHEMA, &[&SCHEMA])
        .map_err(Error::database("looking at who may use the schema rowgate_rls"))?;
    let users = users(&bindings.roles);
    for row in rows {
        let (grantee, grantable, more): (&str, bool, bool) = (row.get(0), row.get(1), row.get(2));
        let mut revoke = |what: &str| {
            let from = from(grantee);
            steps.push(Step::reader(format!(
                "revoke {what} on schema {SCHEMA} from {from} cascade"
            )));
        };
        if !users.contains(&grantee) {
            revoke("all");
            continue;
        }
        if more {
            revoke("create");
        }
        if grantable {
            revoke("grant option for all");
        }
    }
    Ok(steps)
}

fn on_functions(
    transaction: &mut Transaction<'_>,
    bindings: &Bindings,
    generated: &Generated,
) -> Result<Vec<Step>, Error> {
    let functions: Vec<&Function> = generated.functions.iter().chain(&generated.hooks).collect();
    let signatures: Vec<&str> = functions
        .iter()
        .map(|function| function.signature.as_str())
        .collect();
    let rows = transaction
        .query(ON_FUNCTIONS, &[&signatures])
        .map_err(Error::database("looking at who may execute what was generated"))?;
    // Whether they are hooks, what is taken away and from whom; the functions.
    let mut taken: BTreeMap<(bool, &str, String), Vec<&str>> = BTreeMap::new();
    for row in &rows {
        let (at, grantee, grantable): (i64, &str, bool) = (row.get(0), row.get(1), row.get(2));
        let Some(function) = usize::try_from(at - 1).ok().and_then(|at| functions.get(at)) else {
            continue;
        };
        let what = match (executors(function, &bindings.roles).contains(&grantee), grantable) {
            (true, false) => continue,
            (true, true) => "grant option for all",
            (false, _) => "all",
        };
        let key = (function.is_hook(), what, from(grantee));
        taken.entry(key).or_default().push(&function.signature);
    }
    let step = |((is_hook, what, from), signatures): ((bool, &str, String), Vec<&str>)| {
        let sql = format!(
            "revoke {what} on function {} from {from} cascade",
            signatures.join(", ")
        );
        if is_hook {
            Step::owner(sql)
        } else {
            Step::reader(sql)
        }
    };
    Ok(taken.into_iter().map(step).collect())
}

fn from(grantee: &str) -> String {
    if grantee.is_empty() {
        "public".to_owned()
    } else {
        ident(grantee)
    }
}

/// Makes a function, or makes it anew, with the rights and the comment that belong to it.
pub(super) fn create(function: &Function, roles: &[String]) -> Vec<Step> {
    let step = if function.is_hook() {
        Step::owner
    } else {
        Step::reader
    };
    let signature = &function.signature;
    let mut steps = vec![
        step(function.sql.clone()),
        step(format!("revoke all on function {signature} from public")),
    ];
    let executors: Vec<String> = executors(function, roles).into_iter().map(ident).collect();
    if !executors.is_empty() {
        let executors = executors.join(", ");
        steps.push(step(format!(
            "grant execute on function {signature} to {executors}"
        )));
    }
    if !function.comment.is_empty() {
        let comment = text(&function.comment);
        steps.push(step(format!("comment on function {signature} is {comment}")));
    }
    steps
}
