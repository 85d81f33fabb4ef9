select p.oid::int8 as oid, n.nspname::text as schema, p.proname::text as name, pg_get_function_identity_arguments(p.oid) as arguments,
       p.prokind::text as kind, pg_get_userbyid(p.proowner)::text as owner, p.prosecdef as definer, p.provolatile::text as volatility,
       p.proretset as returns_set, format_type(p.prorettype, null) as returns, coalesce(p.proconfig, '{}') as settings,
       case when p.prosqlbody is null then p.prosrc else pg_get_function_sqlbody(p.oid) end as body,
       obj_description(p.oid, 'pg_proc') as comment,
       exists (select from pg_depend e where e.classid = 'pg_proc'::regclass and e.objid = p.oid and e.deptype = 'e') as extension,
       array(select coalesce(r.rolname::text, '') from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g
               left join pg_roles r on r.oid = g.grantee where g.privilege_type = 'EXECUTE' order by 1) as executors
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace
 where n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
 order by 2, 3, 4
