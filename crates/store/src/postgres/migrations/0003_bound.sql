-- What rows say. These know nothing until `rowgate rls apply` replaces their bodies; their names and types stay.

-- Whether a type's resources are the rows of a table.
create function rowgate.is_bound(environment integer, type text) returns boolean
    language sql stable parallel safe set search_path = pg_catalog, pg_temp
    return false;

-- Whether a relation's edges are the values of a column.
create function rowgate.is_bound(environment integer, type text, relation text) returns boolean
    language sql stable parallel safe set search_path = pg_catalog, pg_temp
    return false;

-- The table and column that a bound relation is bound to, for messages.
create function rowgate.bound_to(environment integer, type text, relation text) returns text
    language sql stable parallel safe set search_path = pg_catalog, pg_temp
    return null::text;

-- Whether a resource of a bound type has its row.
create function rowgate.row_exists(environment integer, type text, id text) returns boolean
    language sql stable parallel safe set search_path = pg_catalog, pg_temp
    return false;

-- The subjects that have a bound relation to a resource, as its row says.
create function rowgate.bound_edges(environment integer, type text, id text, relation text)
    returns table (subject_type text, subject_id text, subject_relation text)
    language sql stable parallel safe set search_path = pg_catalog, pg_temp
    begin atomic
        select null::text, null::text, null::text where false;
    end;

revoke all on function rowgate.is_bound(integer, text), rowgate.is_bound(integer, text, text), rowgate.bound_to, rowgate.row_exists,
    rowgate.bound_edges from public;
