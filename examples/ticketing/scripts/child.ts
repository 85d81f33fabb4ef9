// Programs that run as long as this process does.

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const PATIENCE_MS = 60_000;
const REMEMBERED = 4000;

// Runs a program until its own standard input ends, which it does when this process ends in whatever way. Then it stops the program
// and removes its directory.
const WATCHDOG = `
exec 3<&0
"$@" </dev/null 3<&- &
program=$!
{ read -r _ <&3; kill -s "$PROGRAM_SIGNAL" $program; } 2>/dev/null &
wait $program
status=$?
kill $! 2>/dev/null
[ -z "$PROGRAM_DIRECTORY" ] || rm -rf "$PROGRAM_DIRECTORY"
exit $status
`;

export type Program = {
  name: string;
  command: [string, ...string[]];
  env?: NodeJS.ProcessEnv;
  signal?: 'TERM' | 'INT';
  /** Goes when the program ends. */
  directory?: string;
  /** Passes on what it prints. */
  loud?: boolean;
};

/** Starts a program that will be stopped with the others. */
export type Start = (program: Program) => Child;

/** A program that was started. */
export class Child {
  #process: ChildProcess;
  #ended: Promise<void>;
  #status: number | null | undefined;
  #printed = '';

  constructor(readonly program: Program) {
    const { command, env = process.env, signal = 'TERM', directory = '', loud = false } = program;
    this.#process = spawn('sh', ['-c', WATCHDOG, 'watchdog', ...command], {
      env: { ...env, PROGRAM_SIGNAL: signal, PROGRAM_DIRECTORY: directory },
      // A group of its own, so that Ctrl-C reaches this process alone, which then stops one after the other.
      detached: true,
      stdio: 'pipe',
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#printed = (this.#printed + chunk).slice(-REMEMBERED);
        if (loud) process.stdout.write(chunk);
      });
    }
    this.#ended = new Promise((resolve) =>
      this.#process.on('close', (status) => {
        this.#status = status;
        resolve();
      }),
    );
  }

  /** Waits until `ready` is true. Fails when the program ends before, or takes too long. */
  async until(ready: () => Promise<boolean>): Promise<void> {
    for (const deadline = Date.now() + PATIENCE_MS; !(await ready().catch(() => false)); await sleep(50)) {
      if (this.#status !== undefined) throw this.#failure(`ended with ${this.#status}`);
      if (Date.now() > deadline) throw this.#failure(`was not ready in ${PATIENCE_MS / 1000} s`);
    }
  }

  #failure(how: string) {
    return new Error(`${this.program.name} ${how}\n${this.#printed}`);
  }

  /** Resolves when the program ended, whoever ended it. */
  ended(): Promise<void> {
    return this.#ended;
  }

  async stop(): Promise<void> {
    this.#process.stdin?.end();
    await this.#ended;
  }
}

/** A directory for one program. */
export function directoryOf(name: string): string {
  return mkdtempSync(join(tmpdir(), `ticketing-${name}-`));
}

export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

export async function answers(url: string): Promise<boolean> {
  return (await fetch(url)).ok;
}
