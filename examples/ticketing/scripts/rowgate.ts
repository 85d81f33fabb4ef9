// The Rowgate server, and its command line.

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import { Client } from 'pg';

import { answers, freePort, type Start } from './child';
import { EXAMPLE, REPOSITORY } from './places';
import type { Urls } from './roles';

export type Rowgate = { url: string; apiKey: string };

/** The binary: the one that `ROWGATE_BIN` names, or a build of this repository. */
export function rowgateBinary(): string {
  if (process.env.ROWGATE_BIN) return process.env.ROWGATE_BIN;
  execFileSync('cargo', ['build', '--release', '--locked', '--bin', 'rowgate'], { cwd: REPOSITORY, stdio: 'inherit' });
  return join(process.env.CARGO_TARGET_DIR ?? join(REPOSITORY, 'target'), 'release/rowgate');
}

/** Starts a server whose store is in the application's database, and applies the schema and the bindings. */
export async function startRowgate(start: Start, binary: string, databaseUrl: string, urls: Urls): Promise<Rowgate> {
  const run = (...args: string[]) =>
    execFileSync(binary, args, { cwd: EXAMPLE, env: { ...process.env, ROWGATE_PG_URL: databaseUrl }, stdio: 'pipe' });

  run('pg', 'install', '--server', 'ticketing_rowgate', '--app', 'ticketing_app');
  await administer(databaseUrl);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const apiKey = `sk_ticketing_${randomBytes(16).toString('hex')}`;
  const server = start({
    name: 'rowgate',
    command: [binary, 'serve', '--listen', `127.0.0.1:${port}`],
    env: { ...process.env, ROWGATE_API_KEY: apiKey, ROWGATE_STORE: urls.rowgate },
  });
  await server.until(() => answers(`${url}/readyz`));
  // The policy for the role that sees everything was made by hand (0002_roles), and stays.
  run('rls', 'apply', '--schema', 'schema.txt', '--bindings', 'rowgate.toml', '--keep-existing');
  return { url, apiKey };
}

/** Lets the role that owns the tables apply policies, and write warrants. A superuser may anyway. */
async function administer(connectionString: string): Promise<void> {
  const client = new Client({ connectionString });
  await client.connect();
  await client.query('grant rowgate_owner, rowgate_reader to current_user');
  await client.end();
}
