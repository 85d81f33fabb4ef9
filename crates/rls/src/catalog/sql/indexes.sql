select n.nspname::text as schema, c.relname::text as table, i.relname::text as name, x.indisunique as "unique",
       x.indisvalid as valid, m.amname::text as method, pg_get_expr(x.indpred, x.indrelid) as predicate,
       keys.columns, keys.leakproof
  from pg_index x
  join pg_class i on i.oid = x.indexrelid join pg_am m on m.oid = i.relam
  join pg_class c on c.oid = x.indrelid join pg_namespace n on n.oid = c.relnamespace
  cross join lateral (
    select array_agg(coalesce((select a.attname::text from pg_attribute a
                               where a.attrelid = x.indrelid and a.attnum = x.indkey[k.at - 1] and a.attnum <> 0), '')
                     order by k.at) as columns,
           array_agg((
             select coalesce(bool_or(f.proleakproof), false)
               from pg_opclass o
               join pg_amop ao on ao.amopfamily = o.opcfamily and ao.amoppurpose = 's' and ao.amoplefttype = o.opcintype
               join pg_operator op on op.oid = ao.amopopr join pg_proc f on f.oid = op.oprcode
              where o.oid = k.class) order by k.at) as leakproof
      from unnest(x.indclass::oid[]) with ordinality k(class, at)
     where k.at <= x.indnkeyatts) keys
 where n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
 order by 1, 2, 3
