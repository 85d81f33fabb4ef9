// Builds the application when its sources are newer than the last build.

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { EXAMPLE } from './places';

const SOURCES = ['app', 'lib', 'prisma/schema.prisma', 'next.config.ts', 'package-lock.json', 'tsconfig.json'];

/** The environment of every Next.js command. */
export const NEXT_ENV = { NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' } as const;

export function build(): void {
  const built = join(EXAMPLE, '.next/BUILD_ID');
  if (existsSync(built) && newest(SOURCES) < statSync(built).mtimeMs) return;
  run('prisma', 'generate');
  run('next', 'build');
}

function run(program: string, ...args: string[]): void {
  // Prisma's commands look for an engine that only its migrations use, and download one. Any program satisfies them.
  const env = { ...process.env, ...NEXT_ENV, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath };
  execFileSync(join(EXAMPLE, 'node_modules/.bin', program), args, { cwd: EXAMPLE, env, stdio: ['ignore', 'ignore', 'inherit'] });
}

/** When the newest of the files, also those inside directories, was changed. */
function newest(paths: string[]): number {
  const times = paths.map((path) => {
    const full = join(EXAMPLE, path);
    const stat = statSync(full);
    return stat.isDirectory() ? newest(readdirSync(full).map((name) => join(path, name))) : stat.mtimeMs;
  });
  return Math.max(...times);
}
