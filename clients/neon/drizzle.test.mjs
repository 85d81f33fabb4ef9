// The tutorial's todos with Drizzle: each sees their own, with the WHERE and without it.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { neon } from '@neondatabase/serverless';
import { eq, sql } from 'drizzle-orm';
import { anonymousRole, authenticatedRole, authUid, crudPolicy } from 'drizzle-orm/neon';
import { drizzle } from 'drizzle-orm/neon-http';
import { bigint, boolean, pgPolicy, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import { readFile } from 'node:fs/promises';

import { startTodos, statements } from './setup.mjs';

// As in examples/todos/schema.mjs, whose own copy of Drizzle would be another one.
const todos = pgTable(
  'todos',
  {
    id: bigint('id', { mode: 'bigint' }).primaryKey().generatedByDefaultAsIdentity(),
    userId: text('user_id').notNull().default(sql`(auth.user_id())`),
    task: text('task').notNull(),
    isComplete: boolean('is_complete').notNull().default(false),
    isPublic: boolean('is_public').notNull().default(false),
    insertedAt: timestamp('inserted_at', { withTimezone: true }).defaultNow().notNull(),
  },
  (table) => [
    crudPolicy({ role: authenticatedRole, read: authUid(table.userId), modify: authUid(table.userId) }),
    pgPolicy('anonymous may read what is public', { for: 'select', to: anonymousRole, using: sql`${table.isPublic}` }),
  ],
);

let stack;
let ann;
let bob;
let nobody;

before(async () => {
  stack = await startTodos();
  const owner = neon(stack.ownerUrl);
  for (const statement of await statements()) await owner.query(statement);
  const as = async (user) => {
    const authToken = await stack.token(user);
    return drizzle(neon(stack.authenticatedUrl, { authToken }));
  };
  [ann, bob] = [await as('ann'), await as('bob')];
  nobody = drizzle(neon(stack.anonymousUrl));
});
after(() => stack?.stop());

const tasks = async (db) => (await db.select().from(todos).orderBy(todos.id)).map((todo) => todo.task);

/** What Postgres says about a refused write, whatever wraps it. */
const refused = (promise) =>
  assert.rejects(promise, (error) => {
    assert.equal((error.cause ?? error).code, '42501');
    return true;
  });

function everybodySeesTheirOwn() {
  it('gives rows their owner by the default', async () => {
    const [row] = await ann.insert(todos).values({ task: 'of ann' }).returning();
    assert.equal(row.userId, 'ann');
    assert.equal(typeof row.id, 'bigint');
    assert.ok(row.insertedAt instanceof Date);
    await bob.insert(todos).values([{ task: 'of bob' }, { task: 'public of bob', isPublic: true }]);
  });

  it('shows everybody their own', async () => {
    assert.deepEqual(await tasks(ann), ['of ann']);
    assert.deepEqual(await tasks(bob), ['of bob', 'public of bob']);
    assert.deepEqual(await tasks(nobody), ['public of bob']);
  });

  it('shows the same with the WHERE of the tutorial', async () => {
    const authToken = await stack.token('bob');
    const query = neon(stack.authenticatedUrl, { authToken });
    const rows = await query.query('SELECT * FROM todos WHERE user_id = auth.user_id()');
    assert.deepEqual(rows.map((row) => row.task), ['of bob', 'public of bob']);
    assert.deepEqual(await query`SELECT * FROM todos`, rows);
  });

  it('refuses to write for others', async () => {
    await refused(ann.insert(todos).values({ task: 'for bob', userId: 'bob' }));
    await refused(ann.update(todos).set({ userId: 'bob' }));
    await refused(nobody.insert(todos).values({ task: 'x', userId: 'ann' }));
    assert.deepEqual(await ann.update(todos).set({ task: 'changed' }).where(eq(todos.userId, 'bob')).returning(), []);
    assert.deepEqual(await ann.delete(todos).where(eq(todos.userId, 'bob')).returning(), []);
    assert.deepEqual(await nobody.delete(todos).returning(), []);
    assert.equal(await stack.psql('select count(*) from todos'), '3');
  });

  it('batches', async () => {
    const [inserted, all] = await ann.batch([
      ann.insert(todos).values({ task: 'second' }).returning({ task: todos.task }),
      ann.select({ task: todos.task }).from(todos).orderBy(todos.id),
    ]);
    assert.deepEqual(inserted, [{ task: 'second' }]);
    assert.deepEqual(all, [{ task: 'of ann' }, { task: 'second' }]);
    await ann.delete(todos).where(eq(todos.task, 'second'));
  });

  it('takes the token of one query', async () => {
    const db = drizzle(neon(stack.authenticatedUrl));
    assert.deepEqual(await tasks(db.$withAuth(await stack.token('ann'))), ['of ann']);
    assert.deepEqual(await tasks(db.$withAuth(async () => stack.token('bob'))), ['of bob', 'public of bob']);
  });
}

describe('with the policies of crudPolicy', everybodySeesTheirOwn);

describe('with the policies in SQL', () => {
  before(async () => {
    await stack.psql('delete from todos');
    for (const op of ['select', 'insert', 'update', 'delete']) {
      await stack.psql(`drop policy "crud-authenticated-policy-${op}" on todos`);
    }
    await stack.psql(await readFile(new URL('../../examples/todos/policies.sql', import.meta.url), 'utf8'));
  });
  everybodySeesTheirOwn();
});

describe('a client that sends any SQL', () => {
  it('stays who it is', async () => {
    const authToken = await stack.token('ann');
    const mallory = neon(stack.authenticatedUrl, { authToken });
    const claim = `select set_config('request.jwt.claims', '{"sub":"bob"}', false)`;
    const seen = await mallory.transaction([mallory.query(claim), mallory.query('select auth.user_id()')]);
    assert.deepEqual(seen[1], [{ user_id: 'ann' }]);
    await assert.rejects(mallory.query('set role todos_owner'), { code: '42501' });
    await assert.rejects(mallory.query('select * from rowgate.seal_key'), { code: '42501' });
    await assert.rejects(mallory.query('alter table todos disable row level security'), { code: '42501' });
    await assert.rejects(mallory.query('copy todos to stdout'), { code: '0A000' });
  });
});
