-- What `prisma/schema.prisma` describes.

create type "TicketStatus" as enum ('OPEN', 'IN_PROGRESS', 'RESOLVED');
create type "TicketPriority" as enum ('LOW', 'MEDIUM', 'HIGH');

create table "Organization" (
    "id" text primary key,
    "name" text not null,
    "createdAt" timestamp(3) not null default current_timestamp,
    "updatedAt" timestamp(3) not null default current_timestamp
);

create table "User" (
    "id" text primary key,
    "email" text not null unique,
    "name" text,
    "orgId" text not null references "Organization" ("id"),
    "createdAt" timestamp(3) not null default current_timestamp,
    "updatedAt" timestamp(3) not null default current_timestamp
);

create table "Ticket" (
    "id" text primary key,
    "title" text not null,
    "description" text not null,
    "status" "TicketStatus" not null default 'OPEN',
    "priority" "TicketPriority" not null default 'MEDIUM',
    "createdAt" timestamp(3) not null default current_timestamp,
    "updatedAt" timestamp(3) not null default current_timestamp,
    "orgId" text not null references "Organization" ("id"),
    "assigneeId" text references "User" ("id"),
    "creatorId" text not null references "User" ("id")
);

create index "Ticket_orgId_idx" on "Ticket" ("orgId");
create index "Ticket_assigneeId_idx" on "Ticket" ("assigneeId");
create index "Ticket_creatorId_idx" on "Ticket" ("creatorId");
