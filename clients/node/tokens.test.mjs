import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { createRemoteJWKSet, jwtVerify } from 'jose';

import { startServer } from '../server.mjs';
import { fastPath } from './fast-path.mjs';

const SCHEMA = `
version 0.3

type user

type project
    relation viewer [user]
`;

describe('tokens of users', () => {
  let server;
  const thing = (resourceType) => (resourceId) => ({ resourceType, resourceId });
  const [project, user] = ['project', 'user'].map(thing);
  const mint = async (...args) => (await server.cli('token', 'mint', ...args)).stdout.trim();
  const checks = async () => {
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    const counts = metrics.matchAll(/^rowgate_checks_total\{.*\} (\d+)$/gm);
    return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
  };

  before(async () => {
    server = await startServer();
    await server.applySchema(SCHEMA);
    await server.sdk().fga.writeWarrant({ resource: project('p1'), relation: 'viewer', subject: user('bob') });
  });
  after(() => server?.stop());

  it('are verified with the keys at the address that the client knows', async () => {
    const token = await mint('--user', 'ann', '--org', 'acme', '--role', 'admin');
    const url = server.sdk().userManagement.getJwksUrl('client_default');
    const { payload, protectedHeader } = await jwtVerify(token, createRemoteJWKSet(new URL(url)));
    assert.equal(protectedHeader.alg, 'RS256');
    const { sub, org_id, role, roles, permissions, sid, auth_time, exp, iat } = payload;
    assert.deepEqual([sub, org_id, role, roles, permissions], ['ann', 'acme', 'admin', ['admin'], []]);
    assert.match(sid, /^session_/);
    assert.deepEqual([auth_time, exp], [iat, iat + 3600]);
  });

  it('are verified after a rotation, old and new', async () => {
    const keys = createRemoteJWKSet(new URL(server.sdk().userManagement.getJwksUrl('client_default')), {
      cooldownDuration: 0,
    });
    const old = await mint('--user', 'ann');
    await jwtVerify(old, keys);
    await server.cli('token', 'rotate');
    const fresh = await mint('--user', 'ann');
    for (const token of [old, fresh]) assert.equal((await jwtVerify(token, keys)).payload.sub, 'ann');
  });

  it('take the place of the API key in a check of the client', async () => {
    const fga = server.sdk(await mint('--user', 'bob')).fga;
    const ask = (subject) => fga.check({ checks: [{ resource: project('p1'), relation: 'viewer', subject }] });
    assert.equal((await ask(user('bob'))).result, 'authorized');
    await assert.rejects(ask(user('ann')));
    await assert.rejects(fga.listWarrants());
  });

  it('answer a permission without a check, in their own organization only', async () => {
    const mayView = fastPath(server.url);
    const file = { organization: 'acme', project: 'p1' };
    const before = await checks();
    const permission = ['--permission', 'project:view'];
    assert.equal(await mayView(await mint('--user', 'ann', '--org', 'acme', ...permission), file), true);
    assert.equal(await checks(), before);
    assert.equal(await mayView(await mint('--user', 'eve', '--org', 'other', ...permission), file), false);
    assert.equal(await mayView(await mint('--user', 'bob', '--org', 'acme'), file), true);
    assert.equal(await mayView(await mint('--user', 'ann', '--org', 'acme'), file), false);
    assert.equal(await checks(), before + 3);
    await assert.rejects(mayView('nonsense', file));
  });
});
