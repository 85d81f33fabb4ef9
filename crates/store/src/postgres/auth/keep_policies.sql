-- Keeps clients from running DROP OWNED and ALTER DEFAULT PRIVILEGES. Run by a superuser: nobody else may make event triggers.
--
-- A role that policies name may run `drop owned by current_user`, and Postgres then takes the role out of all policies that name it, whoever owns
-- them: permissive ones no longer show anybody their rows, and restrictive ones no longer hide any. No privilege forbids it.
--
-- Default privileges are those of the role, which all its users share: what one of them sets stays in pg_default_acl, and grants to everybody, say,
-- what the next one makes.
--
-- The function has the rights of the caller, and names nothing that anybody but a superuser can replace. A client's session is known by its login,
-- which it cannot change: `authenticated_16384_7` for role `authenticated`, as install names them.
-- Made anew, so that it is the superuser's.
drop event trigger if exists rowgate_keep_policies;
drop function if exists rowgate.keep_policies();
create function rowgate.keep_policies() returns event_trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    parts text[] := regexp_match(session_user::text, '^(.+)_([0-9]+)_[0-9]+$');
begin
    if exists (
        select from pg_catalog.pg_auth_members m
        join pg_catalog.pg_roles client on client.oid = m.roleid and client.rolname = parts[1]
        join pg_catalog.pg_roles login on login.oid = m.member and login.rolname = session_user
        join pg_catalog.pg_database d on d.oid::text = parts[2] and d.datname = current_database()
    ) then
        raise exception 'clients cannot run %', tg_tag using errcode = 'insufficient_privilege',
            hint = case tg_tag
                when 'DROP OWNED' then 'It would take the role out of the policies of all tables. Drop what is yours by its name.'
                else 'It would hold for all users of the role, for good. Grant what is yours by its name.' end;
    end if;
end $$;

create event trigger rowgate_keep_policies on ddl_command_start when tag in ('DROP OWNED', 'ALTER DEFAULT PRIVILEGES')
    execute function rowgate.keep_policies();
-- Also where a superuser has switched triggers off for a replica.
alter event trigger rowgate_keep_policies enable always;
