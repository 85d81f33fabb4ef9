import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { NotFoundException, ResourceOp } from '@workos-inc/node';

import { startServer } from '../server.mjs';

describe('resources', () => {
  let server, fga;
  before(async () => {
    server = await startServer();
    fga = server.sdk().fga;
  });
  after(() => server?.stop());

  const missing = (error) =>
    error instanceof NotFoundException && error.status === 404 && error.code === 'not_found' && error.message.length > 0;
  const refused = (status, code, parameter) => (error) => {
    assert.equal(error.status, status);
    assert.equal(error.rawData.code, code);
    if (parameter) assert.equal(error.rawData.parameter, parameter);
    assert.ok(error.message.length > 0);
    return true;
  };

  it('creates with an id and meta', async () => {
    const meta = { title: 'Plan', tags: ['a', 'b'], nested: { deep: [1, null, true] } };
    const created = await fga.createResource({ resource: { resourceType: 'document', resourceId: 'plan' }, meta });
    assert.deepEqual(created, { resourceType: 'document', resourceId: 'plan', meta });
    assert.deepEqual(await fga.getResource({ resourceType: 'document', resourceId: 'plan' }), created);
  });

  it('makes an id when none is given', async () => {
    const one = await fga.createResource({ resource: { resourceType: 'document' } });
    const two = await fga.createResource({ resource: { resourceType: 'document' } });
    assert.equal(one.resourceType, 'document');
    assert.ok(one.resourceId.length > 0);
    assert.notEqual(one.resourceId, two.resourceId);
    assert.equal(one.meta, undefined);
    assert.deepEqual(await fga.getResource(one), one);
  });

  it('keeps the meta when a create is repeated without one, and replaces it with one', async () => {
    const resource = { resourceType: 'document', resourceId: 'repeated' };
    await fga.createResource({ resource, meta: { n: 1 } });
    assert.deepEqual((await fga.createResource({ resource })).meta, { n: 1 });
    assert.deepEqual((await fga.createResource({ resource, meta: { m: 2 } })).meta, { m: 2 });
  });

  it('takes ids as they come in a path', async () => {
    for (const resourceId of ['balance-sheet:edit', 'ann@example.org', 'auth0|123', 'v1.2_3', 'src/main.rs', 'a'.repeat(200)]) {
      const created = await fga.createResource({ resource: { resourceType: 'user', resourceId }, meta: { resourceId } });
      assert.equal(created.resourceId, resourceId);
      assert.deepEqual(await fga.getResource(created), created);
      await fga.deleteResource(created);
      await assert.rejects(fga.getResource(created), missing);
    }
  });

  it('replaces meta as a whole', async () => {
    const resource = { resourceType: 'folder', resourceId: 'planning' };
    await fga.createResource({ resource, meta: { a: 1, b: 2 } });
    const updated = await fga.updateResource({ resource, meta: { b: 3 } });
    assert.deepEqual(updated, { ...resource, meta: { b: 3 } });
    assert.deepEqual(await fga.getResource(resource), updated);
    // An update without meta clears it, and what is not there is absent.
    assert.equal((await fga.updateResource({ resource })).meta, undefined);
    assert.equal((await fga.getResource(resource)).meta, undefined);
  });

  it('says what it does not have', async () => {
    const resource = { resourceType: 'document', resourceId: 'nothing' };
    await assert.rejects(fga.getResource(resource), missing);
    await assert.rejects(fga.updateResource({ resource, meta: {} }), missing);
    await assert.rejects(fga.deleteResource(resource), missing);
  });

  it('refuses what it cannot keep', async () => {
    const create = (resourceType, resourceId, meta) =>
      fga.createResource({ resource: { resourceType, resourceId }, meta });
    await assert.rejects(create('docu ment', 'a'), refused(400, 'invalid_parameter', 'resource_type'));
    await assert.rejects(create('document', 'not an id'), refused(400, 'invalid_parameter', 'resource_id'));
    await assert.rejects(create('document', 'a', 'text'), refused(400, 'invalid_parameter', 'meta'));
    await assert.rejects(create('document', 'a', { text: 'x'.repeat(50_000) }), refused(400, 'invalid_parameter', 'meta'));
    await assert.rejects(create(undefined, 'a'), refused(400, 'missing_required_parameter', 'resource_type'));
  });

  it('creates and deletes many at once', async () => {
    const named = (n) => ({ resource: { resourceType: 'batch', resourceId: `b${n}` }, meta: n % 2 ? { n } : undefined });
    const wanted = Array.from({ length: 100 }, (_, n) => named(n));
    const created = await fga.batchWriteResources({ op: ResourceOp.Create, resources: wanted });
    assert.deepEqual(
      created,
      wanted.map(({ resource, meta }) => ({ ...resource, meta })),
    );

    const gone = wanted.slice(10).map(({ resource }) => resource);
    const deleted = await fga.batchWriteResources({ op: ResourceOp.Delete, resources: gone });
    assert.deepEqual(
      deleted.map(({ resourceType, resourceId }) => ({ resourceType, resourceId })),
      gone,
    );
    const left = await fga.listResources({ resourceType: 'batch', limit: 100 });
    assert.deepEqual(
      left.data.map(({ resourceId }) => resourceId),
      wanted
        .slice(0, 10)
        .map(({ resource }) => resource.resourceId)
        .reverse(),
    );
  });

  it('refuses a batch that is too large, and a batch is all or nothing', async () => {
    const many = (count) =>
      Array.from({ length: count }, (_, n) => ({ resource: { resourceType: 'overflow', resourceId: `o${n}` } }));
    await assert.rejects(
      fga.batchWriteResources({ op: ResourceOp.Create, resources: many(101) }),
      refused(400, 'invalid_parameter', 'resources'),
    );
    const spoilt = [...many(3), { resource: { resourceType: 'overflow', resourceId: 'not an id' } }];
    await assert.rejects(
      fga.batchWriteResources({ op: ResourceOp.Create, resources: spoilt }),
      refused(400, 'invalid_parameter'),
    );
    assert.deepEqual((await fga.listResources({ resourceType: 'overflow' })).data, []);
  });

  describe('lists', () => {
    const id = (n) => `row-${String(n).padStart(3, '0')}`;
    const ids = (page) => page.data.map(({ resourceId }) => resourceId);
    before(async () => {
      for (let start = 0; start < 230; start += 100) {
        const resources = Array.from({ length: Math.min(100, 230 - start) }, (_, n) => ({
          resource: { resourceType: 'row', resourceId: id(start + n) },
          meta: { n: start + n },
        }));
        await fga.batchWriteResources({ op: ResourceOp.Create, resources });
      }
    });

    it('ten at a time, newest first', async () => {
      const page = await fga.listResources({ resourceType: 'row' });
      assert.equal(page.object, 'list');
      assert.deepEqual(
        page.data,
        Array.from({ length: 10 }, (_, n) => ({ resourceType: 'row', resourceId: id(229 - n), meta: { n: 229 - n } })),
      );
      assert.ok(page.listMetadata.after);
    });

    it('everything, when no type is named', async () => {
      const types = new Set((await fga.listResources({ limit: 100 })).data.map(({ resourceType }) => resourceType));
      assert.ok(types.has('row'));
      assert.ok((await fga.listResources()).data.length === 10);
    });

    it('forwards and back again', async () => {
      const first = await fga.listResources({ resourceType: 'row', limit: 4, order: 'asc' });
      assert.deepEqual(ids(first), [0, 1, 2, 3].map(id));
      const second = await fga.listResources({
        resourceType: 'row',
        limit: 4,
        order: 'asc',
        after: first.listMetadata.after,
      });
      assert.deepEqual(ids(second), [4, 5, 6, 7].map(id));
      const back = await fga.listResources({
        resourceType: 'row',
        limit: 4,
        order: 'asc',
        before: second.listMetadata.before,
      });
      assert.deepEqual(ids(back), [0, 1, 2, 3].map(id));
    });

    it('searches', async () => {
      const found = await fga.listResources({ resourceType: 'row', search: 'w-22', limit: 100 });
      assert.deepEqual(ids(found), [229, 228, 227, 226, 225, 224, 223, 222, 221, 220].map(id));
      assert.ok(!found.listMetadata.after);
    });

    it('to the end by itself', async () => {
      const all = await (await fga.listResources({ resourceType: 'row' })).autoPagination();
      assert.deepEqual(
        all.map(({ resourceId }) => resourceId),
        Array.from({ length: 230 }, (_, n) => id(229 - n)),
      );
    });

    it('refuses a bad limit and a bad cursor', async () => {
      await assert.rejects(fga.listResources({ limit: 101 }), refused(400, 'invalid_parameter', 'limit'));
      await assert.rejects(fga.listResources({ after: 'nonsense' }), refused(400, 'invalid_parameter', 'after'));
      await assert.rejects(fga.listResources({ order: 'sideways' }), refused(400, 'invalid_parameter', 'order'));
    });
  });
});
