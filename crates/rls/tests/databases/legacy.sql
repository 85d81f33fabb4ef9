create schema legacy;
create schema auth;
create table auth.users (id uuid primary key);
create table legacy.region (code char(2) primary key, label text);
create table legacy.companies (company_no integer, branch smallint, title varchar(80), primary key (company_no, branch));
create table legacy.orders (
    company_no integer, order_no serial, branch smallint, placed_by uuid references auth.users, owner text, replaces_no integer,
    region char(2) references legacy.region, primary key (company_no, order_no),
    foreign key (company_no, branch) references legacy.companies,
    foreign key (company_no, replaces_no) references legacy.orders);
create table legacy.order_items (id serial primary key, company_no integer, order_no integer, sku text,
    foreign key (company_no, order_no) references legacy.orders);
create table legacy.order_approvers (company_no integer, order_no integer, approver uuid references auth.users,
    foreign key (company_no, order_no) references legacy.orders);
create table legacy.audit_log (at timestamptz, what text);
create table legacy.measure (at timestamptz primary key, value numeric);
create table legacy.events (id bigint, day date, company_no integer, branch smallint, primary key (id, day),
    foreign key (company_no, branch) references legacy.companies) partition by range (day);
create table legacy.event (id bigint primary key, kind text);
create table legacy.events_2024 partition of legacy.events for values from ('2024-01-01') to ('2025-01-01');
create table legacy.account_ids (id bigint primary key, number text unique);
create table legacy.transfers (id bigint primary key, from_number text references legacy.account_ids (number), any_of bigint references legacy.account_ids);
create table legacy."weird ""name"".x" (id uuid primary key, "say ""hi""" bigint references legacy.account_ids, "line
break" bigint references legacy.account_ids);
create table legacy.old_orders () inherits (legacy.event);
create table legacy.secured (id uuid primary key);
alter table legacy.secured enable row level security;
create view legacy.open_orders as select * from legacy.orders;
create materialized view legacy.order_counts as select company_no, count(*) from legacy.orders group by 1;
