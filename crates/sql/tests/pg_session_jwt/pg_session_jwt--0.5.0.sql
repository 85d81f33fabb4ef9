-- The interface of the extension pg_session_jwt, as far as SQL can have it: its functions, its settings, what it takes for a token, and its
-- errors. It does not verify signatures, which SQL cannot; that what is signed can be verified is a test of `session_jwt`.

create schema auth;

-- The number of the last token of each session. The extension keeps it in the memory of the process.
create table auth.last_token (process int primary key, jti bigint not null, jwt text not null);

create function auth.init() returns void language plpgsql as $$
begin
    if nullif(current_setting('pg_session_jwt.jwk', true), '') is null then
        raise exception 'Missing runtime parameter: pg_session_jwt.jwk' using errcode = '02000';
    end if;
    if current_setting('pg_session_jwt.jwk')::jsonb ->> 'crv' is distinct from 'Ed25519' then
        raise exception 'pg_session_jwt.jwk requires an ES256 JWK' using errcode = '42804';
    end if;
end $$;

create function auth.validate() returns jsonb language plpgsql security definer set search_path = pg_catalog, auth, pg_temp as $$
declare
    token   text := nullif(current_setting('pg_session_jwt.jwt', true), '');
    parts   text[] := string_to_array(token, '.');
    payload jsonb;
    number  bigint;
    known   last_token;
begin
    if token is null then
        return null;
    end if;
    if cardinality(parts) <> 3 or length(parts[3]) <> 86 then
        raise exception 'invalid JWT encoding' using errcode = '42804';
    end if;
    payload := convert_from(decode(rpad(translate(parts[2], '-_', '+/'), (length(parts[2]) + 3) / 4 * 4, '='), 'base64'), 'UTF8');
    select * into known from last_token where process = pg_backend_pid();
    if known.jwt = token then
        return payload;
    end if;
    if jsonb_typeof(payload -> 'jti') is distinct from 'number' then
        raise exception 'JWT payload must contain a valid ''jti'' (JWT ID)' using errcode = '42804';
    end if;
    number := payload ->> 'jti';
    if number <= coalesce(known.jti, 0) then
        raise exception 'Token ID must be strictly monotonically increasing.' using errcode = '23514';
    end if;
    if (payload ->> 'exp')::bigint + 60 < extract(epoch from now()) then
        raise exception 'Token used after it has expired' using errcode = '23514';
    end if;
    insert into last_token values (pg_backend_pid(), number, token)
        on conflict (process) do update set jti = excluded.jti, jwt = excluded.jwt;
    return payload;
end $$;

create function auth.jwt_session_init(jwt text) returns void language plpgsql strict as $$
begin
    perform set_config('pg_session_jwt.jwt', jwt, false);
    perform auth.validate();
end $$;

create function auth.session() returns jsonb language sql as $$ select coalesce(auth.validate(), 'null') $$;
create function auth.jwt() returns jsonb language sql as $$ select auth.session() $$;
create function auth.user_id() returns text language sql as $$ select auth.validate() ->> 'sub' $$;
