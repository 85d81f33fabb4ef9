-- The audit log, and types that applications do not write.

-- What commits say of themselves, written in the transaction that appends them and kept for longer. `entry` is a JSON object; it is text
-- because jsonb refuses some of what a name may contain. A server adds entries and removes old ones, and changes none.
create table rowgate.audit (
    environment integer not null,
    revision    bigint not null,
    index       bigint not null,  -- its number among the entries of its commit
    at          bigint not null,
    entry       text not null,
    primary key (environment, revision, index)
);
create index audit_at on rowgate.audit (environment, at);
grant select, insert, delete on rowgate.audit to rowgate_server;

-- What is stored under the types of the authorization API keeps promises that single warrants cannot keep.
create function rowgate.assert_not_reserved(resource_type text) returns void
    language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    if starts_with(resource_type, 'authz-') then
        raise exception 'the resource type % belongs to the authorization API', quote_literal(resource_type)
            using errcode = 'insufficient_privilege', hint = 'Change it with /authorization, not with warrants.';
    end if;
end $$;

create or replace function rowgate.write_warrant(
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
    perform rowgate.assert_not_reserved($3);
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
    -- Transactions that notify commit one after the other. Where others wait for their revisions already, servers have been told.
    if not exists (select from rowgate.pending p where p.environment = number and p.xid <> pg_current_xact_id()) then
        perform pg_notify('rowgate', number::text);
    end if;
    return true;
end $$;

revoke all on function rowgate.assert_not_reserved from public;
