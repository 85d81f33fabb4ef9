select n.nspname::text as schema, c.relname::text as name, c.relkind::text as kind,
       pg_get_userbyid(c.relowner)::text as owner,
       c.relrowsecurity as enabled, c.relforcerowsecurity as forced, c.relispartition as partition,
       coalesce(c.reloptions, '{}') as options, c.reltuples::float8 as rows, c.relreplident::text as identity,
       array(select array_to_string(array[pn.nspname::text, p.relname::text], chr(1))
               from pg_inherits i join pg_class p on p.oid = i.inhparent join pg_namespace pn on pn.oid = p.relnamespace
              where i.inhrelid = c.oid order by i.inhseqno) as parents,
       exists (select from pg_depend e where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e') as extension
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p', 'v', 'm', 'f') and c.relpersistence <> 't'
   and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
 order by 1, 2
