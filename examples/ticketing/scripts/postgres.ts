// A Postgres server for as long as the application runs, from programs that are installed already.

import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { Client } from 'pg';

import { directoryOf, freePort, type Start } from './child';
import { REPOSITORY } from './places';

const VERSIONS = [18, 17, 16, 15];
const PLACES = ['/usr/lib/postgresql', join(REPOSITORY, 'target/postgres')];

/** Starts an empty server, and returns the connection string of its superuser. What it wrote goes when it stops. */
export async function startPostgres(start: Start): Promise<string> {
  const installed = PLACES.flatMap((place) => VERSIONS.map((version) => join(place, String(version), 'bin')));
  const candidates = process.env.POSTGRES_BIN ? [process.env.POSTGRES_BIN] : installed;
  const bin = candidates.find((candidate) => existsSync(join(candidate, 'initdb')));
  if (!bin) {
    const remedy = `set DATABASE_URL or POSTGRES_BIN, run \`make postgres\` in ${REPOSITORY}, or install postgresql-15`;
    throw new Error(`there is no Postgres in ${candidates.join(', ')}: ${remedy}`);
  }
  const directory = directoryOf('postgres');
  const data = join(directory, 'data');
  mkdirSync(data);
  giveAway(directory, data);
  const initdb = ['--pgdata', data, '--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'];
  const [program, ...args] = asPostgres(join(bin, 'initdb'), initdb);
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'], cwd: '/' });

  const port = await freePort();
  const settings = { listen_addresses: '127.0.0.1', port, unix_socket_directories: '', fsync: 'off', shared_buffers: '64MB' };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const server = start({
    name: 'postgres',
    command: asPostgres(join(bin, 'postgres'), ['-D', data, ...options]),
    signal: 'INT',
    directory,
  });
  await server.until(() => accepts(url));
  return url;
}

async function accepts(connectionString: string): Promise<boolean> {
  const client = new Client({ connectionString });
  await client.connect();
  await client.end();
  return true;
}

const ROOT = process.getuid?.() === 0;

/** Postgres refuses to run as root; then it runs as `postgres`, or `nobody`. It may still read where only root may. */
function asPostgres(program: string, args: string[]): [string, ...string[]] {
  if (!ROOT) return [program, ...args];
  const { name, group } = unprivileged();
  const user = ['--reuid', name, '--regid', group, '--clear-groups'];
  return ['setpriv', ...user, '--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search', program, ...args];
}

function giveAway(...paths: string[]) {
  if (!ROOT) return;
  const { name } = unprivileged();
  const uid = Number(execFileSync('id', ['-u', name]));
  for (const path of paths) chownSync(path, uid, -1);
}

function unprivileged() {
  try {
    execFileSync('id', ['postgres'], { stdio: 'ignore' });
    return { name: 'postgres', group: 'postgres' };
  } catch {
    return { name: 'nobody', group: 'nogroup' };
  }
}
