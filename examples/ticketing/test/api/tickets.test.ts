// The tests that the tutorial lists, through the application's API.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { startStack, type Stack } from '../../scripts/stack';
import { clientOf, type Client } from '../client';
import { EXPECTED } from '../expected';
import { WAYS } from '../ways';

let stack: Stack;
let ann: Client, ben: Client, cleo: Client, dan: Client;

before(async () => {
  stack = await startStack();
  [ann, ben, cleo, dan] = ['ann', 'ben', 'cleo', 'dan'].map((id) => clientOf(stack.url, id)) as [Client, Client, Client, Client];
});
after(() => stack?.stop());

const details = { title: 'The door is stuck', description: 'It opens when pushed.' };

/** Asserts that the user sees the ticket, or not, in each of the lists and on its own. */
async function assertSees(client: Client, id: string, expected: boolean) {
  for (const way of WAYS) assert.equal((await client.ids(way)).includes(id), expected, way);
  assert.equal((await client.read(id)).status, expected ? 200 : 404);
}

describe('the seed data', () => {
  for (const [userId, expected] of Object.entries(EXPECTED)) {
    for (const way of WAYS) {
      it(`${userId} sees the same by ${way}`, async () => {
        assert.deepEqual(await clientOf(stack.url, userId).ids(way), expected);
      });
    }
  }
});

describe('admins', () => {
  it('create, view and delete tickets, in every organization', async () => {
    for (const orgId of ['acme', 'globex']) {
      const created = await ann.create({ ...details, orgId });
      assert.equal(created.status, 201);
      assert.equal(created.body.creatorId, 'ann');
      await assertSees(ann, created.body.id, true);
      assert.equal((await ann.remove(created.body.id)).status, 204);
      await assertSees(ann, created.body.id, false);
    }
  });

  it('view and change what others created', async () => {
    const { body } = await cleo.create({ ...details, orgId: 'globex' });
    await assertSees(ann, body.id, true);
    assert.equal((await ann.change(body.id, { status: 'IN_PROGRESS' })).body.status, 'IN_PROGRESS');
    assert.equal((await ann.remove(body.id)).status, 204);
  });
});

describe('agents', () => {
  it('view and update the tickets of their organization', async () => {
    assert.equal((await ben.read('acme-2')).status, 200);
    const changed = await ben.change('acme-2', { status: 'RESOLVED' });
    assert.equal(changed.status, 200);
    assert.equal((await ann.read('acme-2')).body.status, 'RESOLVED');
  });

  it('update tickets elsewhere when they are assigned to them', async () => {
    assert.equal((await ben.change('globex-2', { status: 'IN_PROGRESS' })).status, 200);
    assert.equal((await ben.change('globex-1', { status: 'IN_PROGRESS' })).status, 404);
    assert.equal((await ann.read('globex-1')).body.status, 'OPEN');
  });

  it('do not delete tickets', async () => {
    assert.equal((await ben.remove('acme-2')).status, 403);
    await assertSees(ben, 'acme-2', true);
  });

  it('see a ticket from the assignment on, until it ends', async () => {
    await assertSees(ben, 'globex-4', false);
    assert.equal((await ann.change('globex-4', { assigneeId: 'ben' })).status, 200);
    await assertSees(ben, 'globex-4', true);
    assert.equal((await ann.change('globex-4', { assigneeId: null })).status, 200);
    await assertSees(ben, 'globex-4', false);
  });
});

describe('customers', () => {
  it('view the tickets that they created, and no others', async () => {
    const { status, body } = await cleo.create({ ...details, orgId: 'globex' });
    assert.equal(status, 201);
    await assertSees(cleo, body.id, true);
    await assertSees(cleo, 'globex-5', false);
    assert.equal((await ann.remove(body.id)).status, 204);
  });

  it('view the tickets in their organization when they are its members', async () => {
    const { body } = await cleo.create({ ...details, orgId: 'globex' });
    await assertSees(dan, body.id, true);
    await assertSees(dan, 'acme-1', false);
    assert.equal((await ann.remove(body.id)).status, 204);
  });

  it('change and delete nothing', async () => {
    for (const customer of [cleo, dan]) {
      assert.equal((await customer.change('globex-1', { status: 'RESOLVED' })).status, 403);
      assert.equal((await customer.remove('globex-1')).status, 403);
    }
    assert.equal((await ann.read('globex-1')).body.status, 'OPEN');
  });
});

describe('permission checks', () => {
  it('refuse tickets in an organization that the user has nothing to do with', async () => {
    const before = await ann.ids('post-filter');
    assert.equal((await cleo.create({ ...details, orgId: 'acme' })).status, 403);
    assert.equal((await ben.create({ ...details, orgId: 'globex' })).status, 403);
    assert.equal((await ann.create({ ...details, orgId: 'nowhere' })).status, 403);
    assert.deepEqual(await ann.ids('post-filter'), before);
  });

  it('refuse everything to nobody', async () => {
    for (const somebody of [clientOf(stack.url), clientOf(stack.url, 'eve'), clientOf(stack.url, 'ann is viewer')]) {
      assert.equal((await somebody.list('pre-filter')).status, 401);
      assert.equal((await somebody.read('acme-1')).status, 401);
      assert.equal((await somebody.create({ ...details, orgId: 'acme' })).status, 401);
      assert.equal((await somebody.remove('acme-1')).status, 401);
    }
  });

  it('answer nonsense with 400', async () => {
    assert.equal((await ann.create({ title: 'No more' })).status, 400);
    assert.equal((await ann.create({ ...details, orgId: 'acme', priority: 'NEVER' })).status, 400);
    assert.equal((await ann.change('acme-1', { status: 'GONE' })).status, 400);
    assert.equal((await ann.change('acme-1', { assigneeId: 'eve' })).status, 400);
    assert.equal((await ann.change('acme-1', { assigneeId: 7 })).status, 400);
    assert.equal((await ann.change('acme-1', { creatorId: 'ann' })).status, 400);
    assert.equal((await ann.list('sideways')).status, 400);
  });

  it('answer a ticket that is not there like one that is secret', async () => {
    const secret = await cleo.read('acme-1');
    const absent = await cleo.read('acme-9');
    assert.deepEqual([secret.status, absent.status], [404, 404]);
    assert.deepEqual(JSON.stringify(absent.body), JSON.stringify(secret.body).replace('acme-1', 'acme-9'));
  });
});

describe('the calls', () => {
  const to = async (way: string, whom: string) => (await dan.list(way)).body.calls.filter((call) => call.to === whom).length;

  it('to Rowgate are one for the pre-filter, one for the post-filter, and none with row-level security', async () => {
    assert.deepEqual(await Promise.all(WAYS.map((way) => to(way, 'rowgate'))), [1, 1, 0]);
  });

  it('to Postgres are counted', async () => {
    for (const way of WAYS) assert.ok((await to(way, 'postgres')) >= 1, way);
  });
});
