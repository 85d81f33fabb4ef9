select n.nspname::text as schema, c.relname::text as table, a.attname::text as name,
       format_type(a.atttypid, a.atttypmod) as type, t.typcategory::text as category, t.typtype::text as type_kind,
       format_type(case when t.typtype = 'd' then t.typbasetype else t.oid end, null) as base_type,
       a.attnotnull as not_null, a.attgenerated <> '' as generated, a.attidentity <> '' as identity,
       pg_get_expr(d.adbin, d.adrelid) as "default"
  from pg_attribute a
  join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace join pg_type t on t.oid = a.atttypid
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
 where a.attnum > 0 and not a.attisdropped
   and c.relkind in ('r', 'p', 'v', 'm', 'f') and c.relpersistence <> 't'
   and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
 order by 1, 2, a.attnum
