// Two connections to one database.

import { PrismaPg } from '@prisma/adapter-pg';

import { PrismaClient, type Prisma } from '../generated/prisma/client';
import { count } from './measure';
import { lazily, setting } from './settings';

/** Reads every row, so whoever uses it has to filter: the pre-filter, the post-filter, and lists of users. It writes nothing. */
export const trusted = lazily(() => connect(setting('TRUSTED_DATABASE_URL')));

/** The role that the policies are for. */
const guarded = lazily(() => connect(setting('GUARDED_DATABASE_URL')));

/** Work in a transaction that sees and changes what the user may see and change, and nothing else. */
export function asUser<T>(userId: string, work: (database: Prisma.TransactionClient) => Promise<T>): Promise<T> {
  const claims = JSON.stringify({ sub: userId });
  // Prisma reports the COMMIT as a statement, but not this one.
  count({ to: 'postgres', text: 'BEGIN' });
  return guarded().$transaction(async (transaction) => {
    await transaction.$queryRaw`select set_config('request.jwt.claims', ${claims}, true)`;
    return work(transaction);
  });
}

/** Ends what is open. */
export async function disconnect(): Promise<void> {
  await Promise.all([trusted().$disconnect(), guarded().$disconnect()]);
}

/** A client whose statements are counted. */
export function connect(connectionString: string) {
  const adapter = new PrismaPg({ connectionString });
  const client = new PrismaClient({ adapter, log: [{ emit: 'event', level: 'query' }] });
  client.$on('query', ({ query }) => count({ to: 'postgres', text: query }));
  return client;
}
