// Reading, creating, changing and deleting tickets.
//
// Each write asks Rowgate first, so that the user learns why not. The database's policies guard it all the same, from the same rules:
// a check that was forgotten here would still change nothing.

import type { User } from '../generated/prisma/client';
import { asUser, trusted } from './database';
import { allowed } from './fga';
import type { Change, NewTicket } from './input';
import { newestFirst, type ListedTicket } from './lists/shape';
import { orRefused, Refused } from './refused';

const { include } = newestFirst;

/** A ticket that the user may see. Others are answered like those that do not exist. */
export async function readTicket(user: User, id: string): Promise<ListedTicket> {
  const ticket = await asUser(user.id, (database) => database.ticket.findUnique({ where: { id }, include }));
  if (!ticket) throw new Refused(404, `there is no ticket ${id}`);
  return ticket;
}

export async function createTicket(user: User, input: NewTicket): Promise<ListedTicket> {
  await requireExisting(input.assigneeId);
  if (!(await allowed(user.id, 'submitter', 'organization', input.orgId))) {
    throw new Refused(403, `${user.id} may not file tickets in ${input.orgId}`);
  }
  const data = { ...input, creatorId: user.id };
  return orRefused(() => asUser(user.id, (database) => database.ticket.create({ data, include })));
}

export async function changeTicket(user: User, id: string, change: Change): Promise<ListedTicket> {
  await readTicket(user, id);
  await require(user, 'editor', id, 'change');
  await requireExisting(change.assigneeId);
  return orRefused(() => asUser(user.id, (database) => database.ticket.update({ where: { id }, data: change, include })));
}

export async function deleteTicket(user: User, id: string): Promise<void> {
  await readTicket(user, id);
  await require(user, 'deleter', id, 'delete');
  await orRefused(() => asUser(user.id, (database) => database.ticket.delete({ where: { id } })));
}

async function require(user: User, relation: string, id: string, verb: string): Promise<void> {
  if (await allowed(user.id, relation, 'ticket', id)) return;
  throw new Refused(403, `${user.id} may see ticket ${id}, but not ${verb} it`);
}

async function requireExisting(userId: string | null | undefined): Promise<void> {
  if (userId && !(await trusted().user.findUnique({ where: { id: userId } }))) throw new Refused(400, `there is no user ${userId}`);
}
