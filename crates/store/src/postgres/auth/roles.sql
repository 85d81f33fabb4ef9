-- What a server has to know about the roles that clients have, and what it may do to their sessions.

-- Refuses a role that can do more than a client should.
create function rowgate.assert_client_role(client name) returns void
    language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    fault text;
begin
    select case
            when r.rolsuper then 'it is a superuser'
            when r.rolbypassrls then 'it bypasses row-level security'
            when r.rolcreaterole then 'it may create roles'
            when r.rolreplication then 'it may replicate'
            else format('it is a member of %s', m.roleid::regrole)
        end into fault
        from pg_roles r left join pg_auth_members m on m.member = r.oid
        where r.rolname = client and (r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolreplication or m.roleid is not null)
        limit 1;
    if found then
        raise exception 'the role % cannot be a client role: %', quote_ident(client), fault using errcode = 'invalid_parameter_value',
            hint = 'A client role has no rights but what is granted on tables. Take that away, or choose another role.';
    end if;
end $$;

-- The client roles with what a server needs to log in. Refuses when one of them has got rights that a client must not have.
create function rowgate.client_roles() returns table (role name, logins name[], password text)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    perform rowgate.assert_client_role(c.role) from rowgate.client_role c;
    return query select c.role, c.logins, c.password from rowgate.client_role c order by c.role;
end $$;

-- Ends a client's session that goes on when it is told to cancel: a block of PL/pgSQL can swallow a cancellation. Names it as
-- auth.connection() does, so that no later session with the same process id is met.
create function rowgate.end_session(connection text) returns boolean
    language sql security definer set search_path = pg_catalog, pg_temp
    begin atomic
        select coalesce(bool_or(pg_terminate_backend(a.pid)), false)
        from pg_stat_get_activity(split_part(connection, ' ', 1)::integer) a
            join pg_roles r on r.oid = a.usesysid
            join rowgate.client_role c on r.rolname = any (c.logins)
        where connection = a.pid || ' ' || (extract(epoch from a.backend_start) * 1000000)::bigint;
    end;

revoke all on function rowgate.assert_client_role, rowgate.client_roles, rowgate.end_session from public;
grant execute on function rowgate.client_roles, rowgate.end_session to rowgate_server;
