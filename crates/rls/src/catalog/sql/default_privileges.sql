select pg_get_userbyid(d.defaclrole)::text as creator, n.nspname::text as schema, d.defaclobjtype::text as kind,
       coalesce(r.rolname::text, '') as grantee, g.privilege_type as privilege
  from pg_default_acl d
  left join pg_namespace n on n.oid = d.defaclnamespace
  cross join lateral aclexplode(d.defaclacl) g
  left join pg_roles r on r.oid = g.grantee
 where g.grantee <> d.defaclrole
 order by 1, 2, 3, 4, 5
