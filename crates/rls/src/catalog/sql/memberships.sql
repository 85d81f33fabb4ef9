-- The options of a membership came with version 16; before, every member may SET ROLE and inherits as its own attribute says.
select pg_get_userbyid(m.member)::text as member, pg_get_userbyid(m.roleid)::text as role,
       pg_get_userbyid(m.grantor)::text as grantor,
       coalesce((to_jsonb(m) ->> 'inherit_option')::bool, r.rolinherit) as inherits,
       coalesce((to_jsonb(m) ->> 'set_option')::bool, true) as sets, m.admin_option as grants
  from pg_auth_members m join pg_roles r on r.oid = m.member
 order by 1, 2, 3
