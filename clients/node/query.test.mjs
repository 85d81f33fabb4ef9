import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';

import { NotFoundException } from '@workos-inc/node';

import { startServer } from '../server.mjs';

describe('query', () => {
  let server, fga;
  const thing = (resourceType) => (resourceId) => ({ resourceType, resourceId });
  const [document, folder, user] = ['document', 'folder', 'user'].map(thing);
  const number = (n) => `d${String(n).padStart(3, '0')}`;

  before(async () => {
    server = await startServer();
    await server.applySchema(await readFile(new URL('../schema.txt', import.meta.url), 'utf8'));
    fga = server.sdk().fga;
    await fga.createResource({ resource: document('plan'), meta: { title: 'Plan' } });
    await fga.batchWriteWarrants([
      { resource: document('plan'), relation: 'owner', subject: user('ann') },
      { resource: document('notes'), relation: 'viewer', subject: user('ann') },
      { resource: document('plan'), relation: 'parent', subject: folder('top') },
      { resource: folder('top'), relation: 'owner', subject: user('fay') },
      { resource: document('secret'), relation: 'viewer', subject: user('con'), policy: 'region == "eu"' },
    ]);
    for (let start = 0; start < 240; start += 80) {
      const batch = Array.from({ length: 80 }, (_, n) => ({
        resource: document(number(start + n)),
        relation: 'editor',
        subject: user('many'),
      }));
      await fga.batchWriteWarrants(batch);
    }
  });
  after(() => server?.stop());

  const row = (resource, relation, warrant, isImplicit, meta) => ({
    ...resource,
    relation,
    warrant: {
      ...warrant[0],
      relation: warrant[1],
      subject: { relation: undefined, ...warrant[2] },
    },
    isImplicit,
    meta,
  });

  it('selects resources, with every field the client reads', async () => {
    const answer = await fga.query({ q: 'select document where user:ann is viewer', order: 'asc' });
    assert.equal(answer.object, 'list');
    assert.deepEqual(answer.data, [
      row(document('notes'), 'viewer', [document('notes'), 'viewer', user('ann')], false),
      row(document('plan'), 'viewer', [document('plan'), 'owner', user('ann')], true, { title: 'Plan' }),
    ]);
    assert.ok(!answer.listMetadata.after);
    assert.equal(answer.warnings, undefined);
  });

  it('gives the edge as the warrant of an inherited row', async () => {
    const { data } = await fga.query({ q: 'select document where user:fay is viewer' });
    assert.deepEqual(data, [
      row(document('plan'), 'viewer', [document('plan'), 'parent', folder('top')], true, { title: 'Plan' }),
    ]);
  });

  it('selects subjects', async () => {
    const { data } = await fga.query({ q: 'select viewer of type user for document:plan', order: 'asc' });
    assert.deepEqual(data, [
      row(user('ann'), 'viewer', [document('plan'), 'owner', user('ann')], true),
      row(user('fay'), 'viewer', [folder('top'), 'owner', user('fay')], true),
    ]);
  });

  it('selects explicit rows only', async () => {
    const { data } = await fga.query({ q: 'select explicit document where user:ann is viewer' });
    assert.deepEqual(
      data.map((found) => [found.resourceId, found.isImplicit]),
      [['notes', false]],
    );
  });

  it('has a row for each relation', async () => {
    const { data } = await fga.query({ q: 'select document, folder where user:ann is owner, editor, viewer', order: 'asc' });
    assert.deepEqual(
      data.map((found) => [found.resourceId, found.relation]),
      [
        ['notes', 'viewer'],
        ['plan', 'editor'],
        ['plan', 'owner'],
        ['plan', 'viewer'],
      ],
    );
  });

  it('stands for all types and all relations with a star', async () => {
    const { data } = await fga.query({ q: 'select * of type * for document:plan', limit: 100, order: 'asc' });
    assert.deepEqual(
      data.map((found) => `${found.resourceType}:${found.resourceId} ${found.relation}`),
      [
        'folder:top parent',
        'user:ann editor',
        'user:ann owner',
        'user:ann read',
        'user:ann viewer',
        'user:fay read',
        'user:fay viewer',
      ],
    );
    const anything = await fga.query({ q: 'select * where user:fay is *', limit: 100, order: 'asc' });
    assert.deepEqual(
      anything.data.map((found) => `${found.resourceType}:${found.resourceId} ${found.relation}`),
      ['document:plan read', 'document:plan viewer', 'folder:top owner', 'folder:top viewer'],
    );
  });

  it('is descending unless asked otherwise', async () => {
    const q = 'select document where user:ann is viewer';
    const ids = async (order) => (await fga.query({ q, order })).data.map((found) => found.resourceId);
    assert.deepEqual(await ids(), ['plan', 'notes']);
    assert.deepEqual(await ids('desc'), ['plan', 'notes']);
    assert.deepEqual(await ids('asc'), ['notes', 'plan']);
  });

  it('evaluates policies with the context', async () => {
    const q = 'select document where user:con is viewer';
    assert.equal((await fga.query({ q, context: { region: 'eu' } })).data.length, 1);
    assert.equal((await fga.query({ q, context: { region: 'us' } })).data.length, 0);
    const { data } = await fga.query({ q: 'select document where user:ann is approve', context: { amount: 3 } });
    assert.deepEqual(
      data.map((found) => [found.resourceId, found.isImplicit]),
      [['plan', true]],
    );
  });

  it('names the context that is missing', async () => {
    const answer = await fga.query({ q: 'select document where user:ann is approve' });
    assert.deepEqual(answer.data, []);
    assert.equal(answer.warnings.length, 1);
    assert.equal(answer.warnings[0].code, 'missing_context_keys');
    assert.deepEqual(answer.warnings[0].keys, ['amount']);
    assert.ok(answer.warnings[0].message.length > 0);
  });

  it('pages forwards and back again', async () => {
    const q = 'select document where user:many is editor';
    const ids = (page) => page.data.map((found) => found.resourceId);
    const first = await fga.query({ q, limit: 3, order: 'asc' });
    assert.deepEqual(ids(first), [0, 1, 2].map(number));
    const second = await fga.query({ q, limit: 3, order: 'asc', after: first.listMetadata.after });
    assert.deepEqual(ids(second), [3, 4, 5].map(number));
    const back = await fga.query({ q, limit: 3, order: 'asc', before: second.listMetadata.before });
    assert.deepEqual(ids(back), [0, 1, 2].map(number));
  });

  it('goes to the end by itself', async () => {
    const answer = await fga.query({ q: 'select document where user:many is viewer' });
    assert.equal(answer.data.length, 10);
    const all = await answer.autoPagination();
    assert.deepEqual(
      all.map((found) => found.resourceId),
      Array.from({ length: 240 }, (_, n) => number(239 - n)),
    );
  });

  it('reads at the head and at a token', async () => {
    const written = await fga.writeWarrant({ resource: document('late'), relation: 'viewer', subject: user('late') });
    for (const warrantToken of ['latest', written.warrantToken]) {
      const { data } = await fga.query({ q: 'select document where user:late is viewer' }, { warrantToken });
      assert.equal(data.length, 1);
    }
  });

  it('says what is wrong with a query', async () => {
    for (const q of [
      'document where user:ann is viewer',
      'select document',
      'select document where user:ann',
      'select document where ann is viewer',
      'select viewer of type user for document:plan where user:ann is viewer',
      'select document where user:ann is viewer and more',
    ]) {
      await assert.rejects(fga.query({ q }), (error) => {
        assert.deepEqual([error.status, error.rawData.code, error.rawData.parameter], [400, 'invalid_parameter', 'q'], q);
        return true;
      });
    }
    await assert.rejects(
      fga.query({ q: 'select planet where user:ann is viewer' }),
      (error) => error instanceof NotFoundException && error.code === 'not_found',
    );
    await assert.rejects(fga.query({ q: 'select document where user:ann is viewer', after: 'x' }), (error) => {
      assert.deepEqual([error.status, error.rawData.parameter], [400, 'after']);
      return true;
    });
  });
});
