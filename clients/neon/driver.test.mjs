// Every way of the driver to ask, over HTTP.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { NeonDbError, Pool, neon, neonConfig } from '@neondatabase/serverless';

import { startTodos } from './setup.mjs';

let stack;
let owner;
before(async () => {
  stack = await startTodos();
  owner = neon(stack.ownerUrl);
});
after(() => stack?.stop());

describe('queries of the owner, with a password', () => {
  it('answers templates, calls and fragments', async () => {
    const two = 2;
    assert.deepEqual(await owner`select ${two}::int as two`, [{ two: 2 }]);
    assert.deepEqual(await owner.query('select $1::int + $2::int as sum', [1, 2]), [{ sum: 3 }]);
    assert.deepEqual(await owner`select ${owner.unsafe('1')} as one`, [{ one: 1 }]);
  });

  it('answers as arrays and with everything that Postgres says', async () => {
    assert.deepEqual(await owner.query('select 1, 2', [], { arrayMode: true }), [[1, 2]]);
    const full = await owner.query('select 1 as x', [], { fullResults: true });
    assert.equal(full.command, 'SELECT');
    assert.equal(full.rowCount, 1);
    assert.equal(full.fields[0].name, 'x');
    assert.equal(full.fields[0].dataTypeID, 23);
    assert.equal(full.viaNeonFetch, true);
  });

  it('brings back what was sent', async () => {
    const when = new Date('2024-02-29T12:34:56.789Z');
    const values = [null, true, 42, 'quote " and \\', { a: [1, { b: null }] }, ['x', null, 'a,"b'], when, Buffer.from([0, 255])];
    const types = ['text', 'bool', 'int', 'text', 'jsonb', 'text[]', 'timestamptz', 'bytea'];
    const sql = `select ${types.map((type, at) => `$${at + 1}::${type} as c${at}`).join(', ')}`;
    const [row] = await owner.query(sql, values);
    assert.deepEqual(Object.values(row), values);
  });

  it('reads types as the driver does over TCP', async () => {
    const [row] = await owner`select 9007199254740993::int8 as big, 1.50::numeric as exact, 'NaN'::float8 as nan, '{1,2}'::int[] as list,
      '2024-02-29'::date as day, null as nothing, '{"a":1}'::json as json, '{{a,b},{c,d}}'::text[] as nested`;
    assert.equal(row.big, '9007199254740993');
    assert.equal(row.exact, '1.50');
    assert.ok(Number.isNaN(row.nan));
    assert.deepEqual(row.list, [1, 2]);
    assert.ok(row.day instanceof Date);
    assert.equal(row.nothing, null);
    assert.deepEqual(row.json, { a: 1 });
    assert.deepEqual(row.nested, [
      ['a', 'b'],
      ['c', 'd'],
    ]);
  });

  it('passes on the errors of Postgres', async () => {
    const error = await owner`select nothing`.catch((error) => error);
    assert.ok(error instanceof NeonDbError);
    assert.equal(error.code, '42703');
    assert.equal(error.message, 'column "nothing" does not exist');
    assert.equal(error.position, '8');
    assert.equal(error.severity, 'ERROR');
    assert.equal(error.detail, undefined);
    await owner`create table once (a int primary key)`;
    await owner`insert into once values (1)`;
    const twice = await owner`insert into once values (1)`.catch((error) => error);
    assert.equal(twice.code, '23505');
    assert.equal(twice.constraint, 'once_pkey');
    assert.equal(twice.detail, 'Key (a)=(1) already exists.');
    await assert.rejects(owner.query('select 1; select 2'), { code: '42601' });
  });

  it('refuses a wrong password and an unknown role with the same words', async () => {
    for (const url of [stack.ownerUrl.replace(/:[^:@]+@/, ':wrong@'), stack.ownerUrl.replace('todos_owner', 'nobody')]) {
      const role = new URL(url).username;
      const words = role === 'nobody' ? /missing authentication credentials/ : /password authentication failed for user 'todos_owner'/;
      await assert.rejects(neon(url)`select 1`, words);
    }
    await assert.rejects(neon(stack.ownerUrl.replace(/todos$/, 'other'))`select 1`, /database "other" does not exist/);
  });

  it('asks through a pool without a socket', async () => {
    neonConfig.poolQueryViaFetch = true;
    const pool = new Pool({ connectionString: stack.ownerUrl });
    const { rows } = await pool.query('select $1::text as x', ['y']);
    assert.deepEqual(rows, [{ x: 'y' }]);
    await pool.end();
  });

  it('brings a large result', async () => {
    const rows = await owner`select n, repeat('x', 100) as text from generate_series(1, 20000) n`;
    assert.equal(rows.length, 20_000);
    assert.deepEqual(rows[19_999], { n: 20_000, text: 'x'.repeat(100) });
    await assert.rejects(owner`select repeat('x', 20000000)`, /HTTP status 507.*response is too large/s);
  });
});

describe('transactions', () => {
  it('run in order, all or nothing', async () => {
    await owner`create table entry (a int)`;
    const results = await owner.transaction([owner`insert into entry values (1)`, owner`select count(*)::int as n from entry`]);
    assert.deepEqual(results[1], [{ n: 1 }]);
    await assert.rejects(owner.transaction([owner`insert into entry values (2)`, owner`select 1 / 0`]), { code: '22012' });
    assert.deepEqual(await owner`select a from entry`, [{ a: 1 }]);
    assert.deepEqual(await owner.transaction([]), []);
  });

  it('run as asked', async () => {
    const options = { isolationLevel: 'Serializable', readOnly: true, deferrable: true, arrayMode: true };
    const shows = (sql) => [sql`show transaction_isolation`, sql`show transaction_read_only`, sql`show transaction_deferrable`];
    assert.deepEqual(await owner.transaction(shows(owner), options), [[['serializable']], [['on']], [['on']]]);
    assert.deepEqual(await owner.transaction((sql) => shows(sql)), [
      [{ transaction_isolation: 'read committed' }],
      [{ transaction_read_only: 'off' }],
      [{ transaction_deferrable: 'off' }],
    ]);
    await assert.rejects(owner.transaction([owner`create table x (a int)`], { readOnly: true }), { code: '25006' });
  });
});

describe('tokens', () => {
  it('say who asks', async () => {
    const authToken = await stack.token('ann', '--org', 'org_1');
    const sql = neon(stack.authenticatedUrl, { authToken });
    assert.deepEqual(await sql`select current_user, auth.user_id(), auth.session() ->> 'org_id' as org`, [
      { current_user: 'authenticated', user_id: 'ann', org: 'org_1' },
    ]);
    const batch = await sql.transaction([sql`select auth.user_id()`, sql`show transaction_isolation`]);
    assert.deepEqual(batch, [[{ user_id: 'ann' }], [{ transaction_isolation: 'repeatable read' }]]);
  });

  it('come from functions, and for one query', async () => {
    const tokens = { ann: await stack.token('ann'), bob: await stack.token('bob') };
    const sql = neon(stack.authenticatedUrl, { authToken: async () => tokens.ann });
    assert.deepEqual(await sql`select auth.user_id()`, [{ user_id: 'ann' }]);
    assert.deepEqual(await sql.query('select auth.user_id()', [], { authToken: tokens.bob }), [{ user_id: 'bob' }]);
    assert.deepEqual(await sql`select auth.user_id()`, [{ user_id: 'ann' }]);
  });

  it('are not needed by the role anonymous', async () => {
    const sql = neon(stack.anonymousUrl);
    assert.deepEqual(await sql`select current_user, auth.user_id(), auth.session()`, [
      { current_user: 'anonymous', user_id: null, session: null },
    ]);
  });

  it('are refused when they are not right', async () => {
    const token = await stack.token('ann');
    const [head, body] = token.split('.');
    const claims = JSON.parse(Buffer.from(body, 'base64url'));
    const forged = Buffer.from(JSON.stringify({ ...claims, sub: 'bob' })).toString('base64url');
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`;
    const ask = (authToken, url = stack.authenticatedUrl) => neon(url, { authToken })`select auth.user_id()`;
    for (const wrong of ['nonsense', `${head}.${forged}.${token.split('.')[2]}`, unsigned, `${token}x`]) {
      const error = await ask(wrong).catch((error) => error);
      assert.ok(error instanceof NeonDbError, wrong);
      assert.equal(error.code, '');
    }
    await assert.rejects(ask(undefined), /required authorization bearer token in JWT format/);
    await assert.rejects(ask(token, stack.ownerUrl), /may not take the role `todos_owner`/);
    await assert.rejects(ask(token, stack.anonymousUrl), /may not take the role `anonymous`/);
  });
});
