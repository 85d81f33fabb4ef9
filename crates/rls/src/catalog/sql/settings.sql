select coalesce(r.rolname::text, '') as role, s.setdatabase <> 0 as here, split_part(c, '=', 1) as name,
       substr(c, strpos(c, '=') + 1) as value
  from pg_db_role_setting s cross join lateral unnest(s.setconfig) c left join pg_roles r on r.oid = s.setrole
 where s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
 order by 1, 2, 3
