//! A database with the data in it, guarded by Rowgate and, for other roles, by policies that were written by hand.

use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, anyhow};
use postgres::Client;
use postgres::binary_copy::BinaryCopyInWriter;
use postgres::types::{ToSql, Type};
use rowgate_pgtest::{Cluster, Database};
use rowgate_store::postgres::install::{Grants as Roles, install};

use super::data::{self, Grants, PROJECTS, Subject, Tickets};
use super::least;

/// The schema.
pub const SCHEMA: &str = include_str!("schema.txt");
const BINDINGS: &str = include_str!("rowgate.toml");
const BOUND: &str = include_str!("bound.toml");
const TABLES: &str = include_str!("tables.sql");
const INDEXES: &str = include_str!("indexes.sql");
const POLICIES: &str = include_str!("policies.sql");

/// When the first ticket was made, in seconds since 1970. One follows each second.
const FIRST: u64 = 1_735_689_600;

/// Those who run statements. Only `bench_plain` is beyond policies.
const ROLES: &str = "do $$ begin
    create role bench_server login;
    create role bench_app login;
    create role bench_plain login bypassrls;
    create role bench_function login;
    create role bench_check login;
    create role bench_correlated login;
    create role bench_array login;
    create role bench_hash login;
    create role bench_exists login;
    create role bench_chosen login;
    create role bench_private login;
    create role bench_private_chosen login;
exception when duplicate_object then null; end $$";

/// Those of them who ask Rowgate who asks.
const ASK_WHO: [&str; 8] = [
    "bench_app",
    "bench_check",
    "bench_array",
    "bench_hash",
    "bench_exists",
    "bench_chosen",
    "bench_private",
    "bench_private_chosen",
];

/// A database with so many tickets.
pub fn database(cluster: &Cluster, tickets: Tickets) -> Result<Database> {
    let database = cluster.database("tickets");
    let mut admin = database.client();
    admin.batch_execute(ROLES)?;
    let roles = Roles {
        servers: vec!["bench_server".into()],
        apps: ASK_WHO.map(str::to_owned).into(),
        ..Roles::default()
    };
    install(database.url(), &roles)?;
    admin.execute(
        "insert into rowgate.environment (name, uid, created_at) values ('default', 'bench', 0)",
        &[],
    )?;
    rows(&mut admin, tickets)?;
    memberships(&mut admin, tickets)?;
    admin.batch_execute(INDEXES)?;
    admin.execute(
        "select setval(pg_get_serial_sequence('ticket', 'id'), $1)",
        &[&tickets.rows()],
    )?;
    admin.batch_execute(
        "grant select, insert, update on ticket to bench_app, bench_plain, bench_function, bench_check, bench_correlated",
    )?;
    guard(&mut admin)?;
    // One by one: not in a transaction.
    for sql in ["vacuum (analyze)", "checkpoint"] {
        admin.batch_execute(sql)?;
    }
    Ok(database)
}

/// Puts Rowgate's policies into force with its own code, and then those that were written by hand.
fn guard(admin: &mut Client) -> Result<()> {
    apply(admin, BINDINGS, false)?;
    admin.batch_execute(POLICIES)?;
    admin.batch_execute(&least::sql())?;
    Ok(())
}

/// Has the application's own tables of memberships say who is a member, and no warrant any more.
pub fn bind_memberships(database: &Database) -> Result<()> {
    let mut admin = database.client();
    admin.batch_execute("delete from rowgate.warrant")?;
    apply(&mut admin, BOUND, true)?;
    admin.batch_execute("vacuum (analyze)")?;
    Ok(())
}

fn apply(admin: &mut Client, bindings: &str, keep_existing: bool) -> Result<()> {
    let (model, _) = rowgate_schema::compile(SCHEMA).map_err(|errors| anyhow!("{errors:?}"))?;
    let bindings = rowgate_rls::Bindings::parse_toml(bindings).map_err(|errors| anyhow!("{errors:?}"))?;
    let request = rowgate_rls::Request {
        bindings: &bindings,
        schema: Some(&model),
        keep_existing,
    };
    rowgate_rls::apply(admin, &request).map_err(|error| anyhow!("{error}"))?;
    Ok(())
}

/// Projects and tickets. In the transaction that makes the tables, so that nothing goes through the log.
fn rows(admin: &mut Client, tickets: Tickets) -> Result<()> {
    let mut transaction = admin.transaction()?;
    transaction.batch_execute(TABLES)?;
    let into = transaction.copy_in("copy project from stdin (format binary)")?;
    let mut copy = BinaryCopyInWriter::new(into, &[Type::INT8, Type::INT8]);
    for project in 1..=PROJECTS {
        copy.write(&[&project, &data::organization(project)])?;
    }
    copy.finish()?;
    transaction.batch_execute("insert into organization select distinct org_id from project")?;
    let into = transaction
        .copy_in("copy ticket (id, project_id, title, status, created_at) from stdin (format binary)")?;
    let types = [Type::INT8, Type::INT8, Type::TEXT, Type::TEXT, Type::TIMESTAMPTZ];
    let mut copy = BinaryCopyInWriter::new(into, &types);
    for ticket in 1..=tickets.rows() {
        let title = format!("Ticket number {ticket}");
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(FIRST + ticket.unsigned_abs());
        copy.write(&[&ticket, &tickets.project(ticket), &title, &"open", &at])?;
    }
    copy.finish()?;
    transaction.commit()?;
    Ok(())
}

/// What everybody was granted: for Rowgate as warrants, beside it as the rows that an application would have.
fn memberships(admin: &mut Client, tickets: Tickets) -> Result<()> {
    let own = Subject::ALL
        .into_iter()
        .map(|subject| (subject.id().to_owned(), subject.grants()));
    let all: Vec<(String, Grants)> = own.chain((0..tickets.others()).map(data::others)).collect();
    let mut transaction = admin.transaction()?;
    let pairs = [
        (
            "project_member",
            (|grants| &grants.projects) as fn(&Grants) -> &Vec<i64>,
        ),
        ("org_member", |grants| &grants.organizations),
    ];
    for (table, granted) in pairs {
        let into = transaction.copy_in(&format!("copy {table} from stdin (format binary)"))?;
        let mut copy = BinaryCopyInWriter::new(into, &[Type::TEXT, Type::INT8]);
        for (user, grants) in &all {
            for to in granted(grants) {
                copy.write(&[user, to])?;
            }
        }
        copy.finish()?;
    }
    // As an import leaves them, which would take minutes for a million.
    let into = transaction.copy_in(
        "copy rowgate.warrant (environment, resource_type, resource_id, relation, subject_type, subject_id, subject_relation, policy, created_at) \
         from stdin (format binary)",
    )?;
    let mut types = vec![Type::INT4];
    types.extend(vec![Type::TEXT; 7]);
    types.push(Type::INT8);
    let mut copy = BinaryCopyInWriter::new(into, &types);
    for (user, grants) in &all {
        let projects = grants.projects.iter().map(|id| ("project", id, "viewer"));
        let organizations = grants
            .organizations
            .iter()
            .map(|id| ("organization", id, "member"));
        for (resource_type, id, relation) in projects.chain(organizations) {
            let id = id.to_string();
            let warrant: [&(dyn ToSql + Sync); 9] = [
                &1_i32,
                &resource_type,
                &id,
                &relation,
                &"user",
                user,
                &"",
                &"",
                &0_i64,
            ];
            copy.write(&warrant)?;
        }
    }
    copy.finish()?;
    transaction.commit()?;
    Ok(())
}

/// Loads, and says how long that took, in seconds.
pub fn timed(cluster: &Cluster, tickets: Tickets) -> Result<(Database, f64)> {
    let started = Instant::now();
    let database = database(cluster, tickets).context("loading the data")?;
    Ok((database, started.elapsed().as_secs_f64()))
}
