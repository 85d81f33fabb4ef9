// The conditional-roles tutorial: one-line schema, warrants and checks by curl. `warrants.sh` and `check.sh` are its
// commands; the base URL comes from the environment, and the comma that made its JSON invalid is gone.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { startServer } from '../../server.mjs';

const file = (name) => fileURLToPath(new URL(name, import.meta.url));

describe('expenses', () => {
  let server;
  const shell = async (script) => {
    const env = { ...process.env, ROWGATE_URL: server.url };
    const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], { env });
    return JSON.parse(stdout);
  };
  const check = async (change = (script) => script) => (await shell(change(await readFile(file('check.sh'), 'utf8')))).result;
  const amount = (value) => (script) => {
    assert.ok(script.includes('"amount": 150,'));
    return script.replace('"amount": 150,', `"amount": ${value},`);
  };

  before(async () => {
    server = await startServer({ apiKey: 'sk_example_123456789' });
    await server.cli('schema', 'apply', file('schema.txt'));
  });
  after(() => server?.stop());

  it('writes the warrants', async () => {
    const answer = await shell(await readFile(file('warrants.sh'), 'utf8'));
    assert.deepEqual(Object.keys(answer), ['warrant_token']);
  });

  it('a manager approves 150', async () => {
    assert.equal(await check(), 'authorized');
  });

  it('a manager approves 1000 and not more', async () => {
    assert.equal(await check(amount(1000)), 'authorized');
    assert.equal(await check(amount(1000.01)), 'not_authorized');
    assert.equal(await check(amount(1500)), 'not_authorized');
  });

  it('a manager does not approve for another cost centre', async () => {
    const elsewhere = (script) => script.replace('"cost_center": "cost-center-1"', '"cost_center": "cost-center-9"');
    assert.equal(await check(elsewhere), 'not_authorized');
  });

  it('nothing is approved without the context', async () => {
    const answer = await server.request('POST', '/fga/v1/check', {
      checks: [
        {
          resource_type: 'expense',
          resource_id: 'expense-1',
          relation: 'approve',
          subject: { resource_type: 'user', resource_id: 'user_2oDscjroNWtzxzYEnEzT9P7VYEe' },
        },
      ],
    });
    assert.equal(answer.body.result, 'not_authorized');
    assert.equal(answer.body.warnings[0].code, 'missing_context_keys');
  });

  it('an admin approves 1500', async () => {
    const warrants = await readFile(file('warrants.sh'), 'utf8');
    await shell(warrants.replace('"finance_manager"', '"finance_admin"'));
    assert.equal(await check(amount(1500)), 'authorized');
  });
});
