// The guide to the authorization API, followed to the letter in a fresh directory: every file is saved, every command is run, and what it prints is what
// stands there. `…` in the guide is anything. Only the port is another one, and the SDK is the one that is installed here.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const GUIDE = here('../../docs/guides/authorization-api.md');
const BINARY = process.env.ROWGATE_BIN ?? here('../../target/debug/rowgate');
const PORT = '7480';

/** What the guide has one after the other: files to save, and commands with what they print. */
function steps(guide) {
  const blocks = [...guide.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)];
  return blocks.flatMap(({ index, 1: kind, 2: text }) => {
    if (kind !== 'console') return [{ save: guide.slice(0, index).match(/`([\w.]+)`:\s*$/)[1], text }];
    return text.split(/^\$ /m).slice(1).map((part) => {
      const [run, ...printed] = part.split('\n');
      return { run, printed: printed.join('\n').trimEnd() };
    });
  });
}

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** What is printed, where `…` is anything. */
const pattern = (printed) => new RegExp(`^${printed.split('…').map(escaped).join('[\\s\\S]*?')}\\n?$`);

async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return String(port);
}

describe('the guide to the authorization API', () => {
  let directory, port, shell, server;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'rowgate-guide-'));
    await mkdir(join(directory, 'node_modules/@workos-inc'), { recursive: true });
    await symlink(here('node_modules/workos-11'), join(directory, 'node_modules/@workos-inc/node'));
    port = await freePort();
    shell = open();
  });
  after(async () => {
    shell?.child.kill();
    if (server) {
      const ended = new Promise((resolve) => server.on('exit', resolve));
      server.kill();
      await ended;
    }
    await rm(directory, { recursive: true, force: true });
  });

  const environment = () => ({
    ...process.env,
    PATH: `${dirname(BINARY)}:${process.env.PATH}`,
    ROWGATE_LISTEN: `127.0.0.1:${port}`,
    ROWGATE_URL: `http://127.0.0.1:${port}`,
    ROWGATE_API_KEY: undefined,
    NO_COLOR: '1',
  });

  /** A terminal. */
  function open() {
    const child = spawn('bash', [], { cwd: directory, env: environment(), stdio: ['pipe', 'pipe', 'pipe'] });
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (printed += chunk));
    return {
      child,
      async run(command) {
        printed = '';
        child.stdin.write(`${command.replaceAll(PORT, port)}\necho "--$?--"\n`);
        for (const deadline = Date.now() + 60_000; ; await sleep(10)) {
          const end = printed.match(/--(\d+)--\n$/);
          if (end) return { status: Number(end[1]), printed: printed.slice(0, end.index) };
          if (Date.now() > deadline) throw new Error(`${command} does not end:\n${printed}`);
        }
      },
    };
  }

  async function serve(key) {
    server = spawn(BINARY, ['serve'], { cwd: directory, env: { ...environment(), ROWGATE_API_KEY: key }, stdio: 'ignore' });
    for (const deadline = Date.now() + 20_000; Date.now() < deadline; await sleep(25)) {
      if (await fetch(`http://127.0.0.1:${port}/readyz`).then((answer) => answer.ok, () => false)) return;
    }
    throw new Error('the server was not ready in time');
  }

  it('can be followed to the letter', async () => {
    const guide = await readFile(GUIDE, 'utf8');
    let key, ran = 0;
    for (const step of steps(guide)) {
      if (step.save) {
        await writeFile(join(directory, step.save), step.text.replaceAll(PORT, port));
      } else if (step.run === 'rowgate serve') {
        // It goes on in a terminal of its own.
        await serve(key);
        shell.child.kill();
        shell = open();
      } else if (step.run.startsWith('npm install ')) {
        const { version } = JSON.parse(await readFile(here('node_modules/workos-11/package.json'), 'utf8'));
        assert.equal(step.run, `npm install @workos-inc/node@${version}`);
      } else {
        key ??= step.run.match(/^export ROWGATE_API_KEY=(\S+)$/)?.[1];
        const { status, printed } = await shell.run(step.run);
        assert.equal(status, 0, `${step.run}\n${printed}`);
        // A command whose output is not shown says what it says.
        if (step.printed) assert.match(printed, pattern(step.printed), step.run);
        ran += 1;
      }
    }
    assert.ok(ran >= 12, `${ran} commands`);
  });
});
