// Everything that the application needs, started in order and stopped in the opposite order.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { build, NEXT_ENV } from './build';
import { answers, Child, freePort } from './child';
import { migrate } from './migrate';
import { EXAMPLE } from './places';
import { startPostgres } from './postgres';
import { rowgateBinary, startRowgate } from './rowgate';

export type Stack = {
  /** Where the application is. */
  url: string;
  rowgateUrl: string;
  databaseUrl: string;
  /** When a part of it ends by itself: which. */
  ended: Promise<string>;
  stop(): Promise<void>;
};

type Options = { port?: number; say?: (what: string) => void };

/** Starts Postgres (unless `DATABASE_URL` names one), Rowgate and the application. */
export async function startStack({ port, say = () => {} }: Options = {}): Promise<Stack> {
  const children: Child[] = [];
  const stop = async () => {
    for (const child of children.splice(0).reverse()) await child.stop();
  };
  try {
    say('building');
    const binary = rowgateBinary();
    build();

    let databaseUrl = process.env.DATABASE_URL;
    if (!databaseUrl) {
      say('starting Postgres');
      const postgres = await startPostgres();
      children.push(postgres.child);
      databaseUrl = postgres.url;
    }
    await migrate(databaseUrl);

    say('starting Rowgate');
    const rowgate = await startRowgate(binary);
    children.push(rowgate.child);
    const settings = {
      ROWGATE_URL: rowgate.url,
      ROWGATE_API_KEY: rowgate.apiKey,
      TRUSTED_DATABASE_URL: databaseUrl,
    };
    const seed = ['--import', 'tsx', join(EXAMPLE, 'scripts/seed.ts')];
    execFileSync(process.execPath, seed, { env: { ...process.env, ...settings }, cwd: EXAMPLE, stdio: 'inherit' });

    say('starting the application');
    port ??= await freePort();
    const url = `http://127.0.0.1:${port}`;
    const next = join(EXAMPLE, 'node_modules/next/dist/bin/next');
    const app = new Child({
      name: 'the application',
      command: [process.execPath, next, 'start', EXAMPLE, '--hostname', '127.0.0.1', '--port', String(port)],
      env: { ...process.env, ...NEXT_ENV, ...settings },
      loud: process.env.DEBUG === 'true',
    });
    children.push(app);
    await app.until(() => answers(url));
    const ended = Promise.race(children.map((child) => child.ended().then(() => child.program.name)));
    return { url, rowgateUrl: rowgate.url, databaseUrl, ended, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
