-- Who the current session acts for.
--
-- A server that runs other people's SQL sets `rowgate.session` to sealed claims, and the functions here believe the seal alone: whoever may
-- run any SQL may set the setting, but not seal. A sealed value reads
--
--     MAC ' ' KEY ' ' EXPIRY ' ' CLAIMS
--
-- MAC: 64 hexadecimal digits, HMAC-SHA-256 of `PID ' ' STARTED ' ' KEY ' ' EXPIRY ' ' CLAIMS`. KEY: the id of a row of rowgate.seal_key.
-- EXPIRY: seconds since 1970. CLAIMS: a JSON object. PID and STARTED name the connection, as auth.connection() does. They come from the
-- server's own list of processes, so what was sealed for one connection is worth nothing on another.
--
-- What must not leak never becomes a variable or a parameter: the secret is read and used inside one query. So it stands in no plan
-- (`debug_print_plan`), no error message and no log.
--
-- These functions work only in the process of the connection itself, hence `parallel restricted`.

create table rowgate.seal_key (
    id         integer generated always as identity primary key,
    secret     bytea not null check (length(secret) = 32),
    -- The blocks that HMAC begins its two hashes with: the secret, padded to 64 bytes, xor 0x36 and xor 0x5c.
    inner_pad  bytea not null check (length(inner_pad) = 64),
    outer_pad  bytea not null check (length(outer_pad) = 64),
    created_at timestamptz not null default clock_timestamp(),
    retires_at timestamptz  -- from then on, what this key sealed is refused
);

-- Puts a new key in force. What the older keys sealed is accepted for the overlap, in which servers have to learn of the new one; they ask
-- every minute.
create function rowgate.rotate_seal_key(overlap interval default '10 minutes') returns integer
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    new_key integer;
begin
    lock table rowgate.seal_key in share row exclusive mode;
    delete from rowgate.seal_key where retires_at < clock_timestamp();
    update rowgate.seal_key set retires_at = clock_timestamp() + overlap
        where retires_at is null or retires_at > clock_timestamp() + overlap;
    -- A random uuid has 122 bits from the operating system's generator of secrets.
    with fresh as materialized (
        select sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')) secret
    ), padded as (
        select secret, array(select get_byte(secret, i) from generate_series(0, 31) i order by i) || array_fill(0, array[32]) bytes from fresh
    )
    insert into rowgate.seal_key (secret, inner_pad, outer_pad)
        select secret,
            (select decode(string_agg(lpad(to_hex(b # 54), 2, '0'), '' order by i), 'hex') from unnest(bytes) with ordinality u(b, i)),
            (select decode(string_agg(lpad(to_hex(b # 92), 2, '0'), '' order by i), 'hex') from unnest(bytes) with ordinality u(b, i))
        from padded
        returning id into new_key;
    return new_key;
end $$;

-- The key to seal with.
create function rowgate.newest_seal_key(out id integer, out secret bytea)
    language sql stable security definer set search_path = pg_catalog, pg_temp
    begin atomic
        select k.id, k.secret from rowgate.seal_key k where k.retires_at is null order by k.id desc limit 1;
    end;

-- The roles that clients have. Their sessions log in as one of `logins`, which are members of `role` and may do what it may.
create table rowgate.client_role (
    role     name primary key,
    logins   name[] not null,
    password text not null
);

-- This connection: its process, and when that started, in microseconds since 1970.
create or replace function auth.connection() returns text
    language sql stable parallel restricted security definer set search_path = pg_catalog, pg_temp
    begin atomic
        select a.pid || ' ' || (extract(epoch from a.backend_start) * 1000000)::bigint from pg_stat_get_activity(pg_backend_pid()) a;
    end;

-- The claims of a trusted session: those of roles that were granted rowgate_app, and superusers. Such a role can write any warrant, so it can
-- as well say who it acts for. Decided by who logged in, which SET ROLE does not change. Never a role that clients have, whatever
-- was granted to it.
create function rowgate.unsealed_claims() returns jsonb
    language plpgsql stable parallel restricted set search_path = pg_catalog, pg_temp
as $$
declare
    claims constant text := nullif(current_setting('request.jwt.claims', true), '');
begin
    if claims is null
        or not pg_has_role(session_user, 'rowgate_app', 'member')
        or exists (select from rowgate.client_role c where session_user = c.role or session_user = any (c.logins))
    then
        return 'null';
    end if;
    return claims::jsonb;
exception when invalid_text_representation or untranslatable_character then
    return 'null';
end $$;

-- The claims of the one who asks. JSON null: nobody.
create or replace function auth.session() returns jsonb
    language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp
as $$
declare
    sealed constant text := current_setting('rowgate.session', true);
    expiry text;
begin
    if sealed is null or sealed = '' then
        return rowgate.unsealed_claims();
    end if;
    expiry := split_part(sealed, ' ', 3);
    -- Hashes are compared, not the values: how long that takes says nothing about the right one.
    if not exists (
        select from rowgate.seal_key k, pg_stat_get_activity(pg_backend_pid()) a
        where k.id::text = split_part(sealed, ' ', 2)
            and (k.retires_at is null or k.retires_at > clock_timestamp())
            and sha256(convert_to(left(sealed, 64), 'UTF8')) = sha256(convert_to(encode(
                sha256(k.outer_pad || sha256(k.inner_pad || convert_to(
                    a.pid || ' ' || (extract(epoch from a.backend_start) * 1000000)::bigint || ' ' || substr(sealed, 66), 'UTF8'))),
                'hex'), 'UTF8'))
    ) then
        raise exception 'the claims of this session are not sealed for it' using errcode = 'invalid_authorization_specification';
    end if;
    -- At a lower level, a statement that waits for the lock of a row reads the row as it became, with the rights from before.
    if current_setting('transaction_isolation') not in ('repeatable read', 'serializable') then
        raise exception 'clients read and write at the isolation level repeatable read or serializable'
            using errcode = 'invalid_transaction_state';
    end if;
    -- Sealed, so what follows is what a server wrote.
    if expiry::bigint <= extract(epoch from clock_timestamp()) then
        raise exception 'the claims of this session have expired' using errcode = 'invalid_authorization_specification';
    end if;
    return substr(sealed, 68 + length(split_part(sealed, ' ', 2)) + length(expiry))::jsonb;
end $$;

create or replace function auth.jwt() returns jsonb
    language sql stable parallel restricted
    return auth.session();

-- The claim `sub`.
create or replace function auth.user_id() returns text
    language sql stable parallel restricted
    return nullif(jsonb_path_query_first(auth.session(), '$.sub ? (@.type() == "string")') #>> '{}', '');

-- The claim `sub`, if it is a UUID.
create or replace function auth.uid() returns uuid
    language sql stable parallel restricted
    return (jsonb_path_query_first(auth.session(),
        '$.sub ? (@ like_regex "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")') #>> '{}')::uuid;

-- The claim `role`.
create or replace function auth.role() returns text
    language sql stable parallel restricted
    return jsonb_path_query_first(auth.session(), '$.role ? (@.type() == "string")') #>> '{}';

-- The claim `o`, if it is an object.
create or replace function auth.organization() returns jsonb
    language sql stable parallel restricted
    return jsonb_path_query_first(auth.session(), '$.o ? (@.type() == "object")');

-- The `id` in the claim `o`, if it is a UUID.
create or replace function auth.organization_id() returns uuid
    language sql stable parallel restricted
    return (jsonb_path_query_first(auth.session(),
        '$.o ? (@.type() == "object").id ? (@ like_regex "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")') #>> '{}')::uuid;

select rowgate.rotate_seal_key();

revoke all on rowgate.seal_key, rowgate.client_role from public;
revoke all on function rowgate.rotate_seal_key, rowgate.newest_seal_key, rowgate.unsealed_claims from public;
revoke all on function auth.connection(), auth.session(), auth.jwt(), auth.user_id(), auth.uid(), auth.role(), auth.organization(),
    auth.organization_id() from public;
grant usage on schema auth to rowgate_app, rowgate_reader, rowgate_server;
grant execute on function auth.connection(), auth.session(), auth.jwt(), auth.user_id(), auth.uid(), auth.role(), auth.organization(),
    auth.organization_id() to rowgate_app, rowgate_reader, rowgate_server;
grant execute on function rowgate.newest_seal_key to rowgate_server;
