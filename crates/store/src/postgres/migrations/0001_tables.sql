-- The tables of the store.
--
-- Names and ids are compared byte by byte (collation "C"), whatever the locale of the database, as everywhere in Rowgate. '' stands for "none"
-- in `subject_relation` and `policy`. Times are microseconds since the Unix epoch.
--
-- `warrant`, `resource`, `schema`, `type` and `relation` are the state; they change in the same transaction as the `commit` or `pending`
-- row that tells of the change. `commit` is the log that servers follow.

-- Counts the changes of environments and API keys, so that servers see when to read them again.
create table rowgate.registry (
    only_row boolean primary key default true check (only_row),
    version  bigint not null
);
insert into rowgate.registry (version) values (0);

create table rowgate.environment (
    id         integer generated always as identity primary key,
    name       text collate "C" not null unique,
    uid        text collate "C" not null unique,
    created_at bigint not null,
    head       bigint not null default 0,  -- the revision of the last commit; whoever appends to the log holds the lock of this row
    base       bigint not null default 0   -- the log holds the commits after this one
) with (fillfactor = 50);

create table rowgate.api_key (
    id          text collate "C" primary key,
    environment integer not null references rowgate.environment on delete cascade,
    name        text not null,
    hash        bytea not null,
    prefix      text not null,
    created_at  bigint not null
);
create index api_key_environment on rowgate.api_key (environment);

-- The documents in force. A row of its own, so that it is locked and changed only when a document changes.
create table rowgate.schema (
    environment integer primary key references rowgate.environment on delete cascade,
    document    text not null,
    bindings    text,
    negates     boolean not null  -- whether a rule has a none_of
);

create table rowgate.type (
    environment integer not null,
    type        text collate "C" not null,
    primary key (environment, type)
);

-- The schema's relations. `allowed`: a JSON array of `type` and `type#relation`, null where subjects are not restricted. `rule`: as in the
-- JSON form of a schema, null where there is none.
create table rowgate.relation (
    environment integer not null,
    type        text collate "C" not null,
    relation    text collate "C" not null,
    allowed     jsonb,
    rule        jsonb,
    primary key (environment, type, relation)
);

create table rowgate.resource (
    environment integer not null,
    type        text collate "C" not null,
    id          text collate "C" not null,
    meta        text,
    created_at  bigint not null,
    primary key (environment, type, id)
);

create table rowgate.warrant (
    environment      integer not null,
    resource_type    text collate "C" not null,
    resource_id      text collate "C" not null,
    relation         text collate "C" not null,
    subject_type     text collate "C" not null,
    subject_id       text collate "C" not null,
    subject_relation text collate "C" not null,
    policy           text collate "C" not null,
    policy_hash      bytea not null default '',  -- SHA-256, '' for none: policies are too long for an index
    created_at       bigint not null,
    primary key (environment, resource_type, resource_id, relation, subject_type, subject_id, subject_relation, policy_hash),
    check ((policy = '') = (policy_hash = ''))
);
-- From a subject to what it has a relation to.
create index warrant_subject on rowgate.warrant
    (environment, subject_type, subject_id, subject_relation, resource_type, relation, resource_id) include (policy_hash);
-- The groups that have a relation to a resource.
create index warrant_group on rowgate.warrant
    (environment, resource_type, resource_id, relation) where subject_relation <> '';

-- The log. `changes` is drawn in FORMAT.md. `xid` is the application's transaction that made the changes in SQL; `writer` identifies what
-- one server wrote in one transaction, so that it can find out whether a commit whose answer was lost took place.
create table rowgate.commit (
    environment integer not null,
    revision    bigint not null,
    at          bigint not null,
    changes     bytea not null,
    xid         xid8,
    writer      uuid,
    primary key (environment, revision)
);
create index commit_xid on rowgate.commit (environment, xid) where xid is not null;

-- Changes made in SQL that have no revision yet. They get one after their transaction committed: one commit for each transaction, in the
-- order of `seq`, which is drawn while the lock of the changed row is held.
create table rowgate.pending (
    seq              bigint generated always as identity primary key,
    environment      integer not null,
    xid              xid8 not null default pg_current_xact_id(),
    at               bigint not null,
    change           text not null check (change in ('create', 'delete', 'schema', 'bindings')),
    resource_type    text collate "C",
    resource_id      text collate "C",
    relation         text collate "C",
    subject_type     text collate "C",
    subject_id       text collate "C",
    subject_relation text collate "C",
    document         text
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
create index pending_environment on rowgate.pending (environment, seq);

grant usage on schema rowgate to rowgate_server, rowgate_reader, rowgate_app;
grant select on rowgate.migration to rowgate_server;
grant select, update on rowgate.registry to rowgate_server;
grant select, insert, update, delete on
    rowgate.environment, rowgate.api_key, rowgate.schema, rowgate.type, rowgate.relation, rowgate.resource, rowgate.warrant, rowgate.commit,
    rowgate.pending
    to rowgate_server;
grant select on rowgate.resource, rowgate.warrant to rowgate_reader;
