-- The session context that policies are evaluated with: `select set_config('rowgate.context', '{"region":"eu"}', true)`. null where there is
-- none. What is no JSON is nothing on Postgres 16 and later and an error before, where it cannot be told without one.
do $$
begin
    execute format($function$
        create function rowgate.context() returns jsonb
            language sql stable parallel safe set search_path = pg_catalog, pg_temp
            return case when %s then nullif(current_setting('rowgate.context', true), '')::jsonb end
        $function$,
        case when current_setting('server_version_num')::integer >= 160000
            then $condition$pg_input_is_valid(current_setting('rowgate.context', true), 'jsonb')$condition$
            else 'true' end);
end $$;

revoke all on function rowgate.context() from public;
grant execute on function rowgate.context() to rowgate_app, rowgate_reader, rowgate_server;
