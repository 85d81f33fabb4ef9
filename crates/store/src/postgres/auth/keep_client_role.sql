-- The second half of client_role.sql, run as the owner of the schemas `rowgate` and `auth`.
create function pg_temp.keep_client_role(client name, logins name[], password text) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    perform rowgate.assert_client_role(client);
    if exists (
        select from pg_roles r left join pg_auth_members m on m.member = r.oid
        where r.rolname = any (logins)
            and (r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb or r.rolreplication or not r.rolinherit
                or m.roleid <> (select c.oid from pg_roles c where c.rolname = client))
    ) then
        raise exception 'a login of the role % exists already, with rights of its own', quote_ident(client)
            using errcode = 'invalid_parameter_value', hint = format('Drop the roles whose names begin with %s_.', client);
    end if;
    if exists (select from pg_namespace where nspname = 'auth' and nspowner = 'rowgate_owner'::regrole) then
        execute format('grant usage on schema auth to %I', client);
        execute format('grant execute on all routines in schema auth to %I', client);
    else
        execute format('grant usage on schema rowgate_client to %I', client);
        execute format('grant execute on all functions in schema rowgate_client to %I', client);
    end if;
    insert into rowgate.client_role as r (role, logins, password) values ($1, $2, $3)
        on conflict (role) do update set logins = excluded.logins, password = excluded.password;
end $$;
