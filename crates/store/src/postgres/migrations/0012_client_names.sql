-- Whether the claims of a session that are not sealed are believed is asked in nearly every statement, and a query of the table of client roles
-- was most of what that took.

-- The roles that clients have, and their logins. Declared immutable, which it is not: so a session that asks has them in the plan of its question,
-- and reads the table once. What a session may miss is a client role that was made after the session began. It is none of that role's: those log in
-- later, for their logins are made with the role.
create function rowgate.client_names() returns name[]
    language plpgsql immutable parallel restricted set search_path = pg_catalog, pg_temp
as $$ begin
    return array(select c.role from rowgate.client_role c union all select unnest(c.logins) from rowgate.client_role c);
end $$;

-- As before, see 0007_clients.sql. A condition without a query in it is evaluated without one.
create or replace function rowgate.unsealed_claims() returns jsonb
    language plpgsql stable parallel restricted set search_path = pg_catalog, pg_temp
as $$
declare
    claims constant text := nullif(current_setting('request.jwt.claims', true), '');
begin
    if claims is null or not pg_has_role(session_user, 'rowgate_app', 'member') or session_user = any (rowgate.client_names()) then
        return 'null';
    end if;
    return claims::jsonb;
exception when invalid_text_representation or untranslatable_character then
    return 'null';
end $$;

revoke all on function rowgate.client_names from public;
