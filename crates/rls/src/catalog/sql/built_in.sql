select proname::text as name, bool_or(provolatile = 'v') as volatile
  from pg_proc where pronamespace = 'pg_catalog'::regnamespace
 group by 1 having bool_and(provolatile <> 'i')
 order by 1
