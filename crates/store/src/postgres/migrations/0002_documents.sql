-- Schemas and bindings: into tables that SQL can ask, and into the log.
--
-- Locks: two-key advisory locks with 1380403012 ("RGsD") and the environment are the lock of its documents. Whoever writes warrants holds
-- it shared to the end of the transaction; whoever changes a document holds it exclusively. So no warrant is checked against a document
-- that is being replaced.

-- Replaces what the tables say about a schema. `document` is the JSON form, as Rowgate writes it. It is read as json and not as jsonb,
-- because jsonb refuses some of what the text of a policy may contain.
create function rowgate.put_schema(environment integer, document text) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    parsed json := document::json;
begin
    delete from rowgate.type t where t.environment = $1;
    delete from rowgate.relation r where r.environment = $1;
    insert into rowgate.type
        select $1, t ->> 'type' from json_array_elements(parsed -> 'resource_types') t;
    insert into rowgate.relation
        select $1, t ->> 'type', r.key, (r.value -> 'allowed_types')::jsonb,
            nullif(r.value::jsonb - 'allowed_types', '{}'::jsonb)
        from json_array_elements(parsed -> 'resource_types') t, json_each(t -> 'relations') r;
    insert into rowgate.schema as s (environment, document, negates)
        select $1, $2, exists (
            select from rowgate.relation r
            where r.environment = $1 and jsonb_path_exists(r.rule, '$.** ? (@.inherit_if == "none_of")'))
        on conflict on constraint schema_pkey do update set document = excluded.document, negates = excluded.negates;
end $$;

-- Puts a schema in force as part of the current transaction. Whoever calls it has checked it.
create function rowgate.set_schema(environment integer, document text) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    perform pg_advisory_xact_lock(1380403012, $1);
    perform rowgate.put_schema($1, $2);
    insert into rowgate.pending (environment, at, change, document)
        values ($1, (extract(epoch from clock_timestamp()) * 1000000)::bigint, 'schema', $2);
    perform pg_notify('rowgate', $1::text);
end $$;

-- Puts bindings in force as part of the current transaction. null: there are none. Whoever calls it has checked them.
create function rowgate.set_bindings(environment integer, document text) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    perform pg_advisory_xact_lock(1380403012, $1);
    update rowgate.schema s set bindings = $2 where s.environment = $1;
    if not found then
        raise exception 'there is no environment %', $1 using errcode = 'undefined_object';
    end if;
    insert into rowgate.pending (environment, at, change, document)
        values ($1, (extract(epoch from clock_timestamp()) * 1000000)::bigint, 'bindings', $2);
    perform pg_notify('rowgate', $1::text);
end $$;

revoke all on function rowgate.put_schema, rowgate.set_schema, rowgate.set_bindings from public;
grant execute on function rowgate.put_schema, rowgate.set_schema, rowgate.set_bindings to rowgate_server;
