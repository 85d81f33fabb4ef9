select n.nspname::text as schema, c.relname::text as table, w.rulename::text as name,
       case w.ev_type when '2' then 'UPDATE' when '3' then 'INSERT' when '4' then 'DELETE' else 'SELECT' end as event
  from pg_rewrite w join pg_class c on c.oid = w.ev_class join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p') and w.ev_enabled <> 'D' and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
 order by 1, 2, 3
