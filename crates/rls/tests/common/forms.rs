//! The forms of a condition among which the planner is told to choose.

#![allow(dead_code, reason = "each test file uses its part")]

use postgres::Client;

/// Has every set be large and every statement a page from now on, until `apply` puts that right: conditions have the form that is never chosen
/// in a small world.
pub fn of_much(admin: &mut Client) {
    always(admin, "proname = 'page' or proname like '%\\_broad'");
}

/// Has every statement name rows by their key.
pub fn of_keys(admin: &mut Client) {
    always(admin, "proname like '%\\_by\\_key\\_%'");
}

fn always(admin: &mut Client, which: &str) {
    let sql = format!(
        "do $$ declare f regprocedure; begin
            for f in select oid from pg_proc where pronamespace = 'rowgate_rls'::regnamespace and ({which}) loop
                execute format('create or replace function %s returns boolean language sql immutable return true', f);
            end loop;
        end $$"
    );
    admin.batch_execute(&sql).unwrap();
}

/// Has the time be over, from the beginning, in which keys are looked up before their set is listed.
pub fn of_later_rows(admin: &mut Client) {
    let sql = "do $$ declare p record; begin
        for p in select format('alter policy %I on %I.%I', policyname, schemaname, tablename)
                || coalesce(' using (' || replace(qual, '00:00:00.002', '-1 day') || ')', '')
                || coalesce(' with check (' || replace(with_check, '00:00:00.002', '-1 day') || ')', '') as sql
            from pg_policies where strpos(coalesce(qual, '') || coalesce(with_check, ''), '00:00:00.002') > 0 loop
            execute p.sql;
        end loop;
    end $$";
    admin.batch_execute(sql).unwrap();
}
