-- Client roles have a right that other roles lack, but for superusers and members of a client role. Whether the claims of a session that are not
-- sealed are believed is asked in nearly every statement. A right is looked up in memory, where the table of client roles takes a query: it is
-- asked only about who has the right.

-- Nobody makes values of it. Logins have the right through their client role.
create type rowgate.client as ();
revoke all on type rowgate.client from public;

do $$
declare
    client name;
begin
    for client in select c.role from rowgate.client_role c join pg_roles r on r.rolname = c.role loop
        execute format('grant usage on type rowgate.client to %I', client);
    end loop;
end $$;

-- As before: see 0007_clients.sql.
create or replace function rowgate.unsealed_claims() returns jsonb
    language plpgsql stable parallel restricted set search_path = pg_catalog, pg_temp
as $$
declare
    claims constant text := nullif(current_setting('request.jwt.claims', true), '');
begin
    if claims is null or not pg_has_role(session_user, 'rowgate_app', 'member') then
        return 'null';
    end if;
    -- So has a superuser, and who may act as a client role.
    if has_type_privilege(session_user, 'rowgate.client'::regtype, 'usage') then
        if exists (select from rowgate.client_role c where session_user = c.role or session_user = any (c.logins)) then
            return 'null';
        end if;
    end if;
    return claims::jsonb;
exception when invalid_text_representation or untranslatable_character then
    return 'null';
end $$;

-- Refuses a client role that cannot be told from others: without the right itself, or with a login that does not have it through the role.
create function rowgate.assert_marked(client name, logins name[]) returns void
    language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    unmarked name;
begin
    select r.rolname into unmarked
        from pg_roles r
        where r.rolname = any (client || logins) and not has_type_privilege(r.oid, 'rowgate.client'::regtype, 'usage')
        limit 1;
    if found then
        raise exception 'the role % is not known as one of a client', quote_ident(unmarked) using errcode = 'invalid_parameter_value',
            hint = format('Make the client role %s again with `rowgate pg install`; its logins have to inherit its rights.', quote_ident(client));
    end if;
end $$;

create or replace function rowgate.client_roles() returns table (role name, logins name[], password text)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    perform rowgate.assert_client_role(c.role) from rowgate.client_role c;
    perform rowgate.assert_marked(c.role, c.logins) from rowgate.client_role c;
    return query select c.role, c.logins, c.password from rowgate.client_role c order by c.role;
end $$;

revoke all on function rowgate.assert_marked from public;
