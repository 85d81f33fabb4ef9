select n.nspname::text as schema, c.relname::text as table, k.conname::text as name, k.contype::text as kind,
       array(select a.attname::text from unnest(k.conkey) with ordinality u(num, at)
               join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.num order by u.at) as columns,
       fn.nspname::text as foreign_schema, f.relname::text as foreign_table,
       array(select a.attname::text from unnest(k.confkey) with ordinality u(num, at)
               join pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.num order by u.at) as foreign_columns
  from pg_constraint k
  join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
  left join pg_class f on f.oid = k.confrelid left join pg_namespace fn on fn.oid = f.relnamespace
 where k.contype in ('p', 'u', 'f') and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
   -- On a partition these come from its parent; a key onto a partitioned table is repeated for each partition.
   and k.conparentid = 0
 order by 1, 2, 3
