-- Policies that know these tables and nothing else, of one shape each. Who asks is all that they ask Rowgate; its roles may read all memberships.
grant select on ticket, project, org_member, project_member to bench_array, bench_hash, bench_exists, bench_chosen;
grant insert, update on ticket to bench_exists;
create policy by_array on ticket to bench_array using ($array);
create policy by_hash on ticket to bench_hash using ($hash);
create policy by_exists on ticket to bench_exists using ($exists);

-- One text serves all subjects and statements, so it has to choose when a statement is planned. This asks as little as is possible for the
-- subjects that are measured: 10, 100 and 500 projects were granted to them one by one.
create function forget() returns void language plpgsql as $$ begin discard plans; end $$;
create function shape() returns text language plpgsql immutable parallel restricted as $$
$choose
$$;
-- Planned once for a session, which a sub-select in the policy would be in each statement.
create function projects() returns setof bigint language plpgsql stable as $$
$listing
$$;
create policy by_choice on ticket to bench_chosen using (
    case shape() when 'exists' then $exists
        when 'hash' then project_id in (select p.id from projects() p (id))
        else project_id = any (array(select p.id from projects() p (id))) end
);

-- The same for roles that may read no memberships: functions read them, with the rights of their owner and for who asks alone.
grant select on ticket to bench_private, bench_private_chosen;
grant insert, update on ticket to bench_private;
create function sees(project bigint) returns boolean
    language plpgsql stable parallel restricted security definer set search_path = public, pg_temp
as $$
declare
    me constant text := auth.user_id();
begin
    return exists (select from project_member m where m.user_id = me and m.project_id = project)
        or exists (select from project p join org_member o on o.org_id = p.org_id where p.id = project and o.user_id = me);
end $$;
create function own_projects() returns setof bigint
    language plpgsql stable parallel restricted security definer set search_path = public, pg_temp
as $$
$listing
$$;
create function own_shape() returns text
    language plpgsql immutable parallel restricted security definer set search_path = public, pg_temp
as $$
$choose
$$;
create policy by_function_of_owner on ticket to bench_private using (sees(project_id));
create policy by_choice_of_owner on ticket to bench_private_chosen using (
    case own_shape() when 'exists' then sees(project_id)
        when 'hash' then project_id in (select p.id from own_projects() p (id))
        else project_id = any (array(select p.id from own_projects() p (id))) end
);
