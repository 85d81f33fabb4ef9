-- The second half of client_role.sql, run as the owner of the schemas `rowgate` and `auth`.
create function pg_temp.keep_client_role(client name, logins name[], password text) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    perform rowgate.assert_client_role(client);
    execute format('grant usage on schema auth to %I', client);
    execute format('grant execute on all functions in schema auth to %I', client);
    insert into rowgate.client_role as r (role, logins, password) values ($1, $2, $3)
        on conflict (role) do update set logins = excluded.logins, password = excluded.password;
end $$;
