-- Warrants in the application's own transactions. What is checked here is what the HTTP interface checks.

create function rowgate.assert_name(what text, value text) returns void
    language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    if value is null or value !~ '^[A-Za-z0-9_-]{1,64}$' then
        raise exception 'the % % cannot be a name', what, coalesce(quote_literal(left(value, 100)), 'null')
            using errcode = 'invalid_parameter_value', hint = 'A name has 1 to 64 letters, digits, ''-'' and ''_''.';
    end if;
end $$;

create function rowgate.assert_id(what text, value text) returns void
    language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    if value is null or value !~ '^[A-Za-z0-9_.@|:+/=~%-]{1,255}$' then
        raise exception 'the % % cannot be an id', what, coalesce(quote_literal(left(value, 300)), 'null')
            using errcode = 'invalid_parameter_value',
                hint = 'An id has 1 to 255 letters, digits and - _ . @ | : + / = ~ %.';
    end if;
end $$;

-- `type:id` or `type:id#relation` in its parts, which are not checked. The id may contain colons.
create function rowgate.parts(what text, value text, out type text, out id text, out relation text)
    language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
declare
    colon integer := position(':' in value);
    hash  integer := position('#' in value);
begin
    if value is null or colon = 0 or (hash > 0 and (hash < colon or hash = length(value) or what = 'resource')) then
        raise exception 'the % % cannot be read', what, coalesce(quote_literal(left(value, 400)), 'null')
            using errcode = 'invalid_parameter_value',
                hint = case what when 'resource' then 'A resource is written type:id.'
                    else 'A subject is written type:id, type:* or type:id#relation.' end;
    end if;
    type := left(value, colon - 1);
    id := case hash when 0 then substr(value, colon + 1) else substr(value, colon + 1, hash - colon - 1) end;
    relation := case hash when 0 then '' else substr(value, hash + 1) end;
end $$;

-- The number of the environment of that name. With its documents locked against change until the transaction ends.
create function rowgate.locked_environment(environment text) returns integer
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    number integer;
begin
    select e.id into number from rowgate.environment e where e.name = $1;
    if number is not null then
        perform pg_advisory_xact_lock_shared(1380403012, number);
        -- A transaction with one snapshot for all its statements must not go by a schema that has been replaced since.
        if current_setting('transaction_isolation') <> 'read committed' then
            perform from rowgate.schema s where s.environment = number for share;
        end if;
        perform from rowgate.schema s where s.environment = number;
        if found then
            return number;
        end if;
    end if;
    raise exception 'there is no environment %', coalesce(quote_literal(left($1, 100)), 'null')
        using errcode = 'undefined_object', hint = 'Create it with `rowgate environment create`.';
end $$;

create function rowgate.assert_form(
    resource_type text, resource_id text, relation text, subject_type text, subject_id text, subject_relation text
) returns void
    language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    perform rowgate.assert_name('resource type', resource_type);
    perform rowgate.assert_id('resource id', resource_id);
    perform rowgate.assert_name('relation', relation);
    perform rowgate.assert_name('subject type', subject_type);
    if subject_id = '*' and subject_relation <> '' then
        raise exception 'a wildcard subject cannot have a relation' using errcode = 'invalid_parameter_value',
            hint = 'Write type:* for everybody of a type, type:id#relation for a group.';
    end if;
    if subject_id is distinct from '*' then
        perform rowgate.assert_id('subject id', subject_id);
    end if;
    if subject_relation <> '' then
        perform rowgate.assert_name('subject relation', subject_relation);
    end if;
end $$;

-- Whether the schema and the bindings allow a warrant.
create function rowgate.assert_allowed(
    environment integer, resource_type text, relation text, subject_type text, subject_id text, subject_relation text
) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    allowed  jsonb;
    negates  boolean;
    bound    boolean;
    wanted   text := subject_type || case when subject_relation = '' then '' else '#' || subject_relation end;
    by_name  boolean;
    bare     boolean;
    groups   boolean;
begin
    perform from rowgate.type t where t.environment = $1 and t.type = $2;
    if not found then
        raise exception 'the resource type % does not exist', quote_literal($2)
            using errcode = 'undefined_object', hint = 'Declare it in the schema.';
    end if;
    select r.allowed into allowed from rowgate.relation r where r.environment = $1 and r.type = $2 and r.relation = $3;
    if not found then
        raise exception 'the relation % does not exist on resource type %', quote_literal($3), quote_literal($2)
            using errcode = 'undefined_object', hint = 'Declare it in the schema.';
    end if;
    select s.negates, s.bindings is not null into negates, bound from rowgate.schema s where s.environment = $1;
    if bound and rowgate.is_bound($1, $2, $3) then
        raise exception '%#% is bound to %', $2, $3, coalesce(rowgate.bound_to($1, $2, $3), 'a column')
            using errcode = 'check_violation', hint = 'Write the row: it is the warrant.';
    end if;
    by_name := allowed ? wanted;
    if allowed is not null then
        bare := allowed ? subject_type;
        -- A type listed alone stands for its groups too, until one of them is listed by name.
        groups := exists (select from jsonb_array_elements_text(allowed) a where starts_with(a, subject_type || '#'));
        if not (by_name or (subject_relation <> '' and bare and not groups)) then
            raise exception '%#% does not accept %', $2, $3, wanted
                using errcode = 'check_violation',
                    detail = case when allowed = '[]' then 'It is computed by its rule and takes no warrants.'
                        else format('Its schema allows %s.', (select string_agg(a, ', ') from jsonb_array_elements_text(allowed) a)) end;
        end if;
    end if;
    -- Groups that the schema lists were checked with it. Of others it is known only where all stored groups are; those of no relation
    -- depend on nothing.
    if subject_relation <> '' and negates and by_name is not true
            and exists (select from rowgate.relation r where r.environment = $1 and r.type = $4 and r.relation = $6) then
        raise exception 'whether the group % makes a relation depend on itself through none_of cannot be decided here', wanted
            using errcode = 'feature_not_supported',
                hint = format('List %s in the brackets of %s#%s, or write the warrant over HTTP.', wanted, $2, $3);
    end if;
end $$;

create function rowgate.write_warrant(
    change text, environment text,
    resource_type text, resource_id text, relation text, subject_type text, subject_id text, subject_relation text
) returns boolean
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    number integer;
    at     bigint;
begin
    perform rowgate.assert_form($3, $4, $5, $6, $7, $8);
    number := rowgate.locked_environment($2);
    at := (extract(epoch from clock_timestamp()) * 1000000)::bigint;
    if change = 'create' then
        perform rowgate.assert_allowed(number, $3, $5, $6, $7, $8);
        insert into rowgate.warrant
                (environment, resource_type, resource_id, relation, subject_type, subject_id, subject_relation, policy, created_at)
            values (number, $3, $4, $5, $6, $7, $8, '', at)
            on conflict do nothing;
    else
        delete from rowgate.warrant w
            where w.environment = number and w.resource_type = $3 and w.resource_id = $4 and w.relation = $5
                and w.subject_type = $6 and w.subject_id = $7 and w.subject_relation = $8 and w.policy_hash = ''::bytea;
    end if;
    if not found then
        return false;
    end if;
    -- After the row is locked: transactions that change the same warrant get their numbers in the order in which they do.
    insert into rowgate.pending
            (environment, at, change, resource_type, resource_id, relation, subject_type, subject_id, subject_relation)
        values (number, at, $1, $3, $4, $5, $6, $7, $8);
    perform pg_notify('rowgate', number::text);
    return true;
end $$;

-- Creates a warrant: `select rowgate.create_warrant('ticket:7', 'viewer', 'user:ann')`. Returns whether it was not there before.
create function rowgate.create_warrant(resource text, relation text, subject text, environment text default 'default') returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    r record := rowgate.parts('resource', resource);
    s record := rowgate.parts('subject', subject);
begin
    return rowgate.write_warrant('create', $4, r.type, r.id, $2, s.type, s.id, s.relation);
end $$;

-- The same with the parts on their own, for ids that come from columns.
create function rowgate.create_warrant(
    resource_type text, resource_id text, relation text, subject_type text, subject_id text,
    subject_relation text default null, environment text default 'default'
) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return rowgate.write_warrant('create', $7, $1, $2, $3, $4, $5, coalesce($6, ''));
end $$;

-- Deletes a warrant. Returns whether there was one.
create function rowgate.delete_warrant(resource text, relation text, subject text, environment text default 'default') returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    r record := rowgate.parts('resource', resource);
    s record := rowgate.parts('subject', subject);
begin
    return rowgate.write_warrant('delete', $4, r.type, r.id, $2, s.type, s.id, s.relation);
end $$;

create function rowgate.delete_warrant(
    resource_type text, resource_id text, relation text, subject_type text, subject_id text,
    subject_relation text default null, environment text default 'default'
) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return rowgate.write_warrant('delete', $7, $1, $2, $3, $4, $5, coalesce($6, ''));
end $$;

-- The warrant token of the current transaction: sent with a request after the transaction committed, the answer takes it into account.
create function rowgate.token(environment text default 'default') returns text
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    uid text;
begin
    select e.uid into uid from rowgate.environment e where e.name = $1;
    if not found then
        raise exception 'there is no environment %', coalesce(quote_literal(left($1, 100)), 'null')
            using errcode = 'undefined_object', hint = 'Create it with `rowgate environment create`.';
    end if;
    return rtrim(translate(
        encode(convert_to(format('2|%s|%s', uid, pg_current_xact_id()), 'UTF8'), 'base64'), E'+/\n', '-_'), '=');
end $$;

revoke all on all functions in schema rowgate from public;
grant execute on function
    rowgate.create_warrant(text, text, text, text), rowgate.create_warrant(text, text, text, text, text, text, text),
    rowgate.delete_warrant(text, text, text, text), rowgate.delete_warrant(text, text, text, text, text, text, text),
    rowgate.token(text)
    to rowgate_app;
