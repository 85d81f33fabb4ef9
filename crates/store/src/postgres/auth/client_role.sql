-- Makes a role that clients have, such as `authenticated`, or brings it up to date. Run by who installs, as itself: it creates roles.
--
-- A client's SQL never runs in a session that shares its login with another client's: whoever has the same login sees the other's
-- queries in pg_stat_activity and may end its session. So each session has a login of its own, a member of the client role with a limit of
-- one connection. It acts as the client role, and gains nothing by going back to its login.
-- `known`: the password that the logins have, if they have one.
create function pg_temp.make_client_role(
    client name, sessions integer, schemas name[], known text, out logins name[], out password text
)
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    database constant name := current_database();
    -- Roles belong to all databases of a server, logins to one.
    number   constant text := (select d.oid::text from pg_database d where d.datname = database);
    login    name;
    area     name;
    setting  text;
begin
    if client !~ '^[A-Za-z_][A-Za-z0-9_]{0,39}$' then
        raise exception 'the role % cannot be a client role', quote_literal(client) using errcode = 'invalid_parameter_value',
            hint = 'Its name has at most 40 letters, digits and _.';
    end if;
    if sessions is null or sessions not between 1 and 200 then
        raise exception 'a client role has 1 to 200 sessions, not %', sessions using errcode = 'invalid_parameter_value';
    end if;
    if not exists (select from pg_roles r where r.rolname = client) then
        begin
            execute format('create role %I nologin', client);
        exception when duplicate_object or unique_violation then
            -- Another database of the server is just getting it, too.
            null;
        end;
    end if;
    foreach area in array schemas loop
        execute format('grant usage on schema %I to %I', area, client);
        execute format('grant select, insert, update, delete on all tables in schema %I to %I', area, client);
        execute format('grant usage, select on all sequences in schema %I to %I', area, client);
        execute format('alter default privileges in schema %I grant select, insert, update, delete on tables to %I', area, client);
        execute format('alter default privileges in schema %I grant usage, select on sequences to %I', area, client);
    end loop;
    password := coalesce(known, replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''));
    for i in 1 .. sessions loop
        login := format('%s_%s_%s', client, number, i);
        logins := logins || login;
        if not exists (select from pg_roles r where r.rolname = login) then
            execute format('create role %I', login);
        end if;
        execute format('alter role %I login connection limit 1 password %L', login, password);
        execute format('grant %I to %I', client, login);
        -- So that the owner's functions can tell when the session began, and end it.
        execute format('grant %I to rowgate_owner', login);
        foreach setting in array array[
            $s$default_transaction_isolation = 'repeatable read'$s$,
            $s$statement_timeout = '15s'$s$,
            $s$idle_in_transaction_session_timeout = '30s'$s$
        ] loop
            execute format('alter role %I in database %I set %s', login, database, setting);
        end loop;
    end loop;
end $$;
