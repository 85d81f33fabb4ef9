// `rowgate rls verify` on the policies that `crudPolicy` writes: right, but slow, and it says what is fast. Applied, it means the same.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { neon, neonConfig } from '@neondatabase/serverless';

import { migrate } from '../migrate.mjs';
import { startStack } from '../stack/index.mjs';

let stack;
before(async () => {
  stack = await startStack();
  neonConfig.fetchEndpoint = stack.endpoint;
  await migrate(stack.ownerUrl);
});
after(() => stack?.stop());

const slow = (report) => report.findings.filter(({ code }) => code === 'correlated_subquery');
const rowsOf = async (user) => {
  const sql = neon(stack.authenticatedUrl, { authToken: await stack.token(user) });
  return (await sql`select task from todos order by task`).map(({ task }) => task);
};
/** How Postgres finds a user's rows. */
const planOf = async (user) => {
  const sql = neon(stack.authenticatedUrl, { authToken: await stack.token(user) });
  return (await sql`explain select * from todos`).map((row) => row['QUERY PLAN']).join('\n');
};

describe('rls verify', () => {
  it('finds the slow policies of the helper and offers fast ones that mean the same', async () => {
    for (const user of ['ann', 'bob']) {
      const sql = neon(stack.authenticatedUrl, { authToken: await stack.token(user) });
      await sql`insert into todos (task) values (${`a task of ${user}`})`;
    }
    await stack.psql(`insert into todos (user_id, task) select 'user' || n, 'task' from generate_series(1, 20000) n`);
    await stack.psql('create index on todos (user_id)');
    await stack.psql('analyze todos');

    const report = await stack.verify();
    const found = slow(report);
    assert.deepEqual(
      found.map(({ severity, object }) => [severity, object.replace(/^policy "([^"]+)".*$/, '$1')]).sort(),
      ['delete', 'insert', 'select', 'update'].map((command) => ['warning', `crud-authenticated-policy-${command}`]),
      JSON.stringify(report),
    );
    assert.equal(report.errors, 0, JSON.stringify(report.findings));
    assert.match(await planOf('ann'), /Seq Scan/);

    const remedies = found.flatMap(({ sql }) => sql);
    assert.ok(remedies.length >= found.length, JSON.stringify(found));
    for (const sql of remedies) {
      assert.match(sql, /^ALTER POLICY "crud-authenticated-policy-/);
      await stack.psql(sql);
    }
    assert.deepEqual(slow(await stack.verify()), []);
    assert.match(await planOf('ann'), /Index|Bitmap/);
    assert.deepEqual(await rowsOf('ann'), ['a task of ann']);
    assert.deepEqual(await rowsOf('bob'), ['a task of bob']);
    const ann = neon(stack.authenticatedUrl, { authToken: await stack.token('ann') });
    await assert.rejects(() => ann`insert into todos (user_id, task) values ('bob', 'not mine')`, { code: '42501' });
    const changed = await ann`update todos set task = 'stolen' where user_id = 'bob' returning id`;
    assert.deepEqual(changed, []);
  });
});
