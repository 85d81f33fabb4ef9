// Ask Rowgate which tickets the user may see, then ask the database for those.

import { trusted } from '../database';
import { fga } from '../fga';
import { newestFirst, type ListedTicket } from './shape';

export async function preFilter(userId: string): Promise<ListedTicket[]> {
  const ids = await visibleTicketIds(userId);
  return trusted().ticket.findMany({ where: { id: { in: ids } }, ...newestFirst });
}

/** All of them, a page at a time. `response.data` alone would be the first page. */
async function visibleTicketIds(userId: string): Promise<string[]> {
  const ids: string[] = [];
  let after: string | undefined;
  do {
    const page = await fga().query({ q: `select ticket where user:${userId} is viewer`, limit: 100, after });
    ids.push(...page.data.map((row) => row.resourceId));
    after = page.listMetadata.after;
  } while (after);
  return ids;
}
