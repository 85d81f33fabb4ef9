// Every method of `workos.authorization`, in every version of the SDK that has it.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { Watched } from './methods.mjs';
import { failure, rows, start, versions } from './server.mjs';

versions('workos.authorization', (version) => {
  let server, workos, watched, authorization, org, other, om, stranger, workspace, project, app;
  /** A step for a method that not every version has. */
  const since = (first, name, run) => it(name, { skip: version < first && `not in version ${version}` }, run);

  before(async () => {
    server = await start();
    workos = server.workos(version);
    watched = new Watched(workos, ['authorization']);
    authorization = watched.authorization;
    org = await workos.organizations.createOrganization({ name: 'Acme', externalId: 'cust-1' });
    other = await workos.organizations.createOrganization({ name: 'Other' });
    const member = async (email, organization) => {
      const user = await workos.userManagement.createUser({ email });
      return workos.userManagement.createOrganizationMembership({ userId: user.id, organizationId: organization.id });
    };
    om = await member('ann@example.com', org);
    stranger = await member('bob@example.com', other);
  });
  afterEach(() => server.conforms());
  after(() => server?.stop());

  it('keeps permissions', async () => {
    const made = await authorization.createPermission({ slug: 'p:r', name: 'Read', description: 'Reads', resourceTypeSlug: 'project' });
    assert.match(made.id, /^perm_[0-9A-Z]{26}$/);
    assert.deepEqual([made.slug, made.name, made.description, made.system], ['p:r', 'Read', 'Reads', false]);
    assert.equal((await authorization.getPermission('p:r')).id, made.id);
    const changed = await authorization.updatePermission('p:r', { name: 'Read it', description: null });
    assert.deepEqual([changed.name, changed.description], ['Read it', null]);
    const all = await rows(authorization.listPermissions());
    assert.deepEqual(all.map((one) => one.slug), ['p:r', 'app:deploy', 'project:edit', 'project:view', 'workspace:view', 'org:manage']);
    const conflict = await failure(() => authorization.createPermission({ slug: 'p:r', name: 'Read' }));
    assert.equal(conflict.name, 'ConflictException');
    await authorization.deletePermission('p:r');
    const gone = await failure(() => authorization.getPermission('p:r'));
    assert.deepEqual([gone.name, gone.status], ['NotFoundException', 404]);
  });

  it('keeps roles of the environment', async () => {
    const made = await authorization.createEnvironmentRole({ slug: 'auditor', name: 'Auditor' });
    assert.match(made.id, /^role_[0-9A-Z]{26}$/);
    assert.deepEqual([made.slug, made.type, made.permissions], ['auditor', 'EnvironmentRole', []]);
    const changed = await authorization.updateEnvironmentRole('auditor', { name: 'Auditor 2', description: null });
    assert.equal(changed.name, 'Auditor 2');
    const set = await authorization.setEnvironmentRolePermissions('auditor', { permissions: ['org:manage', 'project:view'] });
    assert.deepEqual(set.permissions, ['org:manage', 'project:view']);
    const added = await authorization.addEnvironmentRolePermission('auditor', { permissionSlug: 'app:deploy' });
    assert.deepEqual(added.permissions, ['org:manage', 'project:view', 'app:deploy']);
    assert.deepEqual((await authorization.getEnvironmentRole('auditor')).permissions, added.permissions);
    const { data } = await authorization.listEnvironmentRoles();
    assert.deepEqual(data.map((one) => one.slug), ['admin', 'member', 'workspace-editor', 'viewer', 'editor', 'deployer', 'auditor']);
    const unknown = await failure(() => authorization.setEnvironmentRolePermissions('auditor', { permissions: ['no:such'] }));
    assert.equal(unknown.name, 'UnprocessableEntityException');
  });

  it('keeps roles of organizations', async () => {
    const made = await authorization.createOrganizationRole(org.id, { slug: 'org-billing', name: 'Billing' });
    assert.deepEqual([made.slug, made.type], ['org-billing', 'OrganizationRole']);
    await authorization.setOrganizationRolePermissions(org.id, 'org-billing', { permissions: ['org:manage'] });
    const added = await authorization.addOrganizationRolePermission(org.id, 'org-billing', { permissionSlug: 'project:view' });
    assert.deepEqual(added.permissions, ['org:manage', 'project:view']);
    await authorization.removeOrganizationRolePermission(org.id, 'org-billing', { permissionSlug: 'org:manage' });
    const changed = await authorization.updateOrganizationRole(org.id, 'org-billing', { name: 'Bills' });
    assert.deepEqual([changed.name, changed.permissions], ['Bills', ['project:view']]);
    assert.equal((await authorization.getOrganizationRole(org.id, 'org-billing')).name, 'Bills');
    const { data } = await authorization.listOrganizationRoles(org.id);
    assert.equal(data.at(-1).slug, 'org-billing');
    assert.equal(data.length, 8);
    assert.equal((await authorization.listOrganizationRoles(other.id)).data.length, 7);
    await authorization.deleteOrganizationRole(org.id, 'org-billing');
    const gone = await failure(() => authorization.getOrganizationRole(org.id, 'org-billing'));
    assert.equal(gone.name, 'NotFoundException');
    if (typeof workos.organizations.listOrganizationRoles === 'function') {
      const legacy = await workos.organizations.listOrganizationRoles({ organizationId: org.id });
      assert.equal(legacy.data.length, 7);
    }
  });

  it('keeps resources, by id and by external id', async () => {
    workspace = await authorization.createResource({
      organizationId: org.id,
      resourceTypeSlug: 'workspace',
      externalId: 'w1',
      name: 'Web',
    });
    assert.match(workspace.id, /^authz_resource_[0-9A-Z]{26}$/);
    assert.match(workspace.parentResourceId, /^authz_resource_/, 'the organization');
    project = await authorization.createResource({
      organizationId: org.id,
      resourceTypeSlug: 'project',
      externalId: 'p:1 x',
      name: 'Site',
      description: 'The site',
      parentResourceExternalId: 'w1',
      parentResourceTypeSlug: 'workspace',
    });
    app = await authorization.createResource({
      organizationId: org.id,
      resourceTypeSlug: 'app',
      externalId: 'a1',
      name: 'App',
      parentResourceId: project.id,
    });
    assert.equal(app.parentResourceId, project.id);
    assert.deepEqual(await authorization.getResource(project.id), project);
    const named = { organizationId: org.id, resourceTypeSlug: 'project', externalId: 'p:1 x' };
    assert.deepEqual(await authorization.getResourceByExternalId(named), project);
    const changed = await authorization.updateResource({ resourceId: project.id, name: 'Site 2', description: null });
    assert.deepEqual([changed.name, changed.description, changed.externalId], ['Site 2', null, 'p:1 x']);
    assert.equal((await authorization.updateResourceByExternalId({ ...named, name: 'Site 3' })).name, 'Site 3');
    const all = await rows(authorization.listResources({ organizationId: org.id }));
    assert.deepEqual(all.map((one) => one.externalId), ['a1', 'p:1 x', 'w1'], 'newest first, without the organization');
    const under = { organizationId: org.id, parentResourceTypeSlug: 'workspace', parentExternalId: 'w1' };
    assert.deepEqual((await rows(authorization.listResources(under))).map((one) => one.id), [project.id]);
    const nothing = await failure(() => authorization.listResources({}));
    assert.equal(nothing.status, 400);
    const again = await failure(() => authorization.createResource({ ...named, name: 'Again', parentResourceId: workspace.id }));
    assert.equal(again.name, 'ConflictException');
    const nowhere = await failure(() => authorization.createResource({ ...named, externalId: 'p2', name: 'No parent' }));
    assert.equal(nowhere.name, 'UnprocessableEntityException');
  });

  it('assigns roles, and access flows down', async () => {
    const may = async (permissionSlug, resource) =>
      (await authorization.check({ organizationMembershipId: om.id, permissionSlug, ...resource })).authorized;
    const site = { resourceExternalId: 'p:1 x', resourceTypeSlug: 'project' };
    assert.equal(await may('project:edit', site), false);
    const assigned = await authorization.assignRole({
      organizationMembershipId: om.id,
      roleSlug: 'workspace-editor',
      resourceExternalId: 'w1',
      resourceTypeSlug: 'workspace',
    });
    assert.match(assigned.id, /^role_assignment_[0-9A-Z]{26}$/);
    assert.deepEqual([assigned.role.slug, assigned.resource.id], ['workspace-editor', workspace.id]);
    assert.equal(await may('project:edit', site), true);
    assert.equal(await may('project:edit', { resourceId: app.id }), true);
    assert.equal(await may('app:deploy', { resourceId: app.id }), false);
    assert.equal(await may('project:edit', { resourceExternalId: org.id, resourceTypeSlug: 'organization' }), false);
    assert.equal(await may('project:edit', { resourceExternalId: 'cust-1', resourceTypeSlug: 'organization' }), false);
    const same = await authorization.assignRole({ organizationMembershipId: om.id, roleSlug: 'workspace-editor', resourceId: workspace.id });
    assert.equal(same.id, assigned.id);
    const listed = await rows(authorization.listRoleAssignments({ organizationMembershipId: om.id }));
    assert.deepEqual(listed.map((one) => one.role.slug), ['workspace-editor', 'member']);
    await authorization.removeRoleAssignment({ organizationMembershipId: om.id, roleAssignmentId: assigned.id });
    assert.equal(await may('project:edit', site), false);
    await authorization.assignRole({ organizationMembershipId: om.id, roleSlug: 'viewer', ...site });
    assert.equal(await may('project:view', site), true);
    await authorization.removeRole({ organizationMembershipId: om.id, roleSlug: 'viewer', ...site });
    assert.equal(await may('project:view', site), false);
  });

  it('refuses with the exceptions that applications catch', async () => {
    const check = (options) => authorization.check({ organizationMembershipId: om.id, permissionSlug: 'project:view', ...options });
    const missing = await failure(() => check({ resourceExternalId: 'nothing', resourceTypeSlug: 'project' }));
    assert.equal(missing.name, 'NotFoundException');
    if (version >= 9) assert.equal(missing.code, 'entity_not_found');
    const nobody = await failure(() => check({ organizationMembershipId: 'om_nobody', resourceId: project.id }));
    assert.equal(nobody.name, 'NotFoundException');
    const foreign = await failure(() => check({ organizationMembershipId: stranger.id, resourceId: project.id }));
    assert.equal(foreign.name, 'NotFoundException', 'of another organization');
    const without = await failure(() => authorization.check({ organizationMembershipId: om.id, permissionSlug: 'project:view' }));
    assert.equal(without.name, 'UnprocessableEntityException');
    const wrong = await failure(() =>
      authorization.assignRole({ organizationMembershipId: om.id, roleSlug: 'viewer', resourceId: workspace.id }));
    assert.equal(wrong.name, 'UnprocessableEntityException');
    const key = await failure(() => server.workos(version, 'sk_wrong').authorization.listPermissions());
    assert.equal(key.name, 'UnauthorizedException');
    assert.equal((await check({ permissionSlug: 'no:such', resourceId: project.id })).authorized, false);
  });

  it('lists what a membership can reach, and who can reach a resource', async () => {
    await authorization.assignRole({ organizationMembershipId: om.id, roleSlug: 'workspace-editor', resourceId: workspace.id });
    const children = (parent) =>
      rows(authorization.listResourcesForMembership({ organizationMembershipId: om.id, permissionSlug: 'project:edit', ...parent }));
    assert.deepEqual((await children({ parentResourceId: workspace.id })).map((one) => one.id), [project.id]);
    const byName = { parentResourceTypeSlug: 'workspace', parentResourceExternalId: 'w1' };
    assert.deepEqual((await children(byName)).map((one) => one.id), [project.id]);
    const asked = { permissionSlug: 'project:edit', resourceId: project.id };
    assert.deepEqual(await rows(authorization.listMembershipsForResource(asked)), [], 'direct is the default');
    const everybody = await rows(authorization.listMembershipsForResource({ ...asked, assignment: 'indirect' }));
    assert.deepEqual(everybody.map((one) => one.id), [om.id]);
    const named = await rows(authorization.listMembershipsForResourceByExternalId({
      organizationId: org.id,
      resourceTypeSlug: 'workspace',
      externalId: 'w1',
      permissionSlug: 'project:edit',
    }));
    assert.deepEqual(named.map((one) => one.id), [om.id]);
  });

  since(9, 'lists effective permissions, by either path', async () => {
    const slugs = async (list) => (await rows(list)).map((one) => one.slug).sort();
    const wanted = ['project:edit', 'project:view', 'workspace:view'];
    const byId = authorization.listEffectivePermissions({ organizationMembershipId: om.id, resourceId: project.id });
    assert.deepEqual(await slugs(byId), wanted);
    const byName = authorization.listEffectivePermissionsByExternalId({
      organizationMembershipId: om.id,
      resourceTypeSlug: 'project',
      externalId: 'p:1 x',
    });
    assert.deepEqual(await slugs(byName), wanted);
    const { body } = await server.request('GET', `/authorization/organization_memberships/${om.id}/resources/${project.id}/permissions`);
    assert.deepEqual(body.data.map((one) => one.slug).sort(), wanted);
  });

  since(9, 'lists the assignments on a resource', async () => {
    const listed = await rows(authorization.listRoleAssignmentsForResource({ resourceId: workspace.id }));
    assert.deepEqual(listed.map((one) => [one.organizationMembershipId, one.role.slug]), [[om.id, 'workspace-editor']]);
    const named = { organizationId: org.id, resourceTypeSlug: 'workspace', externalId: 'w1' };
    assert.equal((await rows(authorization.listResourceRoleAssignments(named))).length, 1);
    assert.equal((await rows(authorization.listResourceRoleAssignments({ ...named, roleSlug: 'other' }))).length, 0);
  });

  since(10, 'gives roles to groups', async () => {
    const group = await workos.groups.createGroup({ organizationId: org.id, name: 'Engineering' });
    const user = await workos.userManagement.createUser({ email: 'eve@example.com' });
    const eve = await workos.userManagement.createOrganizationMembership({ userId: user.id, organizationId: org.id });
    const joined = { organizationId: org.id, groupId: group.id, organizationMembershipId: eve.id };
    await workos.groups.addOrganizationMembership(joined);
    const onProject = { roleSlug: 'editor', resourceId: project.id };
    const made = await authorization.createGroupRoleAssignment({ groupId: group.id, ...onProject });
    assert.match(made.id, /^gra_[0-9A-Z]{26}$/);
    const asked = { organizationMembershipId: eve.id, permissionSlug: 'project:edit', resourceId: project.id };
    assert.equal((await authorization.check(asked)).authorized, true);
    const [inherited] = (await rows(authorization.listRoleAssignments({ organizationMembershipId: eve.id }))).filter(
      (one) => one.role.slug === 'editor',
    );
    assert.equal(inherited.source.type, 'group');
    assert.equal(inherited.source.groupRoleAssignmentId, made.id);
    const duplicate = await failure(() => authorization.createGroupRoleAssignment({ groupId: group.id, ...onProject }));
    assert.equal(duplicate.name, 'ConflictException');
    const byId = { groupId: group.id, roleAssignmentId: made.id };
    assert.equal((await authorization.getGroupRoleAssignment(byId)).id, made.id);
    const replaced = await authorization.replaceGroupRoleAssignments({
      groupId: group.id,
      roleAssignments: [{ roleSlug: 'admin' }, onProject],
    });
    assert.equal((replaced.data ?? replaced).length, 2);
    assert.equal((await rows(authorization.listGroupRoleAssignments({ groupId: group.id }))).length, 2);
    const [membership] = await rows(
      workos.userManagement.listOrganizationMemberships({ userId: user.id, organizationId: org.id }),
    );
    assert.deepEqual(membership.roles.map((role) => role.slug), ['admin', 'member']);
    await authorization.removeGroupRoleAssignments({ groupId: group.id, roleSlug: 'admin' });
    await authorization.removeGroupRoleAssignment(byId);
    assert.equal((await authorization.check(asked)).authorized, false);
    await workos.groups.removeOrganizationMembership(joined);
    await workos.groups.deleteGroup({ organizationId: org.id, groupId: group.id });
  });

  it('deletes, and says when something depends on it', async () => {
    const dependents = await failure(() => authorization.deleteResource({ resourceId: workspace.id }));
    assert.equal(dependents.name, 'ConflictException');
    await authorization.deleteResourceByExternalId({ organizationId: org.id, resourceTypeSlug: 'app', externalId: 'a1' });
    await authorization.deleteResource({ resourceId: workspace.id, cascadeDelete: true });
    const gone = await failure(() => authorization.getResource(project.id));
    assert.equal(gone.name, 'NotFoundException');
    assert.deepEqual(await rows(authorization.listResources({ organizationId: org.id })), []);
  });

  it('pages through more than a page', async () => {
    for (let number = 0; number < 23; number += 1) {
      const externalId = `w${String(number).padStart(2, '0')}`;
      await authorization.createResource({ organizationId: org.id, resourceTypeSlug: 'workspace', externalId, name: externalId });
    }
    let after;
    const seen = [];
    do {
      const page = await authorization.listResources({ organizationId: org.id, limit: 10, after });
      seen.push(...page.data.map((one) => one.externalId));
      after = page.listMetadata.after;
    } while (after);
    assert.equal(seen.length, 23);
    assert.deepEqual(seen, [...seen].sort().reverse());
  });

  it('stops answering for a membership that is deactivated, and goes on when it is back', async () => {
    const organization = { resourceExternalId: org.id, resourceTypeSlug: 'organization' };
    await workos.userManagement.updateOrganizationMembership(om.id, { roleSlug: 'admin' });
    const may = async () =>
      (await authorization.check({ organizationMembershipId: om.id, permissionSlug: 'org:manage', ...organization })).authorized;
    assert.equal(await may(), true);
    await workos.userManagement.deactivateOrganizationMembership(om.id);
    assert.equal(await may(), false);
    const back = await workos.userManagement.reactivateOrganizationMembership(om.id);
    assert.deepEqual([back.status, back.role.slug], ['active', 'admin']);
    assert.equal(await may(), true);
  });

  it('was asked for every method that this version has', () => {
    assert.ok(watched.methods.length >= 35, `${watched.methods.length} methods`);
    assert.deepEqual(watched.missed, []);
  });
});
