// Everything that the application needs, started in order and stopped in the opposite order.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { build, NEXT_ENV } from './build';
import { answers, Child, freePort, type Start } from './child';
import { migrate } from './migrate';
import { EXAMPLE } from './places';
import { startPostgres } from './postgres';
import { createRoles } from './roles';
import { rowgateBinary, startRowgate } from './rowgate';

export type Stack = {
  /** Where the application is. */
  url: string;
  rowgateUrl: string;
  databaseUrl: string;
  /** What the application is told in its environment. */
  settings: Record<string, string>;
  /** When a part of it ends by itself: which. */
  ended: Promise<string>;
  stop(): Promise<void>;
};

type Options = {
  /** Where the application listens; any free port without it. */
  port?: number;
  /** A database to use; without it, an empty one that goes with the stack. */
  databaseUrl?: string;
  say?: (what: string) => void;
};

/** Starts Postgres, Rowgate and the application. */
export async function startStack({ port, databaseUrl, say = () => {} }: Options = {}): Promise<Stack> {
  const children: Child[] = [];
  const start: Start = (program) => {
    const child = new Child(program);
    children.push(child);
    return child;
  };
  const stop = async () => {
    for (const child of children.splice(0).reverse()) await child.stop();
  };
  try {
    say('building');
    const binary = rowgateBinary();
    build();

    if (!databaseUrl) say('starting Postgres');
    databaseUrl ??= await startPostgres(start);
    const roles = await createRoles(databaseUrl);
    await migrate(databaseUrl);

    say('starting Rowgate');
    const rowgate = await startRowgate(start, binary, databaseUrl, roles);
    const settings = {
      ROWGATE_URL: rowgate.url,
      ROWGATE_API_KEY: rowgate.apiKey,
      TRUSTED_DATABASE_URL: roles.trusted,
      GUARDED_DATABASE_URL: roles.guarded,
    };
    seed({ ...settings, DATABASE_URL: databaseUrl });

    say('starting the application');
    port ??= await freePort();
    const url = `http://127.0.0.1:${port}`;
    const next = join(EXAMPLE, 'node_modules/next/dist/bin/next');
    const app = start({
      name: 'the application',
      command: [process.execPath, next, 'start', EXAMPLE, '--hostname', '127.0.0.1', '--port', String(port)],
      env: { ...process.env, ...NEXT_ENV, ...settings },
      loud: process.env.DEBUG === 'true',
    });
    await app.until(() => answers(url));
    const ended = Promise.race(children.map((child) => child.ended().then(() => child.program.name)));
    return { url, rowgateUrl: rowgate.url, databaseUrl, settings, ended, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** In a process of its own, because the code it uses is there only after the build. */
function seed(settings: Record<string, string>): void {
  const args = ['--import', 'tsx', join(EXAMPLE, 'scripts/seed.ts')];
  execFileSync(process.execPath, args, { env: { ...process.env, ...settings }, cwd: EXAMPLE, stdio: 'inherit' });
}
