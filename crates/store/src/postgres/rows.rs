//! Writing rows, many in one statement.

use super::environments;
use super::failure::Result;
use super::net::{Name, Net, Resource};
use super::session::Tx;
use crate::{Commit, WarrantKey, encode_commit};

/// A commit about to be stored, and where it comes from.
pub(super) struct Entry<'a> {
    pub(super) commit: &'a Commit,
    /// The application's transaction that it was made by.
    pub(super) xid: Option<String>,
    /// What identifies the turn of the server that it was made by.
    pub(super) writer: Option<&'a str>,
}

/// Makes the rows say what the commits say.
pub(super) fn write(tx: &mut Tx<'_>, environment: i32, net: &Net<'_>) -> Result<()> {
    documents(tx, environment, net)?;
    delete_resources(tx, environment, net)?;
    delete_warrants(tx, environment, net)?;
    create_warrants(tx, environment, net)?;
    resources(tx, environment, net)
}

fn documents(tx: &mut Tx<'_>, environment: i32, net: &Net<'_>) -> Result<()> {
    if let Some(schema) = net.schema {
        tx.execute("select rowgate.put_schema($1, $2)", &[&environment, &schema])?;
    }
    if let Some(bindings) = net.bindings {
        let sql = "update rowgate.schema set bindings = $2 where environment = $1";
        tx.execute(sql, &[&environment, &bindings])?;
    }
    Ok(())
}

fn delete_resources(tx: &mut Tx<'_>, environment: i32, net: &Net<'_>) -> Result<()> {
    if net.deleted.is_empty() {
        return Ok(());
    }
    let (types, ids): (Vec<&str>, Vec<&str>) = net.deleted.iter().copied().unzip();
    for sql in [
        "delete from rowgate.warrant w using unnest($2::text[], $3::text[]) gone (type, id) \
         where w.environment = $1 and w.resource_type = gone.type and w.resource_id = gone.id",
        "delete from rowgate.warrant w using unnest($2::text[], $3::text[]) gone (type, id) \
         where w.environment = $1 and w.subject_type = gone.type and w.subject_id = gone.id",
        "delete from rowgate.resource r using unnest($2::text[], $3::text[]) gone (type, id) \
         where r.environment = $1 and r.type = gone.type and r.id = gone.id",
    ] {
        tx.execute(sql, &[&environment, &types, &ids])?;
    }
    Ok(())
}

/// Warrants as arrays, one for each column.
#[derive(Default)]
struct Columns<'a> {
    resource_type: Vec<&'a str>,
    resource_id: Vec<&'a str>,
    relation: Vec<&'a str>,
    subject_type: Vec<&'a str>,
    subject_id: Vec<&'a str>,
    subject_relation: Vec<&'a str>,
    policy: Vec<&'a str>,
    created_at: Vec<i64>,
}

impl<'a> Columns<'a> {
    fn push(&mut self, key: &'a WarrantKey, created_at: i64) {
        self.resource_type.push(&key.resource_type);
        self.resource_id.push(&key.resource_id);
        self.relation.push(&key.relation);
        self.subject_type.push(&key.subject_type);
        self.subject_id.push(&key.subject_id);
        self.subject_relation
            .push(key.subject_relation.as_deref().unwrap_or(""));
        self.policy.push(key.policy.as_deref().unwrap_or(""));
        self.created_at.push(created_at);
    }
}

fn delete_warrants(tx: &mut Tx<'_>, environment: i32, net: &Net<'_>) -> Result<()> {
    if net.deleted_warrants.is_empty() {
        return Ok(());
    }
    let mut columns = Columns::default();
    for key in &net.deleted_warrants {
        columns.push(key, 0);
    }
    let sql = "delete from rowgate.warrant w \
               using unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[]) \
                   gone (resource_type, resource_id, relation, subject_type, subject_id, subject_relation, policy) \
               where w.environment = $1 and w.resource_type = gone.resource_type and w.resource_id = gone.resource_id \
                   and w.relation = gone.relation and w.subject_type = gone.subject_type \
                   and w.subject_id = gone.subject_id and w.subject_relation = gone.subject_relation \
                   and w.policy_hash = case when gone.policy = '' then ''::bytea \
                       else sha256(convert_to(gone.policy, 'UTF8')) end";
    tx.execute(
        sql,
        &[
            &environment,
            &columns.resource_type,
            &columns.resource_id,
            &columns.relation,
            &columns.subject_type,
            &columns.subject_id,
            &columns.subject_relation,
            &columns.policy,
        ],
    )?;
    Ok(())
}

fn create_warrants(tx: &mut Tx<'_>, environment: i32, net: &Net<'_>) -> Result<()> {
    if net.warrants.is_empty() {
        return Ok(());
    }
    let mut columns = Columns::default();
    for (key, created_at) in &net.warrants {
        columns.push(key, *created_at);
    }
    let sql = "insert into rowgate.warrant (environment, resource_type, resource_id, relation, subject_type, subject_id, \
                   subject_relation, policy, policy_hash, created_at) \
               select $1, resource_type, resource_id, relation, subject_type, subject_id, subject_relation, policy, \
                   case when policy = '' then ''::bytea else sha256(convert_to(policy, 'UTF8')) end, created_at \
               from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], \
                   $9::bigint[]) made (resource_type, resource_id, relation, subject_type, subject_id, \
                   subject_relation, policy, created_at) \
               on conflict do nothing";
    tx.execute(
        sql,
        &[
            &environment,
            &columns.resource_type,
            &columns.resource_id,
            &columns.relation,
            &columns.subject_type,
            &columns.subject_id,
            &columns.subject_relation,
            &columns.policy,
            &columns.created_at,
        ],
    )?;
    Ok(())
}

/// Makes sure that resources are there, and have the metadata that was put.
pub(super) fn resources(tx: &mut Tx<'_>, environment: i32, net: &Net<'_>) -> Result<()> {
    let named = |with_meta: bool| {
        let chosen = net.resources.iter();
        chosen.filter(move |(_, resource)| resource.meta.is_some() == with_meta)
    };
    let ensured: Vec<(Name<'_>, Resource<'_>)> = named(false).map(|(name, of)| (*name, *of)).collect();
    let put: Vec<(Name<'_>, Resource<'_>)> = named(true).map(|(name, of)| (*name, *of)).collect();
    let ensure = "insert into rowgate.resource (environment, type, id, meta, created_at) \
                  select $1, type, id, meta, created_at \
                  from unnest($2::text[], $3::text[], $4::text[], $5::bigint[]) made (type, id, meta, created_at) \
                  on conflict do nothing";
    let replace = "insert into rowgate.resource (environment, type, id, meta, created_at) \
                   select $1, type, id, meta, created_at \
                   from unnest($2::text[], $3::text[], $4::text[], $5::bigint[]) made (type, id, meta, created_at) \
                   on conflict (environment, type, id) do update set meta = excluded.meta";
    for (sql, chosen) in [(ensure, ensured), (replace, put)] {
        if chosen.is_empty() {
            continue;
        }
        let types: Vec<&str> = chosen.iter().map(|((kind, _), _)| *kind).collect();
        let ids: Vec<&str> = chosen.iter().map(|((_, id), _)| *id).collect();
        let metas: Vec<Option<&str>> = chosen.iter().map(|(_, of)| of.meta.flatten()).collect();
        let times: Vec<i64> = chosen.iter().map(|(_, of)| of.created_at).collect();
        tx.execute(sql, &[&environment, &types, &ids, &metas, &times])?;
    }
    Ok(())
}

/// Appends commits to the log and moves its head. They follow it, and the lock of the log is held.
pub(super) fn append(tx: &mut Tx<'_>, environment: i32, entries: &[Entry<'_>]) -> Result<()> {
    let Some(last) = entries.last() else { return Ok(()) };
    let revisions: Vec<i64> = entries
        .iter()
        .map(|entry| super::log::as_number(entry.commit.revision))
        .collect();
    let times: Vec<i64> = entries.iter().map(|entry| entry.commit.at).collect();
    let changes: Vec<Vec<u8>> = entries.iter().map(|entry| encode_commit(entry.commit)).collect();
    let xids: Vec<Option<&str>> = entries.iter().map(|entry| entry.xid.as_deref()).collect();
    let writers: Vec<Option<&str>> = entries.iter().map(|entry| entry.writer).collect();
    let sql = "insert into rowgate.commit (environment, revision, at, changes, xid, writer) \
               select $1, revision, at, changes, xid::xid8, writer::uuid \
               from unnest($2::bigint[], $3::bigint[], $4::bytea[], $5::text[], $6::text[]) \
                   made (revision, at, changes, xid, writer)";
    tx.execute(
        sql,
        &[&environment, &revisions, &times, &changes, &xids, &writers],
    )?;
    super::audit::file(tx, environment, entries)?;
    let head = super::log::as_number(last.commit.revision);
    let sql = "update rowgate.environment set head = $2 where id = $1";
    if tx.execute(sql, &[&environment, &head])? != 1 {
        return Err(environments::unknown(last.commit.environment));
    }
    tx.execute(
        "select pg_notify('rowgate', $1::text)",
        &[&environment.to_string()],
    )?;
    Ok(())
}
