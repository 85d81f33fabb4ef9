// The requests as clients were seen to send them, byte by byte. Where Node 11 sends one, it does so here, and the request is held against
// the text; the others are spellings of older versions and of Python, and are sent as they stand. Every answer is held against the
// published document.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { send, world, written } from './world.mjs';

const NODE = 11;

const A = '/authorization';
const OM = `${A}/organization_memberships/$om`;

/** In order: name, request, status, and the call that sends the request. */
const ROWS = [
  ['createPermission', `POST ${A}/permissions {"slug":"p:r","name":"Read","resource_type_slug":"project"}`, 201,
    ({ authorization }) => authorization.createPermission({ slug: 'p:r', name: 'Read', resourceTypeSlug: 'project' })],
  ['listPermissions', `GET ${A}/permissions?order=desc`, 200, ({ authorization }) => authorization.listPermissions()],
  ['… Node 8', `GET ${A}/permissions`, 200],
  ['getPermission', `GET ${A}/permissions/p:r`, 200, ({ authorization }) => authorization.getPermission('p:r')],
  ['… Python', `GET ${A}/permissions/p%3Ar`, 200],
  ['createEnvironmentRole', `POST ${A}/roles {"slug":"writer","name":"Writer","resource_type_slug":"project"}`, 201,
    ({ authorization }) => authorization.createEnvironmentRole({ slug: 'writer', name: 'Writer', resourceTypeSlug: 'project' })],
  ['listEnvironmentRoles', `GET ${A}/roles`, 200, ({ authorization }) => authorization.listEnvironmentRoles()],
  ['updateEnvironmentRole', `PATCH ${A}/roles/writer {"name":"E2","description":null}`, 200,
    ({ authorization }) => authorization.updateEnvironmentRole('writer', { name: 'E2', description: null })],
  ['setEnvironmentRolePermissions', `PUT ${A}/roles/writer/permissions {"permissions":["p:r"]}`, 200,
    ({ authorization }) => authorization.setEnvironmentRolePermissions('writer', { permissions: ['p:r'] })],
  ['addEnvironmentRolePermission', `POST ${A}/roles/writer/permissions {"slug":"p:r"}`, 200,
    ({ authorization }) => authorization.addEnvironmentRolePermission('writer', { permissionSlug: 'p:r' })],
  ['createOrganizationRole', `POST ${A}/organizations/$org/roles {"name":"Billing"}`, 201,
    ({ authorization }, w) => authorization.createOrganizationRole(w.org, { name: 'Billing' })],
  ['… with a slug', `POST ${A}/organizations/$org/roles {"name":"Billing","slug":"org-billing"}`, 201],
  ['… with a permission', `PUT ${A}/organizations/$org/roles/org-billing/permissions {"permissions":["p:r","project:view"]}`, 200],
  ['removeOrganizationRolePermission', `DELETE ${A}/organizations/$org/roles/org-billing/permissions/p:r`, 200,
    ({ authorization }, w) => authorization.removeOrganizationRolePermission(w.org, 'org-billing', { permissionSlug: 'p:r' })],
  ['… Python', `DELETE ${A}/organizations/$org/roles/org-billing/permissions/project%3Aview`, 200],
  ['deleteOrganizationRole', `DELETE ${A}/organizations/$org/roles/org-billing`, 204,
    ({ authorization }, w) => authorization.deleteOrganizationRole(w.org, 'org-billing')],
  ['listOrganizationRoles of Node 8', 'GET /organizations/$org/roles', 200],

  ['createResource', `POST ${A}/resources {"organization_id":"$org","resource_type_slug":"workspace","external_id":"a:b/c d","name":"N"}`, 201,
    ({ authorization }, w) =>
      authorization.createResource({ organizationId: w.org, resourceTypeSlug: 'workspace', externalId: 'a:b/c d', name: 'N' })],
  ['… Python, no description', `POST ${A}/resources {"external_id":"w9","name":"N","resource_type_slug":"workspace","organization_id":"$org","description":null}`, 201],
  ['… with a parent by id', `POST ${A}/resources {"organization_id":"$org","resource_type_slug":"project","external_id":"e2","name":"N","parent_resource_id":"$workspace"}`, 201,
    ({ authorization }, w) => authorization.createResource({
      organizationId: w.org, resourceTypeSlug: 'project', externalId: 'e2', name: 'N', parentResourceId: w.workspace })],
  ['… with a parent by external id', `POST ${A}/resources {"organization_id":"$org","resource_type_slug":"project","external_id":"e3","name":"N","parent_resource_external_id":"w1","parent_resource_type_slug":"workspace"}`, 201,
    ({ authorization }, w) => authorization.createResource({
      organizationId: w.org, resourceTypeSlug: 'project', externalId: 'e3', name: 'N', parentResourceExternalId: 'w1', parentResourceTypeSlug: 'workspace' })],
  ['updateResource', `PATCH ${A}/resources/$project {"name":"N2","description":null}`, 200,
    ({ authorization }, w) => authorization.updateResource({ resourceId: w.project, name: 'N2', description: null })],
  ['… Python, another parent', `PATCH ${A}/resources/$project {"name":"x","description":null,"parent_resource_id":"$workspace"}`, 200],
  ['getResourceByExternalId', `GET ${A}/organizations/$org/resources/workspace/a:b%2Fc%20d`, 200,
    ({ authorization }, w) => authorization.getResourceByExternalId({ organizationId: w.org, resourceTypeSlug: 'workspace', externalId: 'a:b/c d' })],
  ['… Python', `GET ${A}/organizations/$org/resources/workspace/a%3Ab%2Fc%20d`, 200],
  ['listResources', `GET ${A}/resources?organization_id=$org&resource_type_slug=project&limit=50&order=desc`, 200,
    ({ authorization }, w) => authorization.listResources({ organizationId: w.org, resourceTypeSlug: 'project', limit: 50 })],
  ['… by a parent', `GET ${A}/resources?organization_id=$org&parent_resource_type_slug=workspace&parent_external_id=w1&order=desc`, 200,
    ({ authorization }, w) => authorization.listResources({ organizationId: w.org, parentResourceTypeSlug: 'workspace', parentExternalId: 'w1' })],

  ['assignRole', `POST ${OM}/role_assignments {"role_slug":"writer","resource_external_id":"e1","resource_type_slug":"project"}`, 201,
    ({ authorization }, w) => authorization.assignRole({
      organizationMembershipId: w.om, roleSlug: 'writer', resourceExternalId: 'e1', resourceTypeSlug: 'project' })],
  ['check', `POST ${OM}/check {"permission_slug":"p:r","resource_id":"$project"}`, 200,
    ({ authorization }, w) => authorization.check({ organizationMembershipId: w.om, permissionSlug: 'p:r', resourceId: w.project })],
  ['… by external id', `POST ${OM}/check {"permission_slug":"p:r","resource_external_id":"e1","resource_type_slug":"project"}`, 200,
    ({ authorization }, w) => authorization.check({
      organizationMembershipId: w.om, permissionSlug: 'p:r', resourceExternalId: 'e1', resourceTypeSlug: 'project' })],
  ['listRoleAssignments', `GET ${OM}/role_assignments?order=desc`, 200,
    ({ authorization }, w) => authorization.listRoleAssignments({ organizationMembershipId: w.om })],
  ['listRoleAssignmentsForResource', `GET ${A}/resources/$project/role_assignments?role_slug=admin&order=desc`, 200,
    ({ authorization }, w) => authorization.listRoleAssignmentsForResource({ resourceId: w.project, roleSlug: 'admin' })],
  ['listResourceRoleAssignments', `GET ${A}/organizations/$org/resources/workspace/a:b%2Fc%20d/role_assignments?order=desc`, 200,
    ({ authorization }, w) => authorization.listResourceRoleAssignments({ organizationId: w.org, resourceTypeSlug: 'workspace', externalId: 'a:b/c d' })],
  ['listResourcesForMembership', `GET ${OM}/resources?permission_slug=p%3Ar&parent_resource_id=$workspace&order=desc`, 200,
    ({ authorization }, w) => authorization.listResourcesForMembership({
      organizationMembershipId: w.om, permissionSlug: 'p:r', parentResourceId: w.workspace })],
  ['… by external id', `GET ${OM}/resources?permission_slug=p%3Ar&parent_resource_type_slug=workspace&parent_resource_external_id=w1&order=desc`, 200,
    ({ authorization }, w) => authorization.listResourcesForMembership({
      organizationMembershipId: w.om, permissionSlug: 'p:r', parentResourceTypeSlug: 'workspace', parentResourceExternalId: 'w1' })],
  ['listMembershipsForResource', `GET ${A}/resources/$project/organization_memberships?permission_slug=p%3Ar&assignment=indirect&order=desc`, 200,
    ({ authorization }, w) => authorization.listMembershipsForResource({ resourceId: w.project, permissionSlug: 'p:r', assignment: 'indirect' })],
  ['listMembershipsForResourceByExternalId', `GET ${A}/organizations/$org/resources/project/e1/organization_memberships?permission_slug=p%3Ar&order=desc`, 200,
    ({ authorization }, w) => authorization.listMembershipsForResourceByExternalId({
      organizationId: w.org, resourceTypeSlug: 'project', externalId: 'e1', permissionSlug: 'p:r' })],
  ['listEffectivePermissions', `GET ${A}/resources/$project/organization_memberships/$om/permissions?order=desc`, 200,
    ({ authorization }, w) => authorization.listEffectivePermissions({ organizationMembershipId: w.om, resourceId: w.project })],
  ['… Python', `GET ${OM}/resources/$project/permissions?order=desc`, 200],
  ['listEffectivePermissionsByExternalId', `GET ${OM}/resources/project/e1/permissions?order=desc`, 200,
    ({ authorization }, w) => authorization.listEffectivePermissionsByExternalId({
      organizationMembershipId: w.om, resourceTypeSlug: 'project', externalId: 'e1' })],
  ['removeRole', `DELETE ${OM}/role_assignments {"role_slug":"writer","resource_id":"$project"}`, 204,
    ({ authorization }, w) => authorization.removeRole({ organizationMembershipId: w.om, roleSlug: 'writer', resourceId: w.project })],
  ['… once more', `POST ${OM}/role_assignments {"role_slug":"writer","resource_id":"$project"}`, 201],
  ['removeRoleAssignment', `DELETE ${OM}/role_assignments/$answer`, 204,
    ({ authorization }, w) => authorization.removeRoleAssignment({ organizationMembershipId: w.om, roleAssignmentId: w.answer })],

  ['createGroupRoleAssignment', `POST ${A}/groups/$group/role_assignments {"role_slug":"admin"}`, 201,
    ({ authorization }, w) => authorization.createGroupRoleAssignment({ groupId: w.group, roleSlug: 'admin' })],
  ['replaceGroupRoleAssignments', `PUT ${A}/groups/$group/role_assignments {"role_assignments":[{"role_slug":"admin"},{"role_slug":"editor","resource_external_id":"e1","resource_type_slug":"project"}]}`, 200,
    ({ authorization }, w) => authorization.replaceGroupRoleAssignments({
      groupId: w.group, roleAssignments: [{ roleSlug: 'admin' }, { roleSlug: 'editor', resourceExternalId: 'e1', resourceTypeSlug: 'project' }] })],
  ['… Python', `PATCH ${A}/groups/$group/role_assignments {"add":[{"role_slug":"member"}],"remove":[{"role_slug":"admin"}]}`, 204],
  ['removeGroupRoleAssignments', `DELETE ${A}/groups/$group/role_assignments {"role_slug":"editor","resource_id":"$project"}`, 204,
    ({ authorization }, w) => authorization.removeGroupRoleAssignments({ groupId: w.group, roleSlug: 'editor', resourceId: w.project })],

  ['listOrganizationMemberships', 'GET /user_management/organization_memberships?user_id=$user&statuses=active%2Cinactive&order=desc', 200,
    ({ userManagement }, w) => userManagement.listOrganizationMemberships({ userId: w.user, statuses: ['active', 'inactive'] })],
  ['createUser', 'POST /user_management/users {"email":"a@b.c","external_id":"x"}', 201,
    ({ userManagement }) => userManagement.createUser({ email: 'a@b.c', externalId: 'x' })],
  ['createOrganizationMembership', 'POST /user_management/organization_memberships {"organization_id":"$org","user_id":"$answer","role_slug":"admin"}', 201,
    ({ userManagement }, w) => userManagement.createOrganizationMembership({ organizationId: w.org, userId: w.answer, roleSlug: 'admin' })],
  ['updateOrganizationMembership', 'PUT /user_management/organization_memberships/$om {"role_slugs":["admin","member"]}', 200,
    ({ userManagement }, w) => userManagement.updateOrganizationMembership(w.om, { roleSlugs: ['admin', 'member'] })],
  ['deactivateOrganizationMembership', 'PUT /user_management/organization_memberships/$om/deactivate {}', 200,
    ({ userManagement }, w) => userManagement.deactivateOrganizationMembership(w.om)],
  ['… Python', 'PUT /user_management/organization_memberships/$om/deactivate', 200],
  ['createOrganization', 'POST /organizations {"name":"Acme","external_id":"cust-2"}', 201,
    ({ organizations }) => organizations.createOrganization({ name: 'Acme', externalId: 'cust-2' })],
  ['updateOrganization', 'PUT /organizations/$answer {"name":"A2"}', 200,
    ({ organizations }, w) => organizations.updateOrganization({ organization: w.answer, name: 'A2' })],
  ['listOrganizations', 'GET /organizations?domains=a.com%2Cb.com&order=desc', 200,
    ({ organizations }) => organizations.listOrganizations({ domains: ['a.com', 'b.com'] })],
  ['createGroup', 'POST /organizations/$org/groups {"name":"Eng 2","description":null}', 201,
    ({ groups }, w) => groups.createGroup({ organizationId: w.org, name: 'Eng 2' })],
  ['… Node 9', 'POST /organizations/$org/groups {"name":"Eng 3"}', 201],
  ['addOrganizationMembership', 'POST /organizations/$org/groups/$group/organization-memberships {"organization_membership_id":"$om"}', 200,
    ({ groups }, w) => groups.addOrganizationMembership({ organizationId: w.org, groupId: w.group, organizationMembershipId: w.om })],
  ['deleteResource', `DELETE ${A}/resources/$workspace?cascade_delete=true`, 204,
    ({ authorization }, w) => authorization.deleteResource({ resourceId: w.workspace, cascadeDelete: true })],
  ['… Python', `DELETE ${A}/organizations/$org/resources/workspace/w9?cascade_delete=false`, 204],
  ['JWKS', 'GET /sso/jwks/client_default', 200],
];

describe('requests as clients send them', () => {
  let w, workos;

  before(async () => {
    w = await world();
    workos = w.server.workos(NODE);
  });
  afterEach(() => w.server.conforms());
  after(() => w?.server.stop());

  for (const [name, template, status, call] of ROWS) {
    it(`${name}: ${template}`, async () => {
      if (!call) {
        const answer = await send(w, template);
        assert.equal(answer.status, status, JSON.stringify(answer.body));
        return;
      }
      const { method, path, body } = written(w, template);
      const answer = await call(workos, w);
      const sent = w.server.proxy.requests.at(-1);
      assert.deepEqual([sent.method, sent.path, sent.status], [method, path, status]);
      assert.deepEqual(sent.body && JSON.parse(sent.body), body && JSON.parse(body));
      if (answer?.id) w.answer = answer.id;
    });
  }
});
