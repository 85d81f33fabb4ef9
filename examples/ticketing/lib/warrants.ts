// The tutorial writes a ticket's relations twice: as columns, and as warrants. This is the second time.

import { WarrantOp } from '@workos-inc/node';

import type { Ticket } from '../generated/prisma/client';
import { fga, user } from './fga';

type Write = { op: WarrantOp; relation: string; subject: { resourceType: string; resourceId: string } };

/** The warrants of a new ticket. */
export function introduce(ticket: Ticket) {
  const parent = { resourceType: 'organization', resourceId: ticket.orgId };
  const writes: Write[] = [
    { op: WarrantOp.Create, relation: 'creator', subject: user(ticket.creatorId) },
    { op: WarrantOp.Create, relation: 'parent', subject: parent },
  ];
  if (ticket.assigneeId) writes.push({ op: WarrantOp.Create, relation: 'assignee', subject: user(ticket.assigneeId) });
  return write(ticket.id, writes);
}

/** Moves the assignee's warrant to another user, or to nobody. */
export async function assign(ticket: Ticket, before: string | null) {
  if (ticket.assigneeId === before) return;
  const writes: Write[] = [];
  if (before) writes.push({ op: WarrantOp.Delete, relation: 'assignee', subject: user(before) });
  if (ticket.assigneeId) writes.push({ op: WarrantOp.Create, relation: 'assignee', subject: user(ticket.assigneeId) });
  await write(ticket.id, writes);
}

/** Deletes a ticket's warrants. */
export function forget(id: string) {
  return fga().deleteResource({ resourceType: 'ticket', resourceId: id });
}

function write(id: string, writes: Write[]) {
  const resource = { resourceType: 'ticket', resourceId: id };
  return fga().batchWriteWarrants(writes.map((each) => ({ ...each, resource })));
}
