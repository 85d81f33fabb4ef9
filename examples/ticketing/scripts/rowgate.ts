// The Rowgate server, and its command line.

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import { answers, Child, directoryOf, freePort } from './child';
import { EXAMPLE, REPOSITORY } from './places';

export type Rowgate = { child: Child; url: string; apiKey: string };

/** The binary: the one that `ROWGATE_BIN` names, or a build of this repository. */
export function rowgateBinary(): string {
  if (process.env.ROWGATE_BIN) return process.env.ROWGATE_BIN;
  execFileSync('cargo', ['build', '--release', '--locked', '--bin', 'rowgate'], { cwd: REPOSITORY, stdio: 'inherit' });
  return join(process.env.CARGO_TARGET_DIR ?? join(REPOSITORY, 'target'), 'release/rowgate');
}

/** Starts a server with a new API key, and gives it the schema. */
export async function startRowgate(binary: string): Promise<Rowgate> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const directory = directoryOf('rowgate');
  const apiKey = `sk_ticketing_${randomBytes(16).toString('hex')}`;
  const child = new Child({
    name: 'rowgate',
    command: [binary, 'serve', '--listen', `127.0.0.1:${port}`, '--store', `file:${join(directory, 'store')}`],
    env: { ...process.env, ROWGATE_API_KEY: apiKey },
    directory,
  });
  await child.until(() => answers(`${url}/readyz`));
  const env = { ...process.env, ROWGATE_URL: url, ROWGATE_API_KEY: apiKey };
  execFileSync(binary, ['schema', 'apply', join(EXAMPLE, 'schema.txt')], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  return { child, url, apiKey };
}
