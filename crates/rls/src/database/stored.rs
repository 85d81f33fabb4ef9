//! Stored warrants that SQL cannot answer for: those with policies, and those of groups and other subjects that the schema does not accept.

use std::collections::BTreeSet;

use postgres::Transaction;
use rowgate_binding::{RelationRef, Resolved, Table, accepted_groups, authz};
use rowgate_schema::Model;

use crate::error::{Error, Problem};
use crate::sql::within;

/// What stands in the way of answers in SQL, with an example of each.
pub(super) fn check(
    transaction: &mut Transaction<'_>,
    environment: i32,
    resolved: &Resolved,
) -> Result<(), Error> {
    let relations: BTreeSet<&RelationRef> = resolved
        .dependencies()
        .iter()
        .flat_map(|dependency| &dependency.relations)
        .collect();
    let failed = || Error::database("looking at stored warrants");
    super::run_as(transaction, None, "set local role rowgate_owner").map_err(failed())?;
    let mut problems = Vec::new();
    for of in relations {
        if resolved.is_bound(&of.resource_type, &of.relation) {
            continue;
        }
        let model = resolved.model();
        problems.extend(conditional(transaction, environment, of).map_err(failed())?);
        problems.extend(stray_group(transaction, environment, model, of).map_err(failed())?);
        problems.extend(stray_subject(transaction, environment, model, of).map_err(failed())?);
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

type Found = Result<Option<Problem>, postgres::Error>;

/// Warrants with policies, other than role assignments that end.
fn conditional(transaction: &mut Transaction<'_>, environment: i32, of: &RelationRef) -> Found {
    let RelationRef {
        resource_type,
        relation,
    } = of;
    let sql = "select resource_id, subject_type, subject_id, count(*) over () from rowgate.warrant \
               where environment = $1 and resource_type = $2 and relation = $3 and policy_hash <> ''::bytea \
               and not ($4 and policy ~ $5) limit 1";
    let ends = resource_type == authz::GRANT && relation == authz::relation::MEMBER;
    let row = transaction.query_opt(
        sql,
        &[&environment, resource_type, relation, &ends, &within::until()],
    )?;
    Ok(row.map(|row| {
        let (id, ty, subject): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        let count: i64 = row.get(3);
        if ends {
            return conditional_assignment(count, &subject);
        }
        let message = format!(
            "{count} warrants of `{resource_type}#{relation}` have policies, for example {resource_type}:{id}#{relation}@{ty}:{subject}; \
             rows cannot depend on them, for SQL does not evaluate the policies of warrants"
        );
        Problem::new(
            "conditional_warrants",
            message,
            "delete them, or say the condition in a policy of the schema",
        )
    }))
}

/// Warrants of groups that the schema would not accept now.
fn stray_group(
    transaction: &mut Transaction<'_>,
    environment: i32,
    model: &Model,
    of: &RelationRef,
) -> Found {
    let RelationRef {
        resource_type,
        relation,
    } = of;
    let known = accepted_groups(model, resource_type, relation);
    let (types, relations): (Vec<String>, Vec<String>) = known.into_iter().unzip();
    let sql = "select resource_id, subject_type, subject_id, subject_relation, count(*) over () from rowgate.warrant w \
               where environment = $1 and resource_type = $2 and relation = $3 and subject_relation <> '' \
               and not exists (select from unnest($4::text[], $5::text[]) k (t, r) where k.t = w.subject_type and k.r = w.subject_relation) limit 1";
    let row = transaction.query_opt(sql, &[&environment, resource_type, relation, &types, &relations])?;
    Ok(row.map(|row| {
        let (id, ty, subject, group): (String, String, String, String) =
            (row.get(0), row.get(1), row.get(2), row.get(3));
        let count: i64 = row.get(4);
        let message = format!(
            "{count} warrants of `{resource_type}#{relation}` name groups that the schema does not accept, \
             for example {resource_type}:{id}#{relation}@{ty}:{subject}#{group}"
        );
        Problem::new(
            "stray_groups",
            message,
            "delete them, or list the group in the relation's brackets",
        )
    }))
}

/// Warrants of subjects that the schema would not accept now: conditions are made as if there were none. What the authorization API
/// writes its brackets accept.
fn stray_subject(
    transaction: &mut Transaction<'_>,
    environment: i32,
    model: &Model,
    of: &RelationRef,
) -> Found {
    let RelationRef {
        resource_type,
        relation,
    } = of;
    let def = model.relation(resource_type, relation);
    let Some(allowed) = def.and_then(|def| def.allowed.as_ref()) else {
        return Ok(None);
    };
    if authz::is_reserved(resource_type) {
        return Ok(None);
    }
    let alone = allowed.iter().filter(|subject| subject.relation.is_none());
    let types: Vec<&str> = alone.map(|subject| subject.resource_type.text.as_str()).collect();
    let sql = "select resource_id, subject_type, subject_id, count(*) over () from rowgate.warrant \
               where environment = $1 and resource_type = $2 and relation = $3 and subject_relation = '' and subject_type <> all ($4::text[]) limit 1";
    let row = transaction.query_opt(sql, &[&environment, resource_type, relation, &types])?;
    Ok(row.map(|row| {
        let (id, ty, subject): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        let count: i64 = row.get(3);
        let message = format!(
            "{count} warrants of `{resource_type}#{relation}` name subjects that the schema does not accept, \
             for example {resource_type}:{id}#{relation}@{ty}:{subject}"
        );
        Problem::new(
            "stray_subjects",
            message,
            "delete them, or list the type in the relation's brackets",
        )
    }))
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
