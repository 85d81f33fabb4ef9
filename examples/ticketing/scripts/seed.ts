// Two organizations, four users and their tickets. Run once, on empty tables.

import type { PrismaClient } from '../generated/prisma/client';
import { introduce } from '../lib/warrants';
import { trusted } from '../lib/database';
import { fga, user } from '../lib/fga';

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

async function seed(database: PrismaClient): Promise<void> {
  if ((await database.organization.count()) > 0) return;
  await database.organization.createMany({ data: ORGANIZATIONS });
  for (const { roles, ...columns } of USERS) {
    await database.user.create({ data: { ...columns, email: `${columns.id}@example.com` } });
    for (const role of roles) await join(columns.id, role);
  }
  for (const [at, { id, ...columns }] of TICKETS.entries()) {
    const orgId = id.split('-')[0] ?? '';
    const createdAt = new Date(Date.UTC(2026, 0, 1 + at));
    const data = { id, ...columns, orgId, createdAt, description: `Filed as ${id}.` };
    await introduce(await database.ticket.create({ data }));
  }
}

/** Makes a user `agent of acme`. */
function join(userId: string, role: string) {
  const [relation = '', resourceId = ''] = role.split(' of ');
  const resource = { resourceType: 'organization', resourceId };
  return fga().writeWarrant({ resource, relation, subject: user(userId) });
}

await seed(trusted());
await trusted().$disconnect();
