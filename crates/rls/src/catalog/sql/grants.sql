select n.nspname::text as schema, c.relname::text as name, c.relkind::text as kind, ''::text as column,
       coalesce(r.rolname::text, '') as grantee, pg_get_userbyid(g.grantor)::text as grantor,
       g.privilege_type as privilege, g.is_grantable as grantable
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  cross join lateral aclexplode(c.relacl) g
  left join pg_roles r on r.oid = g.grantee
 where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and g.grantee <> c.relowner
   and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
union all
select n.nspname::text, c.relname::text, c.relkind::text, a.attname::text, coalesce(r.rolname::text, ''),
       pg_get_userbyid(g.grantor)::text, g.privilege_type, g.is_grantable
  from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
  cross join lateral aclexplode(a.attacl) g
  left join pg_roles r on r.oid = g.grantee
 where a.attacl is not null and not a.attisdropped and g.grantee <> c.relowner
   and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
 order by 1, 2, 4, 5, 7
