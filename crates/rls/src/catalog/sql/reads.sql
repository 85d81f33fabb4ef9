select distinct vn.nspname::text as schema, v.relname::text as view, tn.nspname::text as table_schema, t.relname::text as table
  from pg_rewrite w
  join pg_class v on v.oid = w.ev_class join pg_namespace vn on vn.oid = v.relnamespace
  join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
  join pg_class t on t.oid = d.refobjid join pg_namespace tn on tn.oid = t.relnamespace
 where v.relkind in ('v', 'm') and t.oid <> v.oid and t.relkind in ('r', 'p', 'v', 'm', 'f')
   and vn.nspname <> 'information_schema' and vn.nspname !~ '^pg_'
 order by 1, 2, 3, 4
