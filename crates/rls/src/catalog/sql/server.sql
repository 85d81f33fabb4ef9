select current_setting('server_version_num')::int4 as version,
       current_database()::text as database,
       pg_get_userbyid(d.datdba)::text as database_owner,
       current_user::text as connected_as,
       -- A session sees its own roles' and database's settings; only where it has none is this the server's.
       case when s.source in ('default', 'configuration file', 'command line', 'environment variable')
            then s.reset_val else s.boot_val end as isolation,
       exists (select from pg_event_trigger t join pg_roles r on r.oid = t.evtowner
               where t.evtname = 'rowgate_keep_policies' and t.evtenabled = 'A' and r.rolsuper) as keeps_policies
  from pg_database d, pg_settings s
 where d.datname = current_database() and s.name = 'default_transaction_isolation'
