// What forms and requests may say about a ticket.

import { TicketPriority, TicketStatus } from '../generated/prisma/client';
import { Refused } from './refused';

export type NewTicket = {
  title: string;
  description: string;
  orgId: string;
  priority: TicketPriority;
  assigneeId: string | null;
};

/** What to change. Undefined is no change, and no assignee is null. */
export type Change = { status?: TicketStatus; assigneeId?: string | null };

export function newTicket(input: object): NewTicket {
  const fields = textFields(input, ['title', 'description', 'orgId', 'priority', 'assigneeId']);
  const { title, description, orgId, priority, assigneeId } = fields;
  if (!title || !description || !orgId) throw new Refused(400, 'a ticket has a title, a description and an orgId');
  return {
    title,
    description,
    orgId,
    priority: oneOf(TicketPriority, 'priority', priority) ?? TicketPriority.MEDIUM,
    assigneeId: assigneeId || null,
  };
}

export function change(input: object): Change {
  const { status, assigneeId } = textFields(input, ['status', 'assigneeId']);
  return {
    status: oneOf(TicketStatus, 'status', status),
    assigneeId: assigneeId === undefined ? undefined : assigneeId || null,
  };
}

/** Exactly these fields, each of them text if it is there. Null is read as empty. */
function textFields<Name extends string>(input: object, names: Name[]): Partial<Record<Name, string>> {
  const fields: Partial<Record<Name, string>> = {};
  for (const [key, value] of Object.entries(input)) {
    const name = names.find((known) => known === key);
    if (!name) throw new Refused(400, `there is no field ${key}: write ${names.join(', ')}`);
    if (value !== null && typeof value !== 'string') throw new Refused(400, `${key} is text`);
    fields[name] = value ?? '';
  }
  return fields;
}

function oneOf<T extends string>(values: Record<string, T>, name: string, text?: string): T | undefined {
  if (text === undefined) return undefined;
  const value = Object.values(values).find((known) => known === text);
  if (!value) throw new Refused(400, `${name} is one of ${Object.values(values).join(', ')}`);
  return value;
}
