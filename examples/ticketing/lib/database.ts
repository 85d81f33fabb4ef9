// Two connections to one database.

import { PrismaPg } from '@prisma/adapter-pg';

import { PrismaClient } from '../generated/prisma/client';
import { count } from './measure';
import { lazily, setting } from './settings';

/** Sees every row, so its user has to filter: for the pre-filter, the post-filter, and what is nobody's secret. */
export const trusted = lazily(() => connect(setting('TRUSTED_DATABASE_URL')));

function connect(connectionString: string) {
  const adapter = new PrismaPg({ connectionString });
  const client = new PrismaClient({ adapter, log: [{ emit: 'event', level: 'query' }] });
  client.$on('query', ({ query }) => count({ to: 'postgres', text: query }));
  return client;
}
