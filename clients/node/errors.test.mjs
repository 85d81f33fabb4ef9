import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { BadRequestException, GenericServerException, UnauthorizedException } from '@workos-inc/node';

import { startServer } from '../server.mjs';

describe('errors', () => {
  let server;
  before(async () => (server = await startServer()));
  after(() => server?.stop());

  it('a wrong key is not let in, whatever is asked', async () => {
    const { fga } = server.sdk('sk_test_wrong');
    const resource = { resourceType: 'user', resourceId: 'ann' };
    const check = { resource, relation: 'member', subject: resource };
    for (const call of [
      () => fga.check({ checks: [check] }),
      () => fga.checkBatch({ checks: [check] }),
      () => fga.query({ q: 'select user where user:ann is member' }),
      () => fga.createResource({ resource }),
      () => fga.getResource(resource),
      () => fga.listResources(),
      () => fga.updateResource({ resource, meta: {} }),
      () => fga.deleteResource(resource),
      () => fga.batchWriteResources({ op: 'create', resources: [{ resource }] }),
      () => fga.writeWarrant(check),
      () => fga.batchWriteWarrants([check]),
      () => fga.listWarrants(),
    ]) {
      await assert.rejects(call, (error) => error instanceof UnauthorizedException && error.status === 401);
    }
  });

  it('a bad request has a message', async () => {
    await assert.rejects(server.sdk().fga.listResources({ limit: 0 }), (error) => {
      assert.ok(error instanceof GenericServerException);
      assert.deepEqual([error.status, error.rawData.code, error.rawData.parameter], [400, 'invalid_parameter', 'limit']);
      return true;
    });
  });

  it('a schema with errors lists them all', async () => {
    const body = { resource_types: [{ type: 'a', relations: { x: { inherit_if: 'y' }, z: { inherit_if: 'q' } } }] };
    await assert.rejects(server.sdk().post('/fga/v1/schema', body), (error) => {
      assert.ok(error instanceof BadRequestException);
      assert.equal(error.code, 'invalid_request');
      assert.equal(error.errors.length, 2);
      return true;
    });
  });

  it('every answer is JSON and carries a request id', async () => {
    for (const [method, path, body, status] of [
      ['GET', '/fga/v1/resources', undefined, 200],
      ['GET', '/fga/v1/resources/user/nobody', undefined, 404],
      ['GET', '/fga/v1/nothing/here', undefined, 404],
      ['PATCH', '/fga/v1/check', undefined, 405],
      ['POST', '/fga/v1/check', {}, 400],
      ['POST', '/fga/v1/check', 'not json', 400],
    ]) {
      const answer = await server.request(method, path, body, { 'Content-Type': 'application/json' });
      assert.equal(answer.status, status, `${method} ${path}`);
      assert.match(answer.headers.get('content-type'), /^application\/json/);
      assert.ok(answer.headers.get('x-request-id'));
      if (status >= 400) {
        assert.equal(typeof answer.body.code, 'string');
        assert.equal(typeof answer.body.message, 'string');
        assert.ok(!('error' in answer.body));
      }
    }
  });
});
