-- Grants that commit side by side. Postgres lets one notifying transaction commit at a time, its flush to the disk included.
--
-- So a transaction leaves it out where changes of others have no revision yet: of those the servers were told, and they give revisions to
-- all that is pending. They look again a moment after they found something, and twice a second in any case.

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
