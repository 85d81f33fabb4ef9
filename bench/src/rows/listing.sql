declare
    me constant text := auth.user_id();
begin
    return query
        select m.project_id from project_member m where m.user_id = me
        union all select p.id from org_member o join project p on p.org_id = o.org_id where o.user_id = me;
end
