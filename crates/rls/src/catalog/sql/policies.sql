select n.nspname::text as schema, c.relname::text as table, p.polname::text as name, p.polcmd::text as command,
       p.polpermissive as permissive,
       array(select case when r.id = 0 then '' else pg_get_userbyid(r.id)::text end
               from unnest(p.polroles) with ordinality r(id, at) order by r.at) as roles,
       pg_get_expr(p.polqual, p.polrelid) as "using", pg_get_expr(p.polwithcheck, p.polrelid) as "check",
       obj_description(p.oid, 'pg_policy') as comment,
       array(select distinct d.refobjid::int8 from pg_depend d
              where d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_proc'::regclass) as functions
  from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace
 where n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
 order by 1, 2, 3
