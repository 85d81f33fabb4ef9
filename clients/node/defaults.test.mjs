// A new environment has the types that applications of this API expect to find.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { startServer } from '../server.mjs';

describe('a new environment', () => {
  let server, fga;
  const latest = { warrantToken: 'latest' };
  before(async () => {
    server = await startServer();
    fga = server.sdk().fga;
  });
  after(() => server?.stop());

  const make = (resourceType, resourceId, meta) => fga.createResource({ resource: { resourceType, resourceId }, meta });
  const member = async (resource, subject) =>
    (await fga.check({ checks: [{ resource, relation: 'member', subject }] }, latest)).isAuthorized();
  const found = async (q) => (await fga.query({ q, limit: 10 }, latest)).data;

  it('has tenants, with managers and admins above members', async () => {
    const user = await make('user');
    const tenant = await make('tenant', 'acme', { name: 'Acme' });
    assert.deepEqual(await found(`select tenant where user:${user.resourceId} is member`), []);
    await fga.writeWarrant({ resource: tenant, relation: 'admin', subject: user });
    const rows = await found(`select tenant where user:${user.resourceId} is *`);
    assert.deepEqual(
      rows.map((row) => [row.relation, row.isImplicit, row.meta]),
      [
        ['member', true, { name: 'Acme' }],
        ['manager', true, { name: 'Acme' }],
        ['admin', false, { name: 'Acme' }],
      ],
    );
    const [subject] = await found('select admin of type user for tenant:acme');
    assert.equal(subject.resourceId, user.resourceId);
    assert.equal(subject.meta, undefined);
  });

  it('has roles that carry permissions, and roles within roles', async () => {
    const [boss, worker] = [await make('user'), await make('user')];
    const [manager, developer] = [await make('role', 'manager'), await make('role', 'developer')];
    const deploy = await make('permission', 'deploy');
    await fga.batchWriteWarrants([
      { resource: deploy, relation: 'member', subject: developer },
      { resource: developer, relation: 'member', subject: worker },
      { resource: developer, relation: 'member', subject: manager },
      { resource: manager, relation: 'member', subject: boss },
    ]);
    assert.ok(await member(deploy, worker));
    assert.ok(await member(deploy, boss));
    assert.ok(!(await member(manager, worker)));
    const rows = await found(`select role where user:${boss.resourceId} is member`);
    assert.deepEqual(
      rows.map((row) => [row.resourceId, row.isImplicit]),
      [
        ['manager', false],
        ['developer', true],
      ],
    );
  });

  it('has features of pricing tiers', async () => {
    const user = await make('user');
    const [paid, free] = [await make('pricing-tier', 'paid'), await make('pricing-tier', 'free')];
    const [basic, extra] = [await make('feature', 'basic'), await make('feature', 'extra')];
    await fga.batchWriteWarrants([
      { resource: basic, relation: 'member', subject: free },
      { resource: free, relation: 'member', subject: paid },
      { resource: extra, relation: 'member', subject: paid },
      { resource: paid, relation: 'member', subject: user },
    ]);
    assert.ok(await member(basic, user));
    assert.ok(await member(extra, user));
    const rows = await found(`select feature where user:${user.resourceId} is member`);
    assert.deepEqual(
      rows.map((row) => row.resourceId),
      ['extra', 'basic'],
    );
  });
});
