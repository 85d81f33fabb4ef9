// Load every ticket, then ask Rowgate about each and drop the others.

import { allowedEach } from '../batch';
import { trusted } from '../database';
import { newestFirst, type ListedTicket } from './shape';

export async function postFilter(userId: string): Promise<ListedTicket[]> {
  const tickets = await trusted().ticket.findMany(newestFirst);
  const answers = await allowedEach(
    userId,
    tickets.map((ticket) => ({ relation: 'viewer', ticketId: ticket.id })),
  );
  return tickets.filter((_, at) => answers[at]);
}
