select n.nspname::text as schema, c.relname::text as table, t.tgname::text as name, 
       fn.nspname::text as function_schema, f.proname::text as function, t.tgenabled <> 'D' as enabled
  from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
  join pg_proc f on f.oid = t.tgfoid join pg_namespace fn on fn.oid = f.pronamespace
 where not t.tgisinternal and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
 order by 1, 2, 3
