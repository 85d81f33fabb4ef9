// A Rowgate server of its own for a test file: the real binary, an empty store, a free port.

import { spawn, execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { WorkOS } from '@workos-inc/node';

const BINARY = process.env.ROWGATE_BIN ?? fileURLToPath(new URL('../target/debug/rowgate', import.meta.url));
const START_LIMIT_MS = 20_000;
const STOP_LIMIT_MS = 10_000;

async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Starts a server and waits until it is ready. Call `stop()` on what it returns. */
export async function startServer({ apiKey = 'sk_test_of_the_clients' } = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'rowgate-clients-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = ['serve', '--listen', `127.0.0.1:${port}`, '--store', `file:${join(directory, 'store')}`];
  const env = { ...process.env, ROWGATE_API_KEY: apiKey };
  const child = spawn(BINARY, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });

  let log = '';
  child.stdout.on('data', (chunk) => (log += chunk));
  child.stderr.on('data', (chunk) => (log += chunk));
  let ended = null;
  const exit = new Promise((resolve) => {
    child.on('error', (error) => resolve((ended = `could not start ${BINARY}: ${error.message}`)));
    child.on('exit', (code, signal) => resolve((ended = `ended with ${signal ?? code}`)));
  });

  for (const deadline = Date.now() + START_LIMIT_MS; ; await sleep(25)) {
    if (ended) throw new Error(`the server ${ended}\n${log}`);
    if (await fetch(`${url}/healthz`).then((response) => response.ok, () => false)) break;
    if (Date.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`the server was not ready in time\n${log}`);
    }
  }

  return {
    url,
    apiKey,

    /** A client as an application makes it. */
    sdk(key = apiKey) {
      return new WorkOS(key, { apiHostname: '127.0.0.1', port, https: false });
    },

    /** A request without the SDK, for what it does not cover. */
    async request(method, path, body, headers = {}) {
      const text = typeof body === 'string';
      const response = await fetch(url + path, {
        method,
        headers: {
          Authorization: `Bearer ${apiKey}`,
          'Content-Type': text ? 'text/plain' : 'application/json',
          ...headers,
        },
        body: body === undefined || text ? body : JSON.stringify(body),
      });
      const answer = await response.text();
      return { status: response.status, headers: response.headers, body: answer ? JSON.parse(answer) : undefined };
    },

    /** Replaces the schema: its text is converted, then applied, as the command line does it. */
    async applySchema(source) {
      const converted = await this.request('POST', '/fga/v1/schemas/convert', source);
      if (converted.status !== 200) throw new Error(JSON.stringify(converted.body));
      const { resource_types, policies } = converted.body;
      const applied = await this.request('POST', '/fga/v1/schema', { resource_types, policies });
      if (applied.status !== 200) throw new Error(JSON.stringify(applied.body));
    },

    /** Runs the command line against this server. */
    cli(...args) {
      const env = { ...process.env, ROWGATE_URL: url, ROWGATE_API_KEY: apiKey };
      return promisify(execFile)(BINARY, args, { env });
    },

    async stop() {
      child.kill('SIGTERM');
      const ending = await Promise.race([exit, sleep(STOP_LIMIT_MS, 'did not end', { ref: false })]);
      child.kill('SIGKILL');
      await rm(directory, { recursive: true, force: true });
      if (ending !== 'ended with 0') throw new Error(`the server ${ending}\n${log}`);
    },
  };
}
