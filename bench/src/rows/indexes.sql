alter table ticket add primary key (id);
create index ticket_project on ticket (project_id);
create index ticket_created on ticket (created_at);
create index project_org on project (org_id);
alter table org_member add primary key (user_id, org_id);
alter table project_member add primary key (user_id, project_id);
