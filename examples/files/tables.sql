create table files (
    id              uuid primary key default gen_random_uuid(),
    organization_id text not null,
    project_id      text not null,
    name            text not null
);
create index on files (organization_id, project_id);
