import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';

import { NotFoundException, WarrantOp } from '@workos-inc/node';

import { startServer } from '../server.mjs';

describe('warrants', () => {
  let server, fga;
  before(async () => {
    server = await startServer();
    await server.applySchema(await readFile(new URL('../schema.txt', import.meta.url), 'utf8'));
    fga = server.sdk().fga;
  });
  after(() => server?.stop());

  const document = (resourceId) => ({ resourceType: 'document', resourceId });
  const user = (resourceId) => ({ resourceType: 'user', resourceId });
  const warrant = (resource, relation, subject, policy) => ({ resource, relation, subject, policy });
  const listed = (resource, relation, subject, policy) => ({
    ...resource,
    relation,
    subject: { relation: undefined, ...subject },
    policy,
  });
  const refused = (status, code, parameter) => (error) => {
    assert.equal(error.status, status, error.message);
    assert.equal(error.rawData.code, code);
    if (parameter) assert.equal(error.rawData.parameter, parameter);
    assert.ok(error.message.length > 0);
    return true;
  };

  it('a write answers with a token and creates both resources', async () => {
    const answer = await fga.writeWarrant({
      op: WarrantOp.Create,
      ...warrant(document('first'), 'editor', user('ann')),
    });
    assert.deepEqual(Object.keys(answer), ['warrantToken']);
    assert.ok(answer.warrantToken.length > 0);
    assert.equal((await fga.getResource(document('first'))).meta, undefined);
    assert.equal((await fga.getResource(user('ann'))).resourceId, 'ann');
  });

  it('a write leaves the meta of its resources alone', async () => {
    await fga.createResource({ resource: document('described'), meta: { title: 'Kept' } });
    await fga.writeWarrant(warrant(document('described'), 'viewer', user('ann')));
    assert.deepEqual((await fga.getResource(document('described'))).meta, { title: 'Kept' });
  });

  it('a write can be repeated', async () => {
    await fga.writeWarrant(warrant(document('twice'), 'editor', user('ann')));
    await fga.writeWarrant(warrant(document('twice'), 'editor', user('ann')));
    const { data } = await fga.listWarrants({ resourceType: 'document', resourceId: 'twice' });
    assert.deepEqual(data, [listed(document('twice'), 'editor', user('ann'))]);
  });

  it('the same tuple with two policies is two warrants, deleted one by one', async () => {
    const tuple = [document('conditional'), 'editor', user('ann')];
    await fga.writeWarrant(warrant(...tuple, 'region == "eu"'));
    await fga.writeWarrant(warrant(...tuple, 'region == "us"'));
    const filter = { resourceType: 'document', resourceId: 'conditional' };
    assert.deepEqual((await fga.listWarrants(filter)).data, [
      listed(...tuple, 'region == "us"'),
      listed(...tuple, 'region == "eu"'),
    ]);
    await fga.writeWarrant({ op: WarrantOp.Delete, ...warrant(...tuple, 'region == "us"') });
    assert.deepEqual((await fga.listWarrants(filter)).data, [listed(...tuple, 'region == "eu"')]);
  });

  it('a delete undoes a create', async () => {
    const tuple = warrant(document('undone'), 'editor', user('ann'));
    await fga.writeWarrant({ op: WarrantOp.Create, ...tuple });
    const answer = await fga.writeWarrant({ op: WarrantOp.Delete, ...tuple });
    assert.ok(answer.warrantToken.length > 0);
    assert.deepEqual((await fga.listWarrants({ resourceType: 'document', resourceId: 'undone' })).data, []);
    // The resources stay.
    assert.equal((await fga.getResource(document('undone'))).resourceId, 'undone');
  });

  it('deleting what is not there is an error', async () => {
    const absent = { op: WarrantOp.Delete, ...warrant(document('absent'), 'editor', user('ann')) };
    const missing = (error) => error instanceof NotFoundException && error.code === 'not_found';
    await assert.rejects(fga.writeWarrant(absent), missing);
    await assert.rejects(fga.batchWriteWarrants([absent]), missing);
  });

  it('a batch mixes creates and deletes', async () => {
    await fga.writeWarrant(warrant(document('mixed'), 'editor', user('old')));
    const answer = await fga.batchWriteWarrants([
      { op: WarrantOp.Create, ...warrant(document('mixed'), 'editor', user('new')) },
      { op: WarrantOp.Delete, ...warrant(document('mixed'), 'editor', user('old')) },
      warrant(document('mixed'), 'viewer', user('other')),
    ]);
    assert.ok(answer.warrantToken.length > 0);
    assert.deepEqual((await fga.listWarrants({ resourceType: 'document', resourceId: 'mixed' })).data, [
      listed(document('mixed'), 'viewer', user('other')),
      listed(document('mixed'), 'editor', user('new')),
    ]);
  });

  it('a batch is all or nothing', async () => {
    await assert.rejects(
      fga.batchWriteWarrants([
        warrant(document('half'), 'editor', user('ann')),
        warrant(document('half'), 'no-such-relation', user('ann')),
      ]),
      refused(400, 'invalid_parameter'),
    );
    assert.deepEqual((await fga.listWarrants({ resourceType: 'document', resourceId: 'half' })).data, []);
    const many = Array.from({ length: 101 }, (_, n) => warrant(document('many'), 'editor', user(`u${n}`)));
    await assert.rejects(fga.batchWriteWarrants(many), refused(400, 'invalid_parameter'));
    await assert.rejects(fga.batchWriteWarrants([]), (error) => error.status === 400);
    assert.deepEqual((await fga.listWarrants({ resourceType: 'document', resourceId: 'many' })).data, []);
  });

  it('refuses what the schema does not allow', async () => {
    const write = (resource, relation, subject, policy) => fga.writeWarrant(warrant(resource, relation, subject, policy));
    const invalid = refused(400, 'invalid_parameter');
    await assert.rejects(write({ resourceType: 'planet', resourceId: 'x' }, 'editor', user('ann')), invalid);
    await assert.rejects(write(document('x'), 'astronaut', user('ann')), invalid);
    await assert.rejects(write(document('x'), 'editor', document('y')), invalid);
    await assert.rejects(write(document('x'), 'approve', user('ann')), invalid);
    await assert.rejects(write(document('*'), 'editor', user('ann')), invalid);
    await assert.rejects(write(document('x'), 'editor', user('ann'), 'element = "115"'), refused(400, 'invalid_parameter', 'policy'));
    await assert.rejects(write(document('x'), undefined, user('ann')), refused(400, 'missing_required_parameter', 'relation'));
  });

  it('a wildcard stands for every subject of its type', async () => {
    await fga.writeWarrant(warrant(document('public'), 'viewer', user('*')));
    const { data } = await fga.listWarrants({ resourceType: 'document', resourceId: 'public' });
    assert.deepEqual(data, [listed(document('public'), 'viewer', user('*'))]);
    await assert.rejects(fga.getResource(user('*')));
    const anyone = await fga.check({
      checks: [{ resource: document('public'), relation: 'viewer', subject: user('never-seen') }],
    });
    assert.ok(anyone.isAuthorized());
    assert.equal(anyone.isImplicit, false);
  });

  it('deleting a resource deletes its warrants on both sides', async () => {
    await fga.batchWriteWarrants([
      warrant(document('doomed'), 'editor', user('bob')),
      warrant(document('spared'), 'editor', user('bob')),
      warrant(document('doomed'), 'parent', { resourceType: 'folder', resourceId: 'f' }),
    ]);
    await fga.deleteResource(document('doomed'));
    assert.deepEqual((await fga.listWarrants({ resourceType: 'document', resourceId: 'doomed' })).data, []);
    await fga.deleteResource(user('bob'));
    assert.deepEqual((await fga.listWarrants({ resourceType: 'document', resourceId: 'spared' })).data, []);
  });

  it('shows group warrants that other clients wrote', async () => {
    const written = await server.request('POST', '/fga/v1/warrants', {
      resource_type: 'document',
      resource_id: 'grouped',
      relation: 'editor',
      subject: { resource_type: 'group', resource_id: 'staff', relation: 'member' },
    });
    assert.equal(written.status, 200);
    const staff = { resourceType: 'group', resourceId: 'staff', relation: 'member' };
    const filter = { subjectType: 'group', subjectId: 'staff', subjectRelation: 'member' };
    const options = { warrantToken: written.body.warrant_token };
    assert.deepEqual((await fga.listWarrants(filter, options)).data, [listed(document('grouped'), 'editor', staff)]);
  });

  describe('lists', () => {
    const name = (n) => `reader-${String(n).padStart(3, '0')}`;
    before(async () => {
      for (let start = 0; start < 210; start += 70) {
        const batch = Array.from({ length: 70 }, (_, n) => warrant(document('read'), 'viewer', user(name(start + n))));
        await fga.batchWriteWarrants(batch);
      }
      await fga.writeWarrant(warrant(document('read'), 'editor', user(name(5))));
    });

    it('newest first, ten at a time', async () => {
      const page = await fga.listWarrants({ resourceType: 'document', resourceId: 'read', relation: 'viewer' });
      assert.equal(page.object, 'list');
      assert.deepEqual(
        page.data,
        Array.from({ length: 10 }, (_, n) => listed(document('read'), 'viewer', user(name(209 - n)))),
      );
      const next = await fga.listWarrants({
        resourceType: 'document',
        resourceId: 'read',
        relation: 'viewer',
        limit: 3,
        after: page.listMetadata.after,
      });
      assert.deepEqual(
        next.data.map(({ subject }) => subject.resourceId),
        [199, 198, 197].map(name),
      );
    });

    it('by subject', async () => {
      const { data, listMetadata } = await fga.listWarrants({ subjectType: 'user', subjectId: name(5) });
      assert.deepEqual(data, [
        listed(document('read'), 'editor', user(name(5))),
        listed(document('read'), 'viewer', user(name(5))),
      ]);
      assert.ok(!listMetadata.after);
    });

    it('to the end by itself', async () => {
      const page = await fga.listWarrants({ resourceType: 'document', resourceId: 'read', relation: 'viewer' });
      const all = await page.autoPagination();
      assert.deepEqual(
        all.map(({ subject }) => subject.resourceId),
        Array.from({ length: 210 }, (_, n) => name(209 - n)),
      );
    });

    it('at the head, or at a token', async () => {
      const { warrantToken } = await fga.writeWarrant(warrant(document('fresh'), 'viewer', user('ann')));
      for (const token of ['latest', warrantToken]) {
        const filter = { resourceType: 'document', resourceId: 'fresh' };
        assert.equal((await fga.listWarrants(filter, { warrantToken: token })).data.length, 1);
      }
    });

    it('refuses an id without its type', async () => {
      await assert.rejects(fga.listWarrants({ resourceId: 'read' }), (error) => error.status === 400);
      await assert.rejects(fga.listWarrants({ relation: 'viewer' }), (error) => error.status === 400);
      await assert.rejects(fga.listWarrants({ subjectId: 'ann' }), (error) => error.status === 400);
    });
  });
});
