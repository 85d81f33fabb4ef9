// Where Rowgate is not as the published document says, and why. `docs/authorization.md` has the same list. Every entry has an example: a
// request, as `world.mjs` writes them, whose answer needs the entry. One that needs it no more fails `departures.test.mjs`.

/** Operations that the document lacks and clients call. `like` is the operation of the document whose answers they have, if there is one. */
export const ADDITIONS = [
  {
    operation: 'GET /organizations/{organization_id}/roles',
    like: 'GET /authorization/organizations/{organizationId}/roles',
    why: 'Node 8 calls it',
    example: 'GET /organizations/$org/roles',
  },
  {
    operation: 'GET /authorization/resources/{resource_id}/organization_memberships/{organization_membership_id}/permissions',
    like: 'GET /authorization/organization_memberships/{organization_membership_id}/resources/{resource_id}/permissions',
    why: 'Node calls it for listEffectivePermissions',
    example: 'GET /authorization/resources/$project/organization_memberships/$om/permissions',
  },
  {
    operation: 'GET /authorization/resources/{resource_id}/role_assignments',
    like: 'GET /authorization/organization_memberships/{organization_membership_id}/role_assignments',
    why: 'newer than the document',
    example: 'GET /authorization/resources/$project/role_assignments',
  },
  {
    operation: 'GET /authorization/organizations/{organization_id}/resources/{resource_type_slug}/{external_id}/role_assignments',
    like: 'GET /authorization/organization_memberships/{organization_membership_id}/role_assignments',
    why: 'newer than the document',
    example: 'GET /authorization/organizations/$org/resources/project/e1/role_assignments',
  },
  {
    operation: 'PATCH /organizations/{organization_id}/groups/{group_id}/organization-memberships',
    like: 'PATCH /organizations/{organizationId}/groups/{groupId}',
    why: 'newer than the document',
    example: 'PATCH /organizations/$org/groups/$group/organization-memberships {"add":["$om"]}',
  },
  {
    operation: 'GET /authorization/groups/{group_id}/role_assignments',
    why: 'newer than the document',
    example: 'GET /authorization/groups/$group/role_assignments',
  },
  {
    operation: 'POST /authorization/groups/{group_id}/role_assignments',
    why: 'newer than the document',
    example: 'POST /authorization/groups/$group/role_assignments {"role_slug":"admin"}',
  },
  {
    operation: 'GET /authorization/groups/{group_id}/role_assignments/{role_assignment_id}',
    why: 'newer than the document',
    example: 'GET /authorization/groups/$group/role_assignments/$answer',
  },
  {
    operation: 'PUT /authorization/groups/{group_id}/role_assignments',
    why: 'newer than the document',
    example: 'PUT /authorization/groups/$group/role_assignments {"role_assignments":[]}',
  },
  {
    operation: 'PATCH /authorization/groups/{group_id}/role_assignments',
    why: 'newer than the document',
    example: 'PATCH /authorization/groups/$group/role_assignments {"add":[{"role_slug":"admin"}]}',
  },
  {
    operation: 'DELETE /authorization/groups/{group_id}/role_assignments',
    why: 'newer than the document',
    example: 'DELETE /authorization/groups/$group/role_assignments {"role_slug":"admin"}',
  },
  {
    operation: 'DELETE /authorization/groups/{group_id}/role_assignments/{role_assignment_id}',
    why: 'newer than the document',
    example: 'DELETE /authorization/groups/$group/role_assignments/none',
  },
];

/** Answers that the document describes otherwise. `operation`, `status` and `at` narrow an entry down; `keyword` is what fails. */
export const DEPARTURES = [
  {
    status: 401,
    keyword: 'status',
    why: 'no operation of the document says what a missing or wrong key gets; every client has an exception for 401',
    example: 'GET /authorization/roles',
    headers: { Authorization: 'Bearer sk_wrong' },
  },
  {
    operation: 'POST /user_management/organization_memberships',
    status: 409,
    keyword: 'status',
    why: 'a second membership of a user: the document has the code for invitations only',
    example: 'POST /user_management/organization_memberships {"user_id":"$user","organization_id":"$org"}',
  },
  {
    operation: 'GET /authorization/resources',
    status: 400,
    keyword: 'status',
    why: 'a list without a filter: newer than the document',
    example: 'GET /authorization/resources',
  },
  {
    operation: 'GET /authorization/permissions',
    status: 422,
    keyword: 'status',
    why: 'a limit or a cursor that is none: other lists of the document have 422',
    example: 'GET /authorization/permissions?limit=1000',
  },
  ...['PATCH', 'DELETE'].flatMap((method) =>
    ['/authorization/resources/{resource_id}', '/authorization/organizations/{organization_id}/resources/{resource_type_slug}/{external_id}'].map(
      (path) => ({
        operation: `${method} ${path}`,
        status: 400,
        at: '/code',
        keyword: 'const',
        why: 'an organization as a resource cannot be changed: `bad_request`, where the document has the code of a lock only',
        example: `${method} ${path.replace('{resource_id}', '$root').replace('{organization_id}', '$org').replace('{resource_type_slug}', 'organization').replace('{external_id}', '$org')}`,
      }),
    ),
  ),
];
