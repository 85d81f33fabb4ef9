// Creating, changing and deleting tickets, each after a check.

import { TicketPriority, TicketStatus, type User } from '../generated/prisma/client';
import { trusted } from './database';
import { allowed } from './fga';
import { Refused } from './refused';
import { newestFirst, type ListedTicket } from './lists/shape';
import { assign, forget, introduce } from './warrants';

export type NewTicket = {
  title: string;
  description: string;
  priority?: string;
  orgId: string;
  assigneeId?: string | null;
};

export type Change = { status?: string; assigneeId?: string | null };

/** A ticket that the user may see. Others are answered like those that do not exist. */
export async function readTicket(user: User, id: string): Promise<ListedTicket> {
  const ticket = await trusted().ticket.findUnique({ where: { id }, include: newestFirst.include });
  if (!ticket || !(await allowed(user.id, 'viewer', 'ticket', id))) throw new Refused(404, `there is no ticket ${id}`);
  return ticket;
}

export async function createTicket(user: User, input: NewTicket): Promise<ListedTicket> {
  const { title, description, orgId } = input;
  if (!title || !description || !orgId) throw new Refused(400, 'a ticket has a title, a description and an orgId');
  const priority = oneOf(TicketPriority, 'priority', input.priority) ?? TicketPriority.MEDIUM;
  const assigneeId = await existingUser(input.assigneeId);
  if (!(await allowed(user.id, 'submitter', 'organization', orgId))) {
    throw new Refused(403, `${user.id} may not file tickets in ${orgId}`);
  }
  const ticket = await trusted().ticket.create({
    data: { title, description, priority, orgId, assigneeId, creatorId: user.id },
    include: newestFirst.include,
  });
  await introduce(ticket);
  return ticket;
}

export async function changeTicket(user: User, id: string, change: Change): Promise<ListedTicket> {
  const before = await readTicket(user, id);
  const status = oneOf(TicketStatus, 'status', change.status);
  const assigneeId = await existingUser(change.assigneeId);
  await require(user, 'editor', id, 'change');
  const ticket = await trusted().ticket.update({
    where: { id },
    data: { status, assigneeId },
    include: newestFirst.include,
  });
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

/** A value of an enumeration of the schema. */
function oneOf<T extends string>(values: Record<string, T>, name: string, text?: string): T | undefined {
  if (text === undefined) return undefined;
  const value = Object.values(values).find((known) => known === text);
  if (!value) throw new Refused(400, `${name} is one of ${Object.values(values).join(', ')}`);
  return value;
}

/** Null for nobody, undefined for no change. */
async function existingUser(id: string | null | undefined): Promise<string | null | undefined> {
  if (id === undefined || id === null) return id;
  if (id === '') return null;
  const user = await trusted().user.findUnique({ where: { id } });
  if (!user) throw new Refused(400, `there is no user ${id}`);
  return id;
}
