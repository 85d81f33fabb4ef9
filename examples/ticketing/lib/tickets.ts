// Creating, changing and deleting tickets, each after a check.

import type { User } from '../generated/prisma/client';
import { trusted } from './database';
import { allowed } from './fga';
import type { Change, NewTicket } from './input';
import { Refused } from './refused';
import { newestFirst, type ListedTicket } from './lists/shape';
import { assign, forget, introduce } from './warrants';

/** A ticket that the user may see. Others are answered like those that do not exist. */
export async function readTicket(user: User, id: string): Promise<ListedTicket> {
  const ticket = await trusted().ticket.findUnique({ where: { id }, include: newestFirst.include });
  if (!ticket || !(await allowed(user.id, 'viewer', 'ticket', id))) throw new Refused(404, `there is no ticket ${id}`);
  return ticket;
}

export async function createTicket(user: User, input: NewTicket): Promise<ListedTicket> {
  await requireExisting(input.assigneeId);
  if (!(await allowed(user.id, 'submitter', 'organization', input.orgId))) {
    throw new Refused(403, `${user.id} may not file tickets in ${input.orgId}`);
  }
  const ticket = await trusted().ticket.create({
    data: { ...input, creatorId: user.id },
    include: newestFirst.include,
  });
  await introduce(ticket);
  return ticket;
}

export async function changeTicket(user: User, id: string, change: Change): Promise<ListedTicket> {
  const before = await readTicket(user, id);
  await require(user, 'editor', id, 'change');
  await requireExisting(change.assigneeId);
  const ticket = await trusted().ticket.update({ where: { id }, data: change, include: newestFirst.include });
  await assign(ticket, before.assigneeId);
  return ticket;
}

export async function deleteTicket(user: User, id: string): Promise<void> {
  await readTicket(user, id);
  await require(user, 'deleter', id, 'delete');
  await trusted().ticket.delete({ where: { id } });
  await forget(id);
}

async function require(user: User, relation: string, id: string, verb: string): Promise<void> {
  if (await allowed(user.id, relation, 'ticket', id)) return;
  throw new Refused(403, `${user.id} may see ticket ${id}, but not ${verb} it`);
}

async function requireExisting(userId: string | null | undefined): Promise<void> {
  if (userId && !(await trusted().user.findUnique({ where: { id: userId } }))) throw new Refused(400, `there is no user ${userId}`);
}
