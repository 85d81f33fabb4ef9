-- Where the extension pg_session_jwt answers who asks, the schema `auth` is its own, and what a server needs to know of a client's session
-- lies in a schema of ours. Run by `rowgate pg install`.

create schema if not exists rowgate_client authorization rowgate_owner;
set local role rowgate_owner;

-- This session, as auth.connection() names it elsewhere: its process, and when that started. For rowgate.end_session().
create or replace function rowgate_client.connection() returns text
    language sql stable parallel restricted security definer set search_path = pg_catalog, pg_temp
    begin atomic
        select a.pid || ' ' || (extract(epoch from a.backend_start) * 1000000)::bigint from pg_stat_get_activity(pg_backend_pid()) a;
    end;

revoke all on all functions in schema rowgate_client from public;
