// Creates the table and its policies, as the owner, over the same endpoint.

import { neon } from '@neondatabase/serverless';
import { drizzle } from 'drizzle-orm/neon-http';
import { migrate as apply } from 'drizzle-orm/neon-http/migrator';
import { join } from 'node:path';

export async function migrate(ownerUrl) {
  await apply(drizzle(neon(ownerUrl)), { migrationsFolder: join(import.meta.dirname, 'drizzle') });
}
