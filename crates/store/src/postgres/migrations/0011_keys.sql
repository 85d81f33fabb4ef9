-- Ids as keys of tables. What the subjects of a table hold as integers or UUIDs is compared with them as they are, so an id of each warrant is
-- wanted as a key wherever a set is listed. The index of the subjects has it: to read the text takes as long as all else about a warrant.
--
-- These functions raise nothing, whatever the text: what is not the canonical form of a key is null, and names no row. Not in SQL, for the
-- planner would put their bodies in the place of the calls, again for each plan, and not find them in the index.

-- Eighteen characters always fit. Lengths are tested beside the pattern, which takes four times as long with bounds.
create function rowgate.key_integer(id text) returns bigint
    language plpgsql immutable strict parallel safe cost 5 set search_path = pg_catalog, pg_temp
as $$ begin
    return case
        when octet_length(id) <= 18 then
            case when id collate "C" ~ '^(0|-?[1-9][0-9]*)$' then id::bigint end
        when octet_length(id) <= 20 and id collate "C" ~ '^-?[1-9][0-9]*$' then
            case when id::numeric between -9223372036854775808 and 9223372036854775807 then id::bigint end
    end;
end $$;

create function rowgate.key_uuid(id text) returns uuid
    language plpgsql immutable strict parallel safe cost 5 set search_path = pg_catalog, pg_temp
as $$ begin
    return case
        when id collate "C" like '________-____-____-____-____________'
            and id collate "C" ~ '^[0-9a-f]*-[0-9a-f]*-[0-9a-f]*-[0-9a-f]*-[0-9a-f]*$'
        then id::uuid
    end;
end $$;

-- Those who write warrants fill the index.
revoke all on function rowgate.key_integer, rowgate.key_uuid from public;
grant execute on function rowgate.key_integer, rowgate.key_uuid to rowgate_server, rowgate_reader;

-- Warrants can be read while it is built; to drop the other one takes a moment without.
create index warrant_subject_keys on rowgate.warrant
    (environment, subject_type, subject_id, subject_relation, resource_type, relation, resource_id,
        rowgate.key_integer(resource_id), rowgate.key_uuid(resource_id))
    include (policy_hash);
drop index rowgate.warrant_subject;
alter index rowgate.warrant_subject_keys rename to warrant_subject;
