create role {app} login;
create schema auth;
grant usage on schema auth to {app};
create function auth.user_id() returns text language sql stable as $$select current_setting('app.user', true)$$;
create table public.crew (team_id bigint, user_id text);
create index on public.crew (user_id);
create index on public.crew (team_id);
insert into public.crew select t, u from unnest(array[3, 4]) t, unnest(array['ann', 'cat']) u;
insert into public.crew values (5, 'bob'), (null, 'ann'), (6, null);
create function auth.user_teams() returns bigint[] language sql stable security definer set search_path = pg_catalog, pg_temp
    as $$select array_agg(team_id) from public.crew where user_id = auth.user_id()$$;
create function auth.list_teams() returns setof bigint language sql stable security definer set search_path = pg_catalog, pg_temp
    as $$select team_id from public.crew where user_id = auth.user_id()$$;
create function auth.can_see(bigint) returns boolean language sql stable as $$select $1 = 1$$;
create table public.item (id bigint primary key, team_id bigint, owner varchar(40), title text);
insert into public.item select n, nullif(n % 20, 19), case n % 50 when 0 then 'ann' when 1 then null else 'user' || n % 50 end, 'title ' || n
    from generate_series(1, 2000) n;
create index on public.item (team_id);
create index on public.item (owner);
analyze public.item;
analyze public.crew;
alter table public.item enable row level security;
grant select, update on public.item to {app};
grant select on public.crew to {app};
