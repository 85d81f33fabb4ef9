// The README's table of the two API faces: a test for each line, of both of its cells. A line without one fails, and so does a test without a line.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';

import { failure } from './server.mjs';
import { world } from './world.mjs';

const VERSION = 11;

const SCHEMA = `version 0.3

type user
type ticket
    relation owner [user]
    relation viewer [user]
    inherit viewer if
        relation owner
`;

const ticket = (resourceId) => ({ resourceType: 'ticket', resourceId });
const ann = { resourceType: 'user', resourceId: 'ann' };
const warrant = (op, id, relation, more) => ({ op, resource: ticket(id), relation, subject: ann, ...more });
const asking = (id, relation = 'viewer', more) => ({ checks: [{ resource: ticket(id), relation, subject: ann, ...more }] });

/** What each line says, tried out: `w` is the world with `fga` and `workos`, the clients. */
const LINES = {
  SDKs: async (w) => {
    assert.equal(typeof w.fga.check, 'function');
    assert.equal(typeof w.workos.authorization.check, 'function');
  },
  'what there is': async (w) => {
    const schema = await w.server.request('GET', '/fga/v1/schema');
    assert.deepEqual(Object.keys(schema.body.resource_types.find((type) => type.type === 'ticket').relations), ['owner', 'viewer']);
    const shown = JSON.parse((await w.server.cli('authz', 'show')).stdout);
    assert.deepEqual(shown.types.map((type) => type.slug), ['workspace', 'project', 'app']);
    assert.equal((await w.workos.authorization.listPermissions({ limit: 100 })).data.length, 5);
  },
  'who has what': async (w) => {
    await w.fga.writeWarrant(warrant('create', 't1', 'owner'));
    assert.equal((await w.fga.listWarrants({ resourceType: 'ticket', resourceId: 't1' })).data.length, 1);
    await w.assign({ roleSlug: 'viewer' });
    await w.workos.authorization.createGroupRoleAssignment({ groupId: w.group, roleSlug: 'editor', resourceId: w.project });
    const held = await w.workos.authorization.listRoleAssignments({ organizationMembershipId: w.om });
    assert.ok(held.data.some((one) => one.role.slug === 'viewer'));
  },
  'may somebody do this': async (w) => {
    assert.equal((await w.fga.check(asking('t1'))).isAuthorized(), true);
    assert.equal((await w.fga.check(asking('t2'))).isAuthorized(), false);
    assert.equal(await w.may('project:view'), true);
    assert.equal(await w.may('project:edit'), false);
  },
  'several checks of one revision': async (w) => {
    const many = (count) => ({ checks: Array.from({ length: count }, () => asking('t1').checks[0]) });
    assert.equal((await w.fga.checkBatch(many(100))).length, 100);
    const one = { organization_membership_id: w.om, permission_slug: 'project:view', resource_id: w.project };
    const ask = (count) => w.server.request('POST', '/rowgate/v1/authorization/check', { checks: Array(count).fill(one) });
    assert.deepEqual((await ask(100)).body.results, Array(100).fill({ authorized: true }));
    assert.equal((await ask(101)).status, 422);
    assert.equal((await failure(() => w.fga.checkBatch(many(101)))).status, 400);
  },
  why: async (w) => {
    const decided = await w.fga.check({ ...asking('t1'), debug: true });
    assert.equal(decided.debugInfo.decisionTree.decision, 'matched');
    const asked = { organization_membership_id: w.om, permission_slug: 'project:view', resource_id: w.project };
    const { body } = await w.server.request('POST', '/rowgate/v1/authorization/explain', asked);
    assert.deepEqual(body.reasons.map((reason) => reason.role_assignment.role.slug), ['viewer']);
  },
  'what may somebody see': async (w) => {
    const found = await w.fga.query({ q: 'select ticket where user:ann is viewer' });
    assert.deepEqual(found.data.map((row) => row.resourceId), ['t1']);
    const under = { organizationMembershipId: w.om, permissionSlug: 'project:view', parentResourceId: w.workspace };
    assert.deepEqual((await w.workos.authorization.listResourcesForMembership(under)).data.map((one) => one.externalId), ['e1']);
    const query = `organization_membership_id=${w.om}&permission_slug=project:view&resource_type_slug=project`;
    const all = await w.server.request('GET', `/rowgate/v1/authorization/resources?${query}`);
    assert.deepEqual(all.body.data.map((one) => one.external_id), ['e1']);
  },
  'who may see this': async (w) => {
    const found = await w.fga.query({ q: 'select viewer of type user for ticket:t1' });
    assert.deepEqual(found.data.map((row) => row.resourceId), ['ann']);
    const chief = await w.member('chief@example.com', w.org);
    const { workos, project } = w;
    await workos.authorization.assignRole({ organizationMembershipId: chief.om, roleSlug: 'workspace-editor', resourceId: w.workspace });
    const who = async (assignment) => {
      const found = await workos.authorization.listMembershipsForResource({ resourceId: project, permissionSlug: 'project:view', assignment });
      return found.data.map((one) => one.id).sort();
    };
    assert.deepEqual(await who('direct'), [w.om]);
    assert.deepEqual(await who('indirect'), [w.om, chief.om].sort());
  },
  conditions: async (w) => {
    await w.fga.writeWarrant(warrant('create', 't3', 'owner', { policy: 'amount < 10' }));
    const check = async (context) => (await w.fga.check(asking('t3', 'viewer', { context }))).isAuthorized();
    assert.deepEqual([await check({ amount: 1 }), await check({ amount: 11 }), await check({})], [true, false, false]);
    const { om, server, project } = w;
    const made = { role_slug: 'editor', resource_id: project, condition: 'amount < 10' };
    const path = `/authorization/organization_memberships/${om}`;
    assert.equal((await server.ask('POST', `${path}/role_assignments`, made)).status, 201);
    const may = async (context) =>
      (await server.ask('POST', `${path}/check`, { permission_slug: 'project:edit', resource_id: project, context })).body.authorized;
    assert.deepEqual([await may({ amount: 1 }), await may({ amount: 11 }), await may({})], [true, false, false]);
    await server.ask('DELETE', `${path}/role_assignments`, { role_slug: 'editor', resource_id: project });
  },
  'an end': async (w) => {
    const at = (ms) => new Date(Date.now() + ms).toISOString();
    for (const [id, ms] of Object.entries({ past: -1000, future: 3_600_000 })) {
      await w.fga.writeWarrant(warrant('create', id, 'owner', { policy: `now() < date("${at(ms)}")` }));
      assert.equal((await w.fga.check(asking(id))).isAuthorized(), ms > 0, id);
      const made = { role_slug: 'editor', resource_id: w.project, expires_at: at(ms) };
      const answer = await w.server.ask('POST', `/authorization/organization_memberships/${w.om}/role_assignments`, made);
      assert.equal(answer.status, 201);
      assert.equal(await w.may('project:edit'), ms > 0, id);
    }
    await w.workos.authorization.removeRole({ organizationMembershipId: w.om, roleSlug: 'editor', resourceId: w.project });
  },
  'a write is seen by the next read': async (w) => {
    const { warrantToken } = await w.fga.writeWarrant(warrant('create', 'new', 'owner'));
    const answer = await w.fga.check(asking('new'), { warrantToken });
    assert.equal(answer.isAuthorized(), true);
    await w.assign({ roleSlug: 'editor' });
    assert.equal(await w.may('project:edit'), true);
    await w.workos.authorization.removeRole({ organizationMembershipId: w.om, roleSlug: 'editor', resourceId: w.project });
    assert.equal(await w.may('project:edit'), false);
  },
  cascades: async (w) => {
    await w.fga.deleteResource(ticket('new'));
    assert.equal((await w.fga.listWarrants({ resourceType: 'ticket', resourceId: 'new' })).data.length, 0);
    const workspace = await w.resource(w.org, 'workspace', 'gone');
    const project = await w.resource(w.org, 'project', 'gone', workspace);
    await w.workos.authorization.assignRole({ organizationMembershipId: w.om, roleSlug: 'viewer', resourceId: project });
    const { status, headers } = await w.server.request('DELETE', `/authorization/resources/${workspace}?cascade_delete=true`);
    assert.deepEqual([status, headers.get('rowgate-removed')], [204, 'resources=2, role_assignments=1']);
  },
  'audit log': async (w) => {
    const log = async (rest = '') => (await w.server.request('GET', `/rowgate/v1/authorization/audit?limit=1${rest}`)).body.data[0];
    const before = await log();
    await w.fga.writeWarrant(warrant('create', 'unlogged', 'owner'));
    assert.deepEqual(await log(), before, 'a warrant is not in it');
    await w.workos.authorization.removeRole({ organizationMembershipId: w.om, roleSlug: 'viewer', resourceId: w.project });
    const entry = await log();
    assert.deepEqual([entry.action, entry.actor.type, entry.organization_membership_id], ['role_assignment.removed', 'api_key', w.om]);
    assert.ok(Math.abs(Date.parse(entry.created_at) - Date.now()) < 600_000);
  },
  'tokens of users': async (w) => {
    const minted = async (body) => (await w.server.request('POST', '/rowgate/v1/tokens', body)).body;
    const { token } = await minted({ user: 'ann' });
    const check = { resource_type: 'ticket', resource_id: 't1', relation: 'viewer', subject: { resource_type: 'user', resource_id: 'ann' } };
    const answer = await w.server.request('POST', '/fga/v1/check', { checks: [check] }, { Authorization: `Bearer ${token}` });
    assert.equal(answer.body.result, 'authorized');
    const { claims } = await minted({ user: w.user, organization: w.org });
    assert.deepEqual([claims.role, claims.roles, claims.permissions], ['member', ['member'], []]);
  },
  'what it may touch of the other': async (w) => {
    const root = `authz--membership:${w.om}`;
    const query = await w.server.request('GET', `/fga/v1/query?q=${encodeURIComponent(`select authz-workspace where ${root} is may_workspaceCview`)}`);
    assert.equal(query.status, 200);
    const everybody = { resource_type: 'authz--membership', resource_id: '*' };
    const grant = { op: 'create', resource_type: 'authz--role', resource_id: 'member', relation: 'may_orgCmanage', subject: everybody };
    assert.equal((await w.server.request('POST', '/fga/v1/warrants', grant)).body.code, 'reserved_type');
    // A type of one's own may name them, and the other face has no such type.
    await w.server.applySchema(`${SCHEMA}\ntype note\n    relation reader [authz--membership]\n`);
    const subject = { resourceType: 'authz--membership', resourceId: w.om };
    await w.fga.writeWarrant({ op: 'create', resource: { resourceType: 'note', resourceId: 'n1' }, relation: 'reader', subject });
    const asked = { checks: [{ resource: { resourceType: 'note', resourceId: 'n1' }, relation: 'reader', subject }] };
    assert.equal((await w.fga.check(asked)).isAuthorized(), true);
    const made = { organizationId: w.org, resourceTypeSlug: 'note', externalId: 'n2', name: 'N' };
    assert.equal((await failure(() => w.workos.authorization.createResource(made))).status, 404);
    assert.equal((await w.fga.check(asking('t1'))).isAuthorized(), true);
  },
};

/** The lines of the table, by their first cell. */
async function lines() {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const section = readme.split('## Two API faces')[1].split('\n## ')[0];
  const rows = section.split('\n').filter((line) => line.startsWith('|')).slice(2);
  return rows.map((row) => row.split('|')[1].trim());
}

describe('the two API faces', () => {
  let w;
  before(async () => {
    w = await world();
    await w.server.applySchema(SCHEMA);
    w.fga = w.server.sdk().fga;
    w.workos = w.server.workos(VERSION);
    w.assign = (role) => w.workos.authorization.assignRole({ organizationMembershipId: w.om, resourceId: w.project, ...role });
    w.may = async (permissionSlug) =>
      (await w.workos.authorization.check({ organizationMembershipId: w.om, permissionSlug, resourceId: w.project })).authorized;
  });
  after(() => w?.server.stop());

  for (const [line, run] of Object.entries(LINES)) it(line, () => run(w));

  it('every line of the table is one of these', async () => {
    assert.deepEqual(await lines(), Object.keys(LINES));
    w.server.conforms();
  });
});
