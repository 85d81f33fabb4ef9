// Two organizations, four users and their tickets. Run once, on empty tables.

import type { PrismaClient } from '../generated/prisma/client';
import { asUser, connect, disconnect } from '../lib/database';
import { setting } from '../lib/settings';

const ORGANIZATIONS = [
  { id: 'acme', name: 'Acme' },
  { id: 'globex', name: 'Globex' },
];

const USERS = [
  { id: 'ann', name: 'Ann, admin', orgId: 'acme', roles: ['admin of acme', 'admin of globex'] },
  { id: 'ben', name: 'Ben, agent', orgId: 'acme', roles: ['agent of acme'] },
  { id: 'cleo', name: 'Cleo, customer', orgId: 'globex', roles: ['customer of globex'] },
  { id: 'dan', name: 'Dan, member of Globex', orgId: 'globex', roles: ['member of globex'] },
];

const TICKETS = [
  { id: 'acme-1', title: 'The printer prints blank pages', creatorId: 'ben', assigneeId: 'ben', priority: 'HIGH' },
  { id: 'acme-2', title: 'A keyboard without the letter E', creatorId: 'ann', assigneeId: null, priority: 'LOW' },
  { id: 'acme-3', title: 'The lift stops between floors', creatorId: 'ben', assigneeId: 'ann', priority: 'HIGH' },
  { id: 'globex-1', title: 'I cannot log in', creatorId: 'cleo', assigneeId: null, priority: 'MEDIUM' },
  { id: 'globex-2', title: 'The invoice is for another month', creatorId: 'cleo', assigneeId: 'ben', priority: 'MEDIUM' },
  { id: 'globex-3', title: 'The screen flickers', creatorId: 'dan', assigneeId: 'ben', priority: 'MEDIUM' },
  { id: 'globex-4', title: 'Salaries are in the wrong folder', creatorId: 'dan', assigneeId: 'ann', priority: 'HIGH' },
  { id: 'globex-5', title: 'The coffee machine needs a reset', creatorId: 'dan', assigneeId: null, priority: 'LOW' },
] as const;

/** Users and what they are, in one transaction each: a role without its user, or a user without their roles, cannot be. */
async function addPeople(owner: PrismaClient): Promise<void> {
  await owner.organization.createMany({ data: ORGANIZATIONS });
  for (const { roles, ...columns } of USERS) {
    await owner.$transaction(async (transaction) => {
      await transaction.user.create({ data: { ...columns, email: `${columns.id}@example.com` } });
      for (const [relation, organization] of roles.map((role) => role.split(' of '))) {
        await transaction.$queryRaw`
          select rowgate.create_warrant(${`organization:${organization}`}, ${relation}, ${`user:${columns.id}`})`;
      }
    });
  }
}

/** Each ticket is filed by its creator, as on the page. */
async function fileTickets(): Promise<void> {
  for (const [at, { id, ...columns }] of TICKETS.entries()) {
    const orgId = id.split('-')[0] ?? '';
    const createdAt = new Date(Date.UTC(2026, 0, 1 + at));
    const data = { id, ...columns, orgId, createdAt, description: `Filed as ${id}.` };
    await asUser(columns.creatorId, (database) => database.ticket.create({ data }));
  }
}

const owner = connect(setting('DATABASE_URL'));
if ((await owner.organization.count()) === 0) {
  await addPeople(owner);
  await fileTickets();
}
await owner.$disconnect();
await disconnect();
