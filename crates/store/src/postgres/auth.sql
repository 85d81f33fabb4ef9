-- Who the current transaction acts for: `select set_config('request.jwt.claims', '{"sub":"ann"}', true)`. Run by `rowgate pg install` where
-- the database has no schema `auth` yet. What is no JSON is nothing on Postgres 16 and later and an error before, where it cannot be told
-- without one; either way it is nobody.
create schema auth authorization rowgate_owner;
set local role rowgate_owner;

do $$
begin
    execute format($function$
        create function auth.session() returns jsonb
            language sql stable parallel safe set search_path = pg_catalog, pg_temp
            return case when %s then nullif(current_setting('request.jwt.claims', true), '')::jsonb end
        $function$,
        case when current_setting('server_version_num')::integer >= 160000
            then $condition$pg_input_is_valid(current_setting('request.jwt.claims', true), 'jsonb')$condition$
            else 'true' end);
end $$;

create function auth.user_id() returns text
    language sql stable parallel safe set search_path = pg_catalog, pg_temp
    return nullif(auth.session() ->> 'sub', '');

create function auth.uid() returns uuid
    language sql stable parallel safe set search_path = pg_catalog, pg_temp
    return case when auth.user_id() ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' then auth.user_id()::uuid end;

revoke all on function auth.session(), auth.user_id(), auth.uid() from public;
grant usage on schema auth to rowgate_app, rowgate_reader, rowgate_server;
grant execute on function auth.session(), auth.user_id(), auth.uid() to rowgate_app, rowgate_reader, rowgate_server;
