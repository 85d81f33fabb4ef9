// The guide to high-cardinality entities: files and folders stay in the application, and their access is that of the nearest project above
// them. The three functions are the guide's; around them are a table of rows and a client with another address.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { SDKS, start } from '../../server.mjs';
import { declared } from '../sample.mjs';

const sample = (name) => new URL(name, import.meta.url);

const rows = (all) => ({ findUnique: async ({ where }) => all.find((row) => row.id === where.id) ?? null });

const db = {
  files: rows([
    { id: 'plan', projectId: 'budget' },
    { id: 'memo', projectId: 'secret' },
    { id: 'stray', projectId: 'nowhere' },
  ]),
  folders: rows([
    { id: 'top', projectId: 'budget' },
    { id: 'middle', parentFolderId: 'top' },
    { id: 'deep', parentFolderId: 'middle' },
    { id: 'private', projectId: 'secret' },
    { id: 'loose' },
    { id: 'a', parentFolderId: 'b' },
    { id: 'b', parentFolderId: 'a' },
    ...Array.from({ length: 30 }, (_, depth) => ({ id: `f${depth}`, parentFolderId: depth ? `f${depth - 1}` : 'top' })),
  ]),
};

for (const version of Object.keys(SDKS).map(Number)) {
  describe(`files and folders, with @workos-inc/node ${version}`, () => {
    let server, workos, viewer, manager;

    before(async () => {
      server = await start();
      workos = server.workos(version);
      const org = await workos.organizations.createOrganization({ name: 'Acme' });
      const member = async (email, roleSlug) => {
        const user = await workos.userManagement.createUser({ email });
        return workos.userManagement.createOrganizationMembership({ userId: user.id, organizationId: org.id, roleSlug });
      };
      [viewer, manager] = [await member('ann@example.com', 'member'), await member('bob@example.com', 'admin')];
      const resource = (resourceTypeSlug, externalId, parent) =>
        workos.authorization.createResource({ organizationId: org.id, resourceTypeSlug, externalId, name: externalId, ...parent });
      const { id } = await resource('workspace', 'w1');
      for (const name of ['budget', 'secret']) await resource('project', name, { parentResourceId: id });
      await workos.authorization.assignRole({
        organizationMembershipId: viewer.id,
        roleSlug: 'viewer',
        resourceTypeSlug: 'project',
        resourceExternalId: 'budget',
      });
    });
    after(() => server?.stop());

    it('looks the file up, then asks about its project', async () => {
      const canUserAccessFile = await declared(sample('file.ts'), 'canUserAccessFile', { db, workos });
      assert.equal(await canUserAccessFile(viewer.id, 'plan'), true);
      assert.equal(await canUserAccessFile(viewer.id, 'memo'), false);
      assert.equal(await canUserAccessFile(viewer.id, 'no such file'), false);
      assert.equal(await canUserAccessFile(manager.id, 'memo'), true);
      await assert.rejects(canUserAccessFile(viewer.id, 'stray'), { name: 'NotFoundException' });
      server.conforms();
    });

    it('walks up to the project', async () => {
      const canUserAccessFolder = await declared(sample('folder.ts'), 'canUserAccessFolder', { db, workos });
      const seen = {};
      for (const folder of ['top', 'deep', 'private', 'loose', 'a', 'f20', 'f29']) seen[folder] = await canUserAccessFolder(viewer.id, folder);
      assert.deepEqual(seen, { top: true, deep: true, private: false, loose: false, a: false, f20: true, f29: false });
      server.conforms();
    });

    it('answers from the session where that is enough', async () => {
      const canUserAccessFile = await declared(sample('session.ts'), 'canUserAccessFile', { db, workos });
      // The issuer knows the roles on the organization, and what they carry.
      const session = async ({ id, userId, organizationId }) => {
        const claims = { organization_membership_id: id };
        const asked = { user: userId, organization: organizationId, claims };
        const { token } = (await server.request('POST', '/rowgate/v1/tokens', asked)).body;
        assert.equal(await workos.userManagement.isValidJwt(token), true);
        const payload = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
        return { permissions: payload.permissions, organizationMembershipId: payload.organization_membership_id };
      };
      const checks = () => server.proxy.requests.filter((request) => request.path.endsWith('/check')).length;
      const [ann, bob] = [await session(viewer), await session(manager)];
      assert.deepEqual([ann.permissions.includes('project:view'), bob.permissions.includes('project:view')], [false, true]);
      const before = checks();
      assert.equal(await canUserAccessFile(bob, 'memo'), true);
      assert.equal(checks(), before, 'no request');
      assert.equal(await canUserAccessFile(ann, 'plan'), true);
      assert.equal(await canUserAccessFile(ann, 'memo'), false);
      assert.equal(checks(), before + 2);
      server.conforms();
    });
  });
}
