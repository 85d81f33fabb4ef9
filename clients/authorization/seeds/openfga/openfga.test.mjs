// The guide for those who come from OpenFGA: its example model as types, its two calls as they stand, and what each role gives where.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

import { start } from '../../server.mjs';
import { statements } from '../sample.mjs';

const VERSION = 11;
const file = (name) => fileURLToPath(new URL(name, import.meta.url));

const VIEW = ['project:view', 'workspace:view'];
const EDIT = ['project:edit', 'project:view', 'workspace:edit', 'workspace:view'];
const ALL = ['project:edit', 'project:manage', 'project:view', 'workspace:edit', 'workspace:manage', 'workspace:view'];
const of = (type, permissions) => permissions.filter((slug) => slug.startsWith(type));

/** A role, the resource that it is given on, and what it gives on: the organization, the workspace, the project in it, a project elsewhere. */
const GIVEN = [
  ['admin', 'organization', [ALL, ALL, ALL, ALL]],
  ['member', 'organization', [VIEW, VIEW, VIEW, VIEW]],
  ['guest', 'organization', [[], [], [], []]],
  ['workspace-viewer', 'workspace', [[], VIEW, VIEW, []]],
  ['workspace-editor', 'workspace', [[], EDIT, EDIT, []]],
  ['workspace-admin', 'workspace', [[], ALL, ALL, []]],
  ['project-viewer', 'project', [[], [], of('project', VIEW), []]],
  ['project-editor', 'project', [[], [], of('project', EDIT), []]],
  ['project-owner', 'project', [[], [], of('project', ALL), []]],
];

describe('the example of the migration guide', () => {
  let server, workos, org, resources;

  const member = async (roleSlug) => {
    const user = await workos.userManagement.createUser({ email: `${roleSlug}-${Math.random()}@example.com` });
    return workos.userManagement.createOrganizationMembership({ userId: user.id, organizationId: org.id, roleSlug });
  };

  before(async () => {
    server = await start({});
    await server.cli('authz', 'apply', file('types.toml'));
    workos = server.workos(VERSION);
    org = await workos.organizations.createOrganization({ name: 'Acme', externalId: 'acme' });
    const resource = (resourceTypeSlug, externalId, parentResourceId) =>
      workos.authorization.createResource({ organizationId: org.id, resourceTypeSlug, externalId, name: externalId, parentResourceId });
    const workspace = await resource('workspace', 'finance');
    const other = await resource('workspace', 'sales');
    const [project, elsewhere] = [await resource('project', 'budget', workspace.id), await resource('project', 'leads', other.id)];
    const organization = { id: workspace.parentResourceId };
    resources = { organization, workspace, project, elsewhere };
  });
  after(() => server?.stop());

  for (const [role, type, expected] of GIVEN) {
    it(`${role} on the ${type}`, async () => {
      const om = await member(type === 'organization' ? role : 'guest');
      if (type !== 'organization') {
        await workos.authorization.assignRole({ organizationMembershipId: om.id, roleSlug: role, resourceId: resources[type].id });
      }
      const names = Object.keys(resources);
      for (const [at, name] of names.entries()) {
        const asked = { organizationMembershipId: om.id, resourceId: resources[name].id };
        const held = (await workos.authorization.listEffectivePermissions({ ...asked, limit: 100 })).data.map((one) => one.slug);
        assert.deepEqual(held.sort(), expected[at], name);
        for (const permissionSlug of ALL) {
          const { authorized } = await workos.authorization.check({ ...asked, permissionSlug });
          assert.equal(authorized, expected[at].includes(permissionSlug), `${permissionSlug} on the ${name}`);
        }
      }
      server.conforms();
    });
  }

  it('answers the check of the guide', async () => {
    const check = await statements(file('check.ts'), ['workos'], 'authorized');
    // The guide's id is an example: the same call, with the id of a membership that there is.
    const om = await member('guest');
    const as = (id) => ({
      authorization: { check: (asked) => workos.authorization.check({ ...asked, organizationMembershipId: id ?? asked.organizationMembershipId }) },
    });
    assert.equal(await check({ workos: as(om.id) }), false);
    await workos.authorization.assignRole({ organizationMembershipId: om.id, roleSlug: 'project-viewer', resourceId: resources.project.id });
    assert.equal(await check({ workos: as(om.id) }), true);
    await assert.rejects(check({ workos }), { name: 'NotFoundException' });
    server.conforms();
  });

  it('answers within the time that the application allows', async () => {
    const view = await statements(file('window.ts'), ['workos', 'getAccessWindow', 'resourceId', 'organizationMembershipId'], '{ authorized }');
    const om = await member('member');
    const hours = (from, to) => async () => ({ start: new Date(Date.now() + from * 3_600_000), end: new Date(Date.now() + to * 3_600_000) });
    const ask = (getAccessWindow) => view({ workos, getAccessWindow, resourceId: 'budget', organizationMembershipId: om.id });
    assert.deepEqual(await ask(hours(-1, 1)), { authorized: true });
    assert.deepEqual(await ask(hours(1, 2)), { authorized: false });
    assert.deepEqual(await ask(hours(-2, -1)), { authorized: false });
    server.conforms();
  });
});
