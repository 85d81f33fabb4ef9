// Everything that the application needs: Postgres, and Rowgate before it.

import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { startPostgres } from './postgres.mjs';
import { freePort, startProgram } from './program.mjs';

const ROWGATE = process.env.ROWGATE_BIN ?? join(import.meta.dirname, '../../../target/debug/rowgate');
const DATABASE = 'todos';

/** Starts them, with an owner, a login for Rowgate, and the roles `authenticated` and `anonymous`. */
export async function startStack() {
  const postgres = await startPostgres();
  try {
    return await behind(postgres);
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}

async function behind(postgres) {
  const [ownerPassword, serverPassword, apiKey] = [randomUUID(), randomUUID(), `sk_${randomUUID()}`];
  await postgres.psql(postgres.admin, `create role todos_owner login createrole password '${ownerPassword}'`);
  await postgres.psql(postgres.admin, `create role todos_server login password '${serverPassword}'`);
  await postgres.psql(postgres.admin, `create database ${DATABASE} owner todos_owner`);
  const owner = postgres.urlOf('todos_owner', ownerPassword, DATABASE);
  const rowgate = (args, env = {}) => promisify(execFile)(ROWGATE, args, { env: { ...process.env, ...env } });
  await rowgate(['pg', 'install', '--database', owner, '--server', 'todos_server', '--app', 'todos_owner', '--with-roles']);

  const directory = mkdtempSync(join(tmpdir(), 'todos-rowgate-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const settings = {
    ROWGATE_API_KEY: apiKey,
    ROWGATE_SQL: postgres.urlOf('todos_server', serverPassword, DATABASE),
    ROWGATE_SQL_ANONYMOUS: 'true',
    ROWGATE_SQL_PASSWORD_ROLES: 'todos_owner',
  };
  const program = await startProgram({
    name: 'Rowgate',
    command: [ROWGATE, 'serve', '--listen', `127.0.0.1:${port}`, '--store', `file:${join(directory, 'store')}`],
    env: { ...process.env, ...settings },
    directory,
    ready: async () => (await fetch(`${url}/healthz`)).ok,
  });
  return {
    url,
    /** Where drivers send SQL. */
    endpoint: `${url}/sql`,
    /** For migrations and other work of the owner. */
    ownerUrl: owner,
    authenticatedUrl: `postgres://authenticated@127.0.0.1/${DATABASE}`,
    anonymousUrl: `postgres://anonymous@127.0.0.1/${DATABASE}`,
    /** SQL past Rowgate, as the superuser. */
    psql: (sql) => postgres.psql(postgres.admin.replace(/\/postgres$/, `/${DATABASE}`), sql),
    /** What `rowgate rls verify` finds in the database, as the owner sees it. */
    async verify() {
      const found = await rowgate(['rls', 'verify', '--database', owner, '--json']).catch((failed) => failed);
      return JSON.parse(found.stdout);
    },
    log: () => program.printed(),
    /** A token as an identity provider would issue it. */
    async token(user, ...more) {
      const env = { ROWGATE_URL: url, ROWGATE_API_KEY: apiKey };
      const { stdout } = await rowgate(['token', 'mint', '--user', user, ...more], env);
      return stdout.trim();
    },
    async stop() {
      await program.stop();
      await postgres.stop();
    },
  };
}
