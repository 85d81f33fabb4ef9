// Programs that run as long as this process does.

import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const PATIENCE_MS = 60_000;
const REMEMBERED = 8000;

// Runs a program until its own standard input ends, which it does when this process ends in whatever way. Then it stops the program and
// removes its directory.
const WATCHDOG = `
exec 3<&0
"$@" </dev/null 3<&- &
program=$!
{ read -r _ <&3; kill -s "$PROGRAM_SIGNAL" $program; } 2>/dev/null &
wait $program
status=$?
kill $! 2>/dev/null
rm -rf "$PROGRAM_DIRECTORY"
exit $status
`;

/** Starts a program and waits until `ready` says so. Call `stop()` on what it returns. */
export async function startProgram({ name, command, directory, ready, env = process.env, signal = 'TERM' }) {
  const child = spawn('sh', ['-c', WATCHDOG, 'watchdog', ...command], {
    env: { ...env, PROGRAM_SIGNAL: signal, PROGRAM_DIRECTORY: directory },
    // A group of its own, so that Ctrl-C reaches this process alone.
    detached: true,
    stdio: 'pipe',
  });
  let printed = '';
  let status;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => (printed = (printed + chunk).slice(-REMEMBERED)));
  }
  const ended = new Promise((resolve) => child.on('close', (code) => resolve((status = code))));
  for (const deadline = Date.now() + PATIENCE_MS; !(await ready().catch(() => false)); await sleep(50)) {
    if (status !== undefined) throw new Error(`${name} ended with ${status}\n${printed}`);
    if (Date.now() > deadline) throw new Error(`${name} was not ready in ${PATIENCE_MS / 1000} s\n${printed}`);
  }
  return {
    printed: () => printed,
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}

export async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
