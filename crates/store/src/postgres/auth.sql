-- Who the current session acts for. Run by `rowgate pg install`, again for a newer Rowgate; not where the schema `auth` is somebody else's.
--
-- A server that runs other people's SQL sets `rowgate.session` to sealed claims, and the functions here believe the seal alone: whoever may
-- run any SQL may set the setting, but not seal. A sealed value reads
--
--     MAC ' ' EXPIRY ' ' LENGTH ' ' SUB CLAIMS
--
-- MAC: 64 hexadecimal digits, HMAC-SHA-256 of PID ' ' REQUEST ' ' and what follows the MAC and its space, with a key of rowgate.seal_key.
-- EXPIRY: seconds since 1970, in 12 digits. CLAIMS: a JSON object. SUB: the claim `sub` of it, in LENGTH characters (6 digits; 0 where it is no
-- string), so that auth.user_id() need not read JSON.
--
-- PID and REQUEST say what the claims are for. REQUEST is the number that auth.next_request() drew in this session last. Postgres gives it to
-- no other session and never again, remembers it for the session, and lets nobody but the sequence's owner change it. A server draws a new one
-- before another token gets the session, so a seal is worth nothing elsewhere, and nothing in the same session once the next user has it. Requests
-- of the same token, one after the other, may share one: what is sealed for them says the same.
--
-- What must not leak never becomes a variable or a parameter: the secret is read and used inside one query. So it stands in no plan
-- (`debug_print_plan`), no error message and no log.
--
-- These functions work only in the process of the session itself, hence `parallel restricted`. They run in nearly every statement: each
-- expression and each setting of a function costs up to a microsecond.

create schema if not exists auth authorization rowgate_owner;
set local role rowgate_owner;

-- Draws the number of the next request in this session, and forgets the one before. Anybody may: it only takes claims away.
-- In PL/pgSQL, which keeps its plan: a function in SQL is planned in every query that calls it.
create or replace function auth.next_request() returns text
    language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp
as $$ begin
    return pg_backend_pid() || ' ' || nextval('rowgate.request'::regclass);
end $$;

-- Begins a request in this session: brings its sealed claims in. A procedure, because CALL is not planned. With the rights of who calls.
create or replace procedure auth.set_session(sealed text)
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    done text;
begin
    done := set_config('rowgate.session', sealed, false);
end $$;

-- Ends a request in this session: lets go of what no command resets, and draws the number of the next request. `seed`: for random(). Also says
-- which role is set, before the number. Called by its OID (the message FunctionCall), so that no statement is parsed and planned.
create or replace function auth.end_request(seed double precision) returns text
    language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp
as $$
declare
    done text;
begin
    done := pg_advisory_unlock_all();
    done := setseed(seed);
    return current_setting('role') || ' ' || pg_backend_pid() || ' ' || nextval('rowgate.request'::regclass);
end $$;

-- This session: its process, and when that started, in microseconds since 1970. For rowgate.end_session().
create or replace function auth.connection() returns text
    language sql stable parallel restricted security definer set search_path = pg_catalog, pg_temp
    begin atomic
        select a.pid || ' ' || (extract(epoch from a.backend_start) * 1000000)::bigint from pg_stat_get_activity(pg_backend_pid()) a;
    end;

-- What `rowgate.session` holds, if it is sealed for this request. Null: it holds nothing. For the functions of the owner below.
create or replace function rowgate.sealed_session() returns text
    language plpgsql stable parallel restricted set search_path = pg_catalog, pg_temp
as $$
declare
    sealed constant text := current_setting('rowgate.session', true);
begin
    if sealed is null or sealed = '' then
        return null;
    end if;
    -- Hashes are compared, not the values: how long that takes says nothing about the right one. No variables: Postgres plans a query without
    -- parameters once in a session. Parts are taken of bytes, where they are at known places: of a text, Postgres counts all characters first.
    -- Every byte is compared or sealed, the space between as well, so that what follows the spaces below is what a server wrote there.
    if not exists (
        select from rowgate.seal_key k
        where (k.retires_at is null or k.retires_at > clock_timestamp())
            and sha256(substr(convert_to(current_setting('rowgate.session'), 'UTF8'), 1, 65)) = sha256(convert_to(encode(
                sha256(k.outer_pad || sha256(k.inner_pad
                    || convert_to(concat_ws(' ', pg_backend_pid(), currval('rowgate.request'::regclass), ''), 'UTF8')
                    || substr(convert_to(current_setting('rowgate.session'), 'UTF8'), 66))),
                'hex') || ' ', 'UTF8'))
    ) then
        raise exception 'the claims of this session are not sealed for it' using errcode = 'invalid_authorization_specification';
    end if;
    -- At a lower level, a statement that waits for the lock of a row reads the row as it became, with the rights from before.
    if current_setting('transaction_isolation') not in ('repeatable read', 'serializable') then
        raise exception 'clients read and write at the isolation level repeatable read or serializable'
            using errcode = 'invalid_transaction_state';
    end if;
    -- Sealed, so what follows is what a server wrote.
    if to_timestamp(split_part(sealed, ' ', 2)::double precision) <= clock_timestamp() then
        raise exception 'the claims of this session have expired' using errcode = 'invalid_authorization_specification';
    end if;
    return sealed;
end $$;

-- The claims of the one who asks. JSON null: nobody.
create or replace function auth.session() returns jsonb
    language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp
as $$
declare
    sealed constant text := rowgate.sealed_session();
begin
    if sealed is null then
        return rowgate.unsealed_claims();
    end if;
    return substr(sealed, 86 + split_part(sealed, ' ', 3)::integer)::jsonb;
end $$;

-- The same.
create or replace function auth.jwt() returns jsonb
    language plpgsql stable parallel restricted set search_path = pg_catalog, pg_temp
as $$ begin
    return auth.session();
end $$;

-- The claim `sub`. Asked in nearly every statement, so where nothing is sealed it asks for itself what rowgate.unsealed_claims() asks, in the same words:
-- two calls less.
create or replace function auth.user_id() returns text
    language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp
as $$
declare
    sealed text := current_setting('rowgate.session', true);
begin
    if sealed is null or sealed = '' then
        if not pg_has_role(session_user, 'rowgate_app', 'member') or session_user = any (rowgate.client_names()) then
            return null;
        end if;
        begin
            return nullif(jsonb_path_query_first(
                nullif(current_setting('request.jwt.claims', true), '')::jsonb, '$.sub ? (@.type() == "string")') #>> '{}', '');
        exception when invalid_text_representation or untranslatable_character then
            return null;
        end;
    end if;
    sealed := rowgate.sealed_session();
    return nullif(substr(sealed, 86, split_part(sealed, ' ', 3)::integer), '');
end $$;

-- The claim `sub`, if it is a UUID.
create or replace function auth.uid() returns uuid
    language plpgsql stable parallel restricted set search_path = pg_catalog, pg_temp
as $$ begin
    return (jsonb_path_query_first(auth.session(),
        '$.sub ? (@ like_regex "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")') #>> '{}')::uuid;
end $$;

-- The claim `role`.
create or replace function auth.role() returns text
    language plpgsql stable parallel restricted set search_path = pg_catalog, pg_temp
as $$ begin
    return jsonb_path_query_first(auth.session(), '$.role ? (@.type() == "string")') #>> '{}';
end $$;

-- The claim `o`, if it is an object.
create or replace function auth.organization() returns jsonb
    language plpgsql stable parallel restricted set search_path = pg_catalog, pg_temp
as $$ begin
    return jsonb_path_query_first(auth.session(), '$.o ? (@.type() == "object")');
end $$;

-- The `id` in the claim `o`, if it is a UUID.
create or replace function auth.organization_id() returns uuid
    language plpgsql stable parallel restricted set search_path = pg_catalog, pg_temp
as $$ begin
    return (jsonb_path_query_first(auth.session(),
        '$.o ? (@.type() == "object").id ? (@ like_regex "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")') #>> '{}')::uuid;
end $$;

revoke all on function rowgate.sealed_session from public;
revoke all on all routines in schema auth from public;
grant usage on schema auth to rowgate_app, rowgate_reader, rowgate_server;
grant execute on all routines in schema auth to rowgate_app, rowgate_reader, rowgate_server;
