// The database roles that the application and Rowgate connect as, with a new password at each start.

import { randomBytes } from 'node:crypto';

import { Client } from 'pg';

/** Each role, and the connection string that logs it in. */
export type Urls = Record<'guarded' | 'trusted' | 'rowgate', string>;

export async function createRoles(databaseUrl: string): Promise<Urls> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return {
      guarded: await createRole(client, databaseUrl, 'ticketing_app'),
      trusted: await createRole(client, databaseUrl, 'ticketing_trusted'),
      rowgate: await createRole(client, databaseUrl, 'ticketing_rowgate'),
    };
  } finally {
    await client.end();
  }
}

async function createRole(client: Client, databaseUrl: string, name: string): Promise<string> {
  const password = randomBytes(16).toString('hex');
  const there = await client.query('select from pg_roles where rolname = $1', [name]);
  await client.query(`${there.rowCount ? 'alter' : 'create'} role ${name} login password '${password}'`);
  const url = new URL(databaseUrl);
  url.username = name;
  url.password = password;
  return url.href;
}
