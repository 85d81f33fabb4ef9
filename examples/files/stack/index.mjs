// Everything that the application needs: Postgres, and Rowgate with its warrants in the same database.

import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { startPostgres } from '../../todos/stack/postgres.mjs';
import { freePort, startProgram } from '../../todos/stack/program.mjs';

const HERE = join(import.meta.dirname, '..');
const ROWGATE = process.env.ROWGATE_BIN ?? join(HERE, '../../target/debug/rowgate');
const DATABASE = 'files';

/** Starts them, creates the table, and puts types and policies into force. */
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
  const admin = postgres.admin.replace(/\/postgres$/, `/${DATABASE}`);
  await postgres.psql(postgres.admin, `create role files_owner login createrole password '${ownerPassword}'`);
  await postgres.psql(postgres.admin, `create role files_server login password '${serverPassword}'`);
  await postgres.psql(postgres.admin, `create database ${DATABASE} owner files_owner`);
  const owner = postgres.urlOf('files_owner', ownerPassword, DATABASE);
  const server = postgres.urlOf('files_server', serverPassword, DATABASE);
  const rowgate = async (args, env = {}) => {
    const { stdout } = await promisify(execFile)(ROWGATE, args, { env: { ...process.env, ...env } });
    return stdout.trim();
  };
  await rowgate(['pg', 'install', '--database', owner, '--server', 'files_server', '--app', 'files_owner', '--with-roles']);
  await postgres.psql(owner, 'grant rowgate_owner, rowgate_reader to current_user');
  await postgres.psql(owner, readFileSync(join(HERE, 'tables.sql'), 'utf8'));

  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const settings = { ROWGATE_API_KEY: apiKey, ROWGATE_SQL: server, ROWGATE_SQL_PASSWORD_ROLES: 'files_owner' };
  const directory = mkdtempSync(join(tmpdir(), 'files-rowgate-'));
  const config = join(directory, 'config.toml');
  // The keys of the built-in issuer, which stands in for an identity provider.
  writeFileSync(config, `[built_in]\nkeys = ${JSON.stringify(join(directory, 'keys'))}\n`);
  const program = await startProgram({
    name: 'Rowgate',
    command: [ROWGATE, 'serve', '--listen', `127.0.0.1:${port}`, '--store', server, '--config', config],
    env: { ...process.env, ...settings },
    directory,
    ready: async () => (await fetch(`${url}/readyz`)).ok,
  });
  const client = { ROWGATE_URL: url, ROWGATE_API_KEY: apiKey };
  const guard = ['--database', owner, '--bindings', join(HERE, 'rowgate.toml')];
  try {
    await rowgate(['authz', 'apply', join(HERE, 'types.toml')], client);
    await rowgate(['rls', 'apply', ...guard]);
  } catch (error) {
    await program.stop();
    throw error;
  }
  return {
    url,
    apiKey,
    /** Where drivers send SQL. */
    endpoint: `${url}/sql`,
    /** For the part of the application that reads what it has not been allowed to show yet. */
    ownerUrl: owner,
    authenticatedUrl: `postgres://authenticated@127.0.0.1/${DATABASE}`,
    log: () => program.printed(),
    /** What `rowgate rls` says: `plan`, `verify`. */
    rls: (command) => rowgate(['rls', command, ...guard]),
    /** SQL past everything, as the superuser. */
    psql: (sql) => postgres.psql(admin, sql),
    /** A token as an identity provider would issue it for a session in an organization. */
    token: (user, organization) => rowgate(['token', 'mint', '--user', user, '--org', organization], client),
    async stop() {
      await program.stop();
      await postgres.stop();
    },
  };
}
