-- Policies as people write them by hand, each for a role of its own. They read the application's own tables of memberships.

-- The claim `sub`, in the form that costs least: the planner puts it in place.
create function user_id() returns text
    language sql stable parallel safe
    return (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub');

grant select on project, org_member, project_member to bench_plain, bench_function, bench_check, bench_correlated;

-- A function that is called for each row.
create function can_view(project bigint) returns boolean
    language plpgsql stable parallel safe security definer set search_path = public, pg_temp
as $$
declare
    me constant text := user_id();
begin
    return exists (select from project_member m where m.user_id = me and m.project_id = project)
        or exists (select from project p join org_member o on o.org_id = p.org_id where p.id = project and o.user_id = me);
end $$;
create policy by_function on ticket to bench_function using (can_view(project_id));

-- The function of Rowgate that is meant for single questions, called for each row. A new row is in no table yet: its project is asked about.
create policy by_check on ticket to bench_check
    using (rowgate.check('ticket:' || id, 'viewer', 'user:' || (select user_id())))
    with check (rowgate.check('project:' || project_id, 'viewer', 'user:' || (select user_id())));

-- The form that helpers such as `crudPolicy` lead to: a sub-select that names the row.
create policy correlated on ticket to bench_correlated using ((select
    exists (select from project_member m where m.user_id = user_id() and m.project_id = ticket.project_id)
    or exists (select from project p join org_member o on o.org_id = p.org_id where p.id = ticket.project_id and o.user_id = user_id())));
