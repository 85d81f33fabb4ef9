select r.oid::int8 as oid, r.rolname::text as name, r.rolsuper as superuser, r.rolbypassrls as bypasses, r.rolcanlogin as logs_in,
       r.rolcreaterole as creates_roles, r.rolinherit as inherits
  from pg_roles r
 order by 2
