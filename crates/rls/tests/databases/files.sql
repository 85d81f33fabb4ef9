create table "User" (id uuid primary key, name text);
create table "Project" (id uuid primary key, "ownerId" uuid not null references "User", "isDeleted" boolean not null default false);
create table "ProjectMember" ("projectId" uuid references "Project", "userId" uuid references "User", primary key ("projectId", "userId"));
create table "Team" (id uuid primary key, name text);
create table "TeamMember" (id serial primary key, "teamId" uuid not null references "Team", "userId" uuid not null references "User",
    unique ("teamId", "userId"));
create table "ProjectTeam" ("projectId" uuid references "Project", "teamId" uuid references "Team", primary key ("projectId", "teamId"));
create table "Folder" (id uuid primary key, "projectId" uuid not null references "Project", "parentFolderId" uuid references "Folder");
create table "File" (id uuid primary key, "folderId" uuid references "Folder", "createdById" uuid references "User",
    "viewerId" uuid references "User", size bigint);
create table "_prisma_migrations" (id varchar(36) primary key, checksum varchar(64));
