// Three ways to the same answer, for everybody: a check on each file, a check on its project, and row-level security.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { neon } from '@neondatabase/serverless';

import { mayOnFile, mayOnProject } from '../guard.mjs';
import { ready } from '../ready.mjs';

let stack;
let workos;
let world;

before(async () => ({ stack, workos, world } = await ready()));
after(() => stack?.stop());

const member = (key) => world.memberships.find((membership) => membership.key === key);
const database = async ({ user, organization }) => {
  const authToken = await stack.token(user, organization);
  return neon(stack.authenticatedUrl, { authToken });
};
const names = (files) => files.map(({ name }) => name);

/** What a membership sees by each of the three ways. */
async function three(membership) {
  const all = await neon(stack.ownerUrl)`select id::text, organization_id, project_id, name from files order by name`;
  const sql = await database(membership);
  const chosen = async (may) => {
    const shown = await Promise.all(all.map((file) => may(workos, membership, 'file:view', file)));
    return names(all.filter((_, index) => shown[index]));
  };
  return [await chosen(mayOnFile), await chosen(mayOnProject), names(await sql`select name from files order by name`)];
}

async function same(key) {
  const [first, ...others] = await three(member(key));
  for (const other of others) assert.deepEqual(other, first, key);
  return first;
}

describe('three ways', () => {
  it('show everybody the same', async () => {
    const acme = ['servers', 'shop', 'site'].flatMap((project) => [`acme ${project} notes`, `acme ${project} plan`]);
    assert.deepEqual(await same('ann@acme'), acme, 'a role on the organization');
    assert.deepEqual(await same('ann@bolt'), [], 'the same person elsewhere');
    assert.deepEqual(await same('bob@acme'), ['acme site notes', 'acme site plan'], 'a role on a project');
    assert.deepEqual(await same('cleo@bolt'), ['rocket', 'site'].flatMap((project) => [`bolt ${project} notes`, `bolt ${project} plan`]));
  });

  it('follow at once when a role is given, changed and taken', async () => {
    const bob = { organizationMembershipId: member('bob@acme').id };
    const onOps = { ...bob, roleSlug: 'workspace-editor', resourceTypeSlug: 'workspace', resourceExternalId: 'ops' };
    await workos.authorization.assignRole(onOps);
    assert.deepEqual(await same('bob@acme'), ['acme servers notes', 'acme servers plan', 'acme site notes', 'acme site plan']);
    await workos.authorization.setEnvironmentRolePermissions('workspace-editor', { permissions: [] });
    assert.deepEqual(await same('bob@acme'), ['acme site notes', 'acme site plan'], 'no policy was applied again');
    await workos.authorization.setEnvironmentRolePermissions('workspace-editor', { permissions: ['file:view', 'file:edit'] });
    await workos.authorization.removeRole(onOps);
    assert.deepEqual(await same('bob@acme'), ['acme site notes', 'acme site plan']);
  });

  it('follow groups', async () => {
    const organizationId = world.organizations.acme;
    const team = await workos.groups.createGroup({ organizationId, name: 'Shop' });
    await workos.groups.addOrganizationMembership({ organizationId, groupId: team.id, organizationMembershipId: member('bob@acme').id });
    const role = { roleSlug: 'project-viewer', resourceTypeSlug: 'project', resourceExternalId: 'shop' };
    await workos.authorization.createGroupRoleAssignment({ groupId: team.id, ...role });
    assert.deepEqual(await same('bob@acme'), ['acme shop notes', 'acme shop plan', 'acme site notes', 'acme site plan']);
    await workos.groups.deleteGroup({ organizationId, groupId: team.id });
    assert.deepEqual(await same('bob@acme'), ['acme site notes', 'acme site plan']);
  });

  it('show an inactive member nothing, and everything again afterwards', async () => {
    const { id } = member('cleo@bolt');
    const before = await same('cleo@bolt');
    await workos.userManagement.deactivateOrganizationMembership(id);
    assert.deepEqual(await same('cleo@bolt'), []);
    await workos.userManagement.reactivateOrganizationMembership(id);
    assert.deepEqual(await same('cleo@bolt'), before);
  });
});

describe('writing', () => {
  it('is what file:edit allows', async () => {
    const sql = await database(member('bob@acme'));
    const within = world.organizations.acme;
    await sql`insert into files (organization_id, project_id, name) values (${within}, 'site', 'acme site draft')`;
    const refused = (query) => assert.rejects(query, /row-level security/);
    await refused(sql`insert into files (organization_id, project_id, name) values (${within}, 'shop', 'not mine')`);
    await refused(sql`insert into files (organization_id, project_id, name) values (${world.organizations.bolt}, 'site', 'not mine')`);
    await refused(sql`update files set project_id = 'shop' where name = 'acme site draft'`);
    assert.equal((await sql`delete from files where name = 'acme site draft' returning id`).length, 1);
    const cleo = await database(member('cleo@bolt'));
    assert.deepEqual(await cleo`update files set name = 'changed' returning id`, [], 'an auditor only looks');
  });
});

describe('what belongs to the table', () => {
  it('is not created or assigned over the API', async () => {
    const failed = async (call) => call.then(() => assert.fail('it was not refused'), (error) => error);
    const resource = { organizationId: world.organizations.acme, resourceTypeSlug: 'file', externalId: 'f1', name: 'f1' };
    const created = await failed(workos.authorization.createResource({ ...resource, parentResourceTypeSlug: 'project', parentResourceExternalId: 'site' }));
    assert.equal(created.status, 400);
    assert.match(created.message, /rows of table 'public\.files'/);
    const changed = await failed(workos.authorization.deletePermission('file:view'));
    assert.match(changed.message, /public\.files/);
  });

  it('is listed page by page', async () => {
    const { id } = member('ann@acme');
    const list = new URL('/rowgate/v1/authorization/resources', stack.url);
    list.search = new URLSearchParams({ organization_membership_id: id, permission_slug: 'file:view', resource_type_slug: 'file', limit: 4 });
    const found = [];
    for (let after = ''; after !== null; ) {
      if (after) list.searchParams.set('after', after);
      const answer = await fetch(list, { headers: { authorization: `Bearer ${stack.apiKey}` } });
      const page = await answer.json();
      assert.equal(answer.status, 200, JSON.stringify(page));
      found.push(...page.data.map((file) => file.external_id));
      after = page.list_metadata.after;
    }
    assert.equal(new Set(found).size, found.length);
    const rows = (await stack.psql(`select id from files where organization_id = '${world.organizations.acme}'`)).split('\n');
    assert.deepEqual(found.sort(), rows.sort());
  });

  const childrenOf = (key, project, more = {}) =>
    workos.authorization.listResourcesForMembership({
      organizationMembershipId: member(key).id,
      permissionSlug: 'file:view',
      parentResourceTypeSlug: 'project',
      parentResourceExternalId: project,
      ...more,
    });
  const under = async (...asked) => (await childrenOf(...asked)).autoPagination();
  const rowsOf = async (project) => {
    const where = `organization_id = '${world.organizations.acme}' and project_id = '${project}'`;
    return (await stack.psql(`select id from files where ${where} order by id`)).split('\n');
  };
  const ids = (resources) => resources.map(({ externalId }) => externalId);

  it('is found under its project, by whoever may see it', async () => {
    const site = await rowsOf('site');
    assert.equal(site.length, 2);
    for (const key of ['ann@acme', 'bob@acme']) {
      assert.deepEqual(ids(await under(key, 'site', { order: 'asc' })), site, key);
      assert.deepEqual(ids(await under(key, 'site')), site.toReversed(), 'newest first, for rows the last key first');
      const pages = [];
      for (let after; after !== null; ) {
        const page = await childrenOf(key, 'site', { order: 'asc', limit: 1, after });
        pages.push(ids(page.data));
        after = page.listMetadata.after ?? null;
      }
      assert.deepEqual(pages, site.map((id) => [id]), 'one to a page');
    }
    const [file] = await under('bob@acme', 'site');
    assert.equal(file.resourceTypeSlug, 'file');
    assert.equal(file.organizationId, world.organizations.acme);
    assert.deepEqual(await under('bob@acme', 'shop'), []);
    assert.deepEqual(await under('ann@bolt', 'site'), [], 'a project of the same name elsewhere');
    await assert.rejects(under('ann@acme', 'nowhere'), { status: 404 });
  });

  it('is not found by lists that could not have it, and they say so', async () => {
    const [externalId] = await rowsOf('site');
    const row = { organizationId: world.organizations.acme, resourceTypeSlug: 'file', externalId };
    const group = await workos.groups.createGroup({ organizationId: world.organizations.acme, name: 'G' });
    const assigned = { roleSlug: 'project-viewer', resourceTypeSlug: 'file', resourceExternalId: externalId };
    for (const refused of [
      () => workos.authorization.listResources({ organizationId: world.organizations.acme, resourceTypeSlug: 'file' }),
      () => workos.authorization.listMembershipsForResourceByExternalId({ ...row, permissionSlug: 'file:view' }),
      () => workos.authorization.assignRole({ organizationMembershipId: member('bob@acme').id, ...assigned }),
      () => workos.authorization.createGroupRoleAssignment({ groupId: group.id, ...assigned }),
    ]) {
      await assert.rejects(refused(), { status: 400, message: /rows of table 'public\.files'/ });
    }
  });

  it('is guarded as planned', async () => {
    assert.match(await stack.rls('plan'), /public\.files: file:view guards select/);
    await stack.rls('verify');
  });
});
