//! The ticketing application: admins, agents and customers, with nothing but `select … from ticket`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Asker, Site};
use rowgate_pgtest::versions;

const SCHEMA: &str = "version 0.3
type user
type ticket
    relation assignee [user]
    relation creator [user]
    relation parent [organization]
    relation viewer [user]
    relation editor []
    inherit viewer if
        any_of
            relation creator
            relation assignee
            relation admin on parent [organization]
            relation agent on parent [organization]
            relation member on parent [organization]
    inherit editor if
        any_of
            relation assignee
            relation admin on parent [organization]
type organization
    relation admin [user]
    relation agent [user]
    relation member [user]
";

const BINDINGS: &str = r#"
roles = ["ROLE"]
[subject]
type = "user"
[[table]]
name = "public.Ticket"
type = "ticket"
id = "id"
[table.relations]
creator = { column = "creatorId", type = "user" }
assignee = { column = "assigneeId", type = "user" }
parent = { column = "orgId", type = "organization" }
[table.policies]
select = "viewer"
insert = "creator"
update = "editor"
delete = "editor"
"#;

const TABLES: &str = r#"
create table "Ticket" (id text primary key, title text not null, "orgId" text not null, "assigneeId" text, "creatorId" text not null);
create index on "Ticket" ("orgId");
create index on "Ticket" ("assigneeId");
create index on "Ticket" ("creatorId");
insert into "Ticket" values
    ('t1', 'one', 'acme', 'agent', 'cust'),
    ('t2', 'two', 'acme', null, 'other'),
    ('t3', 'three', 'globex', 'agent', 'other'),
    ('t4', 'four', 'globex', null, 'cust');
"#;

fn site(version: rowgate_pgtest::Version, name: &str) -> Site {
    let mut site = Site::new(version, name, TABLES);
    site.apply(SCHEMA, BINDINGS).unwrap();
    site.warrants(&[
        "organization:acme#admin@user:root",
        "organization:globex#admin@user:root",
        "organization:acme#agent@user:agent",
        "ticket:t3#viewer@user:guest",
    ]);
    site
}

#[test]
fn everybody_sees_exactly_their_tickets() {
    for version in versions() {
        let site = site(version, "ticketing");
        let tickets = |asker: &Asker| site.ask(asker, r#"select id from "Ticket" order by title limit 50"#);
        assert_eq!(tickets(&Asker::user("root")), ["t1", "t2", "t3", "t4"]);
        assert_eq!(tickets(&Asker::user("agent")), ["t1", "t2", "t3"]);
        assert_eq!(tickets(&Asker::user("cust")), ["t1", "t4"]);
        assert_eq!(tickets(&Asker::user("guest")), ["t3"]);
        assert!(tickets(&Asker::user("stranger")).is_empty());
        assert!(tickets(&Asker::nobody()).is_empty());
    }
}

#[test]
fn commands_are_guarded_by_their_relations() {
    for version in versions() {
        let site = site(version, "commands");
        let update = |who: &str| {
            site.ask(
                &Asker::user(who),
                r#"update "Ticket" set title = title || '!' returning id"#,
            )
        };
        assert_eq!(update("agent"), ["t1", "t3"]);
        assert_eq!(update("root"), ["t1", "t2", "t3", "t4"]);
        assert!(update("cust").is_empty());
        let delete = |who: &str| site.ask(&Asker::user(who), r#"delete from "Ticket" returning id"#);
        assert_eq!(delete("agent"), ["t1", "t3"]);
        assert!(delete("guest").is_empty());
        let insert = r#"insert into "Ticket" values ('t9', 'nine', 'acme', null, 'cust') returning id"#;
        assert_eq!(site.ask(&Asker::user("cust"), insert), ["t9"]);
        let error = site.try_ask(&Asker::user("other"), insert).unwrap_err();
        assert!(
            error
                .as_db_error()
                .unwrap()
                .message()
                .contains("row-level security"),
            "{error}"
        );
        // An assignee may not hand a ticket on to a state in which they could not edit it.
        let hand_on = r#"update "Ticket" set "assigneeId" = 'other' where id = 't3' returning id"#;
        assert!(site.try_ask(&Asker::user("agent"), hand_on).is_err());
    }
}

#[test]
fn a_grant_counts_at_once_inside_its_transaction_and_not_outside() {
    for version in versions() {
        let mut site = site(version, "grants");
        let asker = Asker::user("new");
        let mut client = site.database.client();
        let mut transaction = client.transaction().unwrap();
        transaction
            .execute(
                "select rowgate.create_warrant('organization:globex', 'member', 'user:new')",
                &[],
            )
            .unwrap();
        transaction
            .batch_execute(&format!("set local role {}", site.role))
            .unwrap();
        common::sign_in(&mut transaction, &asker).unwrap();
        let rows = transaction.query(r#"select id from "Ticket""#, &[]).unwrap();
        assert_eq!(rows.len(), 2);
        assert!(site.ask(&asker, r#"select id from "Ticket""#).is_empty());
        transaction.rollback().unwrap();
        assert!(site.ask(&asker, r#"select id from "Ticket""#).is_empty());
        site.warrants(&["organization:globex#member@user:new"]);
        assert_eq!(site.ask(&asker, r#"select id from "Ticket""#), ["t3", "t4"]);
    }
}

#[test]
fn applying_again_changes_nothing_and_dropping_undoes_it() {
    for version in versions() {
        let mut site = site(version, "again");
        let dump = |site: &mut Site| {
            let sql = "select coalesce(string_agg(d, E'\\n' order by d), '') from (
                select format('%s %s %s %s', tablename, policyname, qual, with_check) d from pg_policies
                union all select pg_get_functiondef(p.oid) from pg_proc p where pronamespace in ('rowgate_rls'::regnamespace, 'rowgate'::regnamespace)
                union all select format('%s %s %s', relname, relrowsecurity, relforcerowsecurity) from pg_class where relnamespace = 'public'::regnamespace
                union all select format('%s %s', document, bindings) from rowgate.schema
                union all select format('pending %s', count(*)) from rowgate.pending where change in ('schema', 'bindings')) d";
            site.admin.query_one(sql, &[]).unwrap().get::<_, String>(0)
        };
        let before = dump(&mut site);
        site.apply(SCHEMA, BINDINGS).unwrap();
        assert_eq!(dump(&mut site), before);
        rowgate_rls::drop(&mut site.admin, "default").unwrap();
        let after = dump(&mut site);
        assert!(
            !after.contains("rowgate_select") && !after.contains("rowgate_rls."),
            "{after}"
        );
        assert!(after.contains("Ticket f f"), "{after}");
        assert_eq!(site.ask(&Asker::nobody(), r#"select id from "Ticket""#).len(), 4);
        rowgate_rls::drop(&mut site.admin, "default").unwrap();
    }
}

#[test]
fn a_guarded_role_can_call_nothing_internal() {
    for version in versions() {
        let site = site(version, "internal");
        let asker = Asker::user("agent");
        for sql in [
            "select resource_id from rowgate.warrant",
            "select rowgate_rls.row_exists('ticket', 't4')::text",
            "select subject_id from rowgate_rls.edges('ticket', 't4', 'creator')",
            "select rowgate.bound_to(1, 'ticket', 'creator')",
            "select id from rowgate.resource",
            "set local role rowgate_reader",
        ] {
            let error = site.try_ask(&asker, sql).unwrap_err();
            let code = error.code().unwrap();
            assert_eq!(
                *code,
                postgres::error::SqlState::INSUFFICIENT_PRIVILEGE,
                "{sql}: {error}"
            );
        }
    }
}
