import type { Prisma } from '../../generated/prisma/client';

/** The same list for all three: everything, newest first. Only what keeps the secret ones out differs. */
export const newestFirst = {
  include: { creator: true, assignee: true },
  orderBy: [{ createdAt: 'desc' }, { id: 'asc' }],
} satisfies Prisma.TicketFindManyArgs;

export type ListedTicket = Prisma.TicketGetPayload<typeof newestFirst>;
