create table organizations (id uuid primary key default gen_random_uuid(), name text not null);
create table users (id text primary key, email text unique not null, organization_id uuid references organizations);
create table organization_members (
    organization_id uuid references organizations, user_id text references users, role text not null default 'member',
    joined_at timestamptz not null default now(), primary key (organization_id, user_id));
create table tickets (
    id bigint generated always as identity primary key, organization_id uuid not null references organizations,
    creator_id text not null references users, assignee_id text references users, title text not null, deleted_at timestamptz);
create table ticket_watchers (ticket_id bigint references tickets, user_id text references users, primary key (ticket_id, user_id));
create table comments (
    id bigint generated always as identity primary key, ticket_id bigint not null references tickets,
    author_id text not null references users, body text not null);
create role {app} login;
grant select, insert, update, delete on tickets, comments to {app};
