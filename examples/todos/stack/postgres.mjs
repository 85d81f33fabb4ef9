// A Postgres server of its own, from programs that are installed already. It asks for passwords, as real ones do.

import { execFile, execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { freePort, startProgram } from './program.mjs';

const REPOSITORY = join(import.meta.dirname, '../../..');
const PLACES = ['/usr/lib/postgresql', join(REPOSITORY, 'target/postgres')];
const VERSIONS = process.env.POSTGRES_VERSION ? [process.env.POSTGRES_VERSION] : ['18', '17', '16', '15'];
const IS_ROOT = process.getuid?.() === 0;

export async function startPostgres() {
  const bin = VERSIONS.flatMap((version) => PLACES.map((place) => join(place, version, 'bin'))).find((place) =>
    existsSync(join(place, 'initdb')),
  );
  if (!bin) throw new Error('there is no PostgreSQL here: run `make postgres` in the repository');
  const directory = mkdtempSync(join(tmpdir(), 'todos-postgres-'));
  const data = join(directory, 'data');
  const secret = join(directory, 'password');
  const password = randomUUID();
  mkdirSync(data, { mode: 0o700 });
  writeFileSync(secret, password);
  const run = asPostgres([directory, data, secret]);
  const initdb = ['-D', data, '-U', 'postgres', '--auth=scram-sha-256', `--pwfile=${secret}`, '-E', 'UTF8', '--locale=C', '--no-sync'];
  const [first, ...rest] = [...run, join(bin, 'initdb'), ...initdb];
  execFileSync(first, rest, { stdio: ['ignore', 'ignore', 'inherit'], cwd: '/' });

  const port = await freePort();
  const urlOf = (user, secretOf, database) => `postgres://${user}:${secretOf}@127.0.0.1:${port}/${database}`;
  const psql = async (url, sql) => {
    const { stdout } = await promisify(execFile)(join(bin, 'psql'), ['-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', url, '-c', sql]);
    return stdout.trim();
  };
  const admin = urlOf('postgres', password, 'postgres');
  const settings = ['-h', '127.0.0.1', '-p', String(port), '-k', directory, '-F'];
  const program = await startProgram({
    name: 'PostgreSQL',
    command: [...run, join(bin, 'postgres'), '-D', data, ...settings],
    directory,
    signal: 'INT',
    ready: async () => (await psql(admin, 'select 1')) === '1',
  });
  return { admin, urlOf, psql, stop: () => program.stop() };
}

/** Postgres refuses to run as root; then it runs as somebody who owns the files, and may still read programs in root's home. */
function asPostgres(files) {
  if (!IS_ROOT) return [];
  const id = (...flags) => Number(execFileSync('id', flags, { stdio: ['ignore', 'pipe', 'ignore'] }).toString());
  let user = 'nobody';
  try {
    id('-u', 'postgres');
    user = 'postgres';
  } catch {
    // There is no such user.
  }
  const [uid, gid] = [id('-u', user), id('-g', user)];
  for (const file of files) chownSync(file, uid, gid);
  const rights = ['--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search'];
  return ['setpriv', '--reuid', String(uid), '--regid', String(gid), '--clear-groups', ...rights];
}
