//! The forms of a condition among which the planner is told to choose.

use postgres::Client;

/// Has every set be large and every statement a page from now on, until `apply` puts that right: conditions have the form that is never chosen
/// in a small world.
pub fn of_much(admin: &mut Client) {
    let sql = "do $$ declare f regprocedure; begin
        for f in select oid from pg_proc where pronamespace = 'rowgate_rls'::regnamespace and (proname in ('page', 'many') or proname like '%\\_broad') loop
            execute format('create or replace function %s returns boolean language sql immutable return true', f);
        end loop;
    end $$";
    admin.batch_execute(sql).unwrap();
}
