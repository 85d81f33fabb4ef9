-- Roles that clients have, what their claims are sealed with, and what a server has to know to act for them. auth.sql says what a seal is.

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

-- What seals are made for: see auth.sql. The values that a session does not get are other sessions', and none is used twice, not even after a
-- crash.
create sequence rowgate.request;

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

select rowgate.rotate_seal_key();

revoke all on rowgate.seal_key, rowgate.client_role, rowgate.request from public;
revoke all on function rowgate.rotate_seal_key, rowgate.newest_seal_key, rowgate.unsealed_claims, rowgate.assert_client_role,
    rowgate.client_roles, rowgate.end_session from public;
grant execute on function rowgate.newest_seal_key, rowgate.client_roles, rowgate.end_session to rowgate_server;
