// Applies the SQL files of prisma/migrations that were not applied before, in order.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Client } from 'pg';

import { EXAMPLE } from './places';

const DIRECTORY = join(EXAMPLE, 'prisma/migrations');

export async function migrate(connectionString: string): Promise<void> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    await client.query('create table if not exists "Migration" (name text primary key, at timestamptz not null default now())');
    for (const name of readdirSync(DIRECTORY).sort()) await applyOnce(client, name);
  } finally {
    await client.end();
  }
}

async function applyOnce(client: Client, name: string): Promise<void> {
  const before = await client.query('select from "Migration" where name = $1', [name]);
  if (before.rowCount) return;
  await client.query('begin');
  await client.query(readFileSync(join(DIRECTORY, name, 'migration.sql'), 'utf8'));
  await client.query('insert into "Migration" (name) values ($1)', [name]);
  await client.query('commit');
}
