//! Stored warrants that SQL cannot answer for: those with policies, and those of groups that the schema does not accept.

use std::collections::BTreeSet;

use postgres::Transaction;
use rowgate_binding::{RelationRef, Resolved, Table, accepted_groups, authz};

use crate::error::{Error, Problem};
use crate::sql::within;

/// What stands in the way of answers in SQL, with an example of each.
pub(super) fn check(
    transaction: &mut Transaction<'_>,
    environment: i32,
    resolved: &Resolved,
) -> Result<(), Error> {
    let until = within::until();
    let relations: BTreeSet<&RelationRef> = resolved
        .dependencies()
        .iter()
        .flat_map(|dependency| &dependency.relations)
        .collect();
    let failed = || Error::database("looking at stored warrants");
    super::run_as(transaction, None, "set local role rowgate_owner").map_err(failed())?;
    let mut problems = Vec::new();
    for RelationRef {
        resource_type,
        relation,
    } in relations
    {
        if resolved.is_bound(resource_type, relation) {
            continue;
        }
        let sql = "select resource_id, subject_type, subject_id, count(*) over () from rowgate.warrant \
                   where environment = $1 and resource_type = $2 and relation = $3 and policy_hash <> ''::bytea \
                   and not ($4 and policy ~ $5) limit 1";
        let ends = resource_type == authz::GRANT && relation == authz::relation::MEMBER;
        if let Some(row) = transaction
            .query_opt(sql, &[&environment, resource_type, relation, &ends, &until])
            .map_err(failed())?
        {
            let (id, ty, subject): (String, String, String) = (row.get(0), row.get(1), row.get(2));
            let count: i64 = row.get(3);
            if ends {
                problems.push(conditional_assignment(count, &subject));
                continue;
            }
            let message = format!(
                "{count} warrants of `{resource_type}#{relation}` have policies, for example {resource_type}:{id}#{relation}@{ty}:{subject}; \
                 rows cannot depend on them, for SQL does not evaluate the policies of warrants"
            );
            problems.push(Problem::new(
                "conditional_warrants",
                message,
                "delete them, or say the condition in a policy of the schema",
            ));
        }
        let known = accepted_groups(resolved.model(), resource_type, relation);
        let (types, relations): (Vec<String>, Vec<String>) = known.into_iter().unzip();
        let sql = "select resource_id, subject_type, subject_id, subject_relation, count(*) over () from rowgate.warrant w \
                   where environment = $1 and resource_type = $2 and relation = $3 and subject_relation <> '' \
                   and not exists (select from unnest($4::text[], $5::text[]) k (t, r) where k.t = w.subject_type and k.r = w.subject_relation) limit 1";
        let row = transaction
            .query_opt(sql, &[&environment, resource_type, relation, &types, &relations])
            .map_err(failed())?;
        if let Some(row) = row {
            let (id, ty, subject, group): (String, String, String, String) =
                (row.get(0), row.get(1), row.get(2), row.get(3));
            let count: i64 = row.get(4);
            let message = format!(
                "{count} warrants of `{resource_type}#{relation}` name groups that the schema does not accept, \
                 for example {resource_type}:{id}#{relation}@{ty}:{subject}#{group}"
            );
            problems.push(Problem::new(
                "stray_groups",
                message,
                "delete them, or list the group in the relation's brackets",
            ));
        }
    }
    for table in resolved
        .tables()
        .iter()
        .filter(|table| authz::is_reserved(&table.resource_type))
    {
        problems.extend(leftover(transaction, environment, table).map_err(failed())?);
    }
    super::run_as(transaction, None, "set local role none").map_err(failed())?;
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::Problems(problems))
    }
}

fn conditional_assignment(count: i64, subject: &str) -> Problem {
    let message = format!(
        "{count} role assignments have conditions, for example one of `{subject}`; rows cannot depend on them, for SQL does not evaluate them"
    );
    let help = "remove the conditions; assignments that only end at some time are fine";
    Problem::new("conditional_warrants", message, help)
}

/// Resources of a type whose resources are rows from now on.
fn leftover(
    transaction: &mut Transaction<'_>,
    environment: i32,
    table: &Table,
) -> Result<Option<Problem>, postgres::Error> {
    let sql =
        "select id, count(*) over () from rowgate.resource where environment = $1 and type = $2 limit 1";
    let row = transaction.query_opt(sql, &[&environment, &table.resource_type])?;
    Ok(row.map(|row| {
        let (id, count): (String, i64) = (row.get(0), row.get(1));
        let slug = authz::type_slug(&table.resource_type).unwrap_or_default();
        let message = format!(
            "{count} resources of type `{slug}` are stored, for example {id}; the rows of `{}` would take their place",
            table.name
        );
        Problem::new("stored_resources", message, "delete them over the API first")
    }))
}
