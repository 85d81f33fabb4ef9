// What the API's documentation leaves open, as `docs/authorization.md` decides it; and which of two mistakes a request is told about.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { send, world } from './world.mjs';

const A = '/authorization';
const OM = `${A}/organization_memberships/$om`;
const MEMBERSHIPS = '/user_management/organization_memberships';
const target = (type, id) => `"resource_type_slug":"${type}","resource_external_id":"${id}"`;

const code = (wanted) => ({ body }) => assert.equal(body.code, wanted);
const authorized = (wanted) => ({ body }) => assert.deepEqual(body, { authorized: wanted });
const slugs = (...wanted) => ({ body }) => assert.deepEqual(body.data.map((one) => one.role?.slug ?? one.external_id), wanted);
const invalid = code('invalid_request_parameters');
const missing = code('entity_not_found');

/** In order: the case, the request, the status, and what the answer must be. */
const OPEN = [
  ['assign', `POST ${OM}/role_assignments {"role_slug":"editor","resource_id":"$project"}`, 201, ({ body }, w) => (w.first = body.id)],
  ['assign once more: the same assignment', `POST ${OM}/role_assignments {"role_slug":"editor",${target('project', 'e1')}}`, 201,
    ({ body }, w) => assert.equal(body.id, w.first)],
  ['check', `POST ${OM}/check {"permission_slug":"project:edit","resource_id":"$project"}`, 200, authorized(true)],
  ['check: unknown permission', `POST ${OM}/check {"permission_slug":"no:such","resource_id":"$project"}`, 200, authorized(false)],
  ['check: unknown resource', `POST ${OM}/check {"permission_slug":"project:edit",${target('project', 'nothing')}}`, 404, missing],
  ['check: unknown type', `POST ${OM}/check {"permission_slug":"project:edit",${target('nothing', 'e1')}}`, 404, missing],
  ['check: resource of another organization', `POST ${OM}/check {"permission_slug":"project:edit","resource_id":"$foreign"}`, 404, missing],
  ['check: the resource named twice', `POST ${OM}/check {"permission_slug":"project:edit","resource_id":"$project",${target('project', 'e1')}}`, 422, invalid],
  ['check: the organization by its id', `POST ${OM}/check {"permission_slug":"org:manage",${target('organization', '$org')}}`, 200, authorized(false)],
  ['check: the organization by its external id', `POST ${OM}/check {"permission_slug":"org:manage",${target('organization', 'cust-1')}}`, 200, authorized(false)],
  ['deactivate', `PUT ${MEMBERSHIPS}/$om/deactivate`, 200, ({ body }) => assert.equal(body.status, 'inactive')],
  ['check by an inactive membership', `POST ${OM}/check {"permission_slug":"project:edit","resource_id":"$project"}`, 200, authorized(false)],
  ['resources of an inactive membership', `GET ${OM}/resources?permission_slug=project:edit&parent_resource_id=$workspace`, 200, slugs()],
  ['effective permissions of an inactive membership', `GET ${OM}/resources/$project/permissions`, 200, slugs()],
  ['memberships of a resource, without inactive ones', `GET ${A}/resources/$project/organization_memberships?permission_slug=project:edit&assignment=indirect`, 200, slugs()],
  ['assign to an inactive membership', `POST ${OM}/role_assignments {"role_slug":"viewer","resource_id":"$project"}`, 201, () => {}],
  ['reactivate', `PUT ${MEMBERSHIPS}/$om/reactivate`, 200, ({ body }) => assert.equal(body.status, 'active')],
  ['everything is back', `GET ${OM}/role_assignments?order=asc`, 200, slugs('member', 'editor', 'viewer')],
  ['lists are newest first', `GET ${OM}/role_assignments`, 200, slugs('viewer', 'editor', 'member')],
  ['assign: role of another type', `POST ${OM}/role_assignments {"role_slug":"editor","resource_id":"$workspace"}`, 422, code('invalid_role')],
  ['assign: unknown role', `POST ${OM}/role_assignments {"role_slug":"nothing","resource_id":"$project"}`, 404, missing],
  ['assign: role of another organization', `POST ${OM}/role_assignments {"role_slug":"org-theirs",${target('organization', 'cust-1')}}`, 404, missing],
  ['remove: nothing matches', `DELETE ${OM}/role_assignments {"role_slug":"viewer",${target('workspace', 'w1')}}`, 404, missing],
  ['a role on the organization', `PUT ${MEMBERSHIPS}/$om {"role_slug":"admin"}`, 200, () => {}],
  ['remove the last role on the organization', `DELETE ${OM}/role_assignments {"role_slug":"admin",${target('organization', 'cust-1')}}`, 204, () => {}],
  ['… the default role takes its place', `GET ${MEMBERSHIPS}/$om`, 200, ({ body }) => assert.deepEqual(body.roles, [{ slug: 'member' }])],
  ['create: parent of a wrong type', `POST ${A}/resources {"organization_id":"$org","resource_type_slug":"workspace","external_id":"w2","name":"N","parent_resource_id":"$project"}`, 422, () => {}],
  ['create: no parent where the organization is none', `POST ${A}/resources {"organization_id":"$org","resource_type_slug":"project","external_id":"p2","name":"N"}`, 422, () => {}],
  ['create: parent in another organization', `POST ${A}/resources {"organization_id":"$org","resource_type_slug":"project","external_id":"p2","name":"N","parent_resource_id":"$foreign"}`, 404, missing],
  ['create: unknown type', `POST ${A}/resources {"organization_id":"$org","resource_type_slug":"nothing","external_id":"p2","name":"N"}`, 404, missing],
  ['move under itself', `PATCH ${A}/resources/$project {"parent_resource_id":"$project"}`, 422, () => {}],
  ['move under what is below it', `PATCH ${A}/resources/$workspace {"parent_resource_id":"$project"}`, 422, () => {}],
  ['create an organization as a resource', `POST ${A}/resources {"organization_id":"$org","resource_type_slug":"organization","external_id":"x","name":"N"}`, 400, code('bad_request')],
  ['the organization as a resource', `GET ${A}/organizations/$org/resources/organization/cust-1`, 200,
    ({ body }) => assert.deepEqual([body.external_id, body.parent_resource_id], ['cust-1', null])],
  ['change it as a resource', `PATCH ${A}/resources/$answer {"name":"N"}`, 400, code('bad_request')],
  ['delete it as a resource', `DELETE ${A}/resources/$answer?cascade_delete=true`, 400, code('bad_request')],
  ['a resource without a parent is under the organization', `GET ${A}/resources/$workspace`, 200, ({ body }, w) => assert.equal(body.parent_resource_id, w.root)],
  ['the organization is not listed', `GET ${A}/resources?organization_id=$org`, 200, slugs('e1', 'w1')],
  ['… unless it is asked for', `GET ${A}/resources?organization_id=$org&resource_type_slug=organization`, 200, slugs('cust-1')],
  ['list everything', `GET ${A}/resources`, 400, code('missing_organization_id_or_resource_type_slug')],
  ['unknown permissions of a role', `PUT ${A}/roles/viewer/permissions {"permissions":["project:view","no:such"]}`, 422,
    ({ body }) => assert.match(body.message, /no:such/)],
  ['a permission of a type above', `PUT ${A}/roles/viewer/permissions {"permissions":["workspace:view"]}`, 422, () => {}],
  ['a role of the environment that looks like one of an organization', `POST ${A}/roles {"slug":"org-x","name":"X"}`, 422, () => {}],
  ['a role of an organization that does not', `POST ${A}/organizations/$org/roles {"slug":"x","name":"X"}`, 422, () => {}],
  ['change a role of the environment through an organization', `PATCH ${A}/organizations/$org/roles/admin {"name":"X"}`, 400, code('bad_request')],
  ['delete a permission in use', `DELETE ${A}/permissions/project:edit`, 204, () => {}],
  ['… roles carry it no more', `GET ${A}/roles/editor`, 200, ({ body }) => assert.deepEqual(body.permissions, ['project:view'])],
  ['who has a permission: direct is the default', `GET ${A}/resources/$project/organization_memberships?permission_slug=org:manage`, 200, slugs()],
  ['a second membership', `POST ${MEMBERSHIPS} {"user_id":"$user","organization_id":"$org"}`, 409, code('user_already_organization_member')],
];

const TYPES = '/rowgate/v1/authorization/types';
const types = (...pairs) => JSON.stringify({ types: pairs.map(([slug, parent]) => ({ slug, parents: [parent] })) });
const level = (depth) => `level-${depth}`;
const deep = (depth) => types(...Array.from({ length: depth }, (_, at) => [level(at + 1), at ? level(at) : 'organization']));
const unchanged = ({ body }, w) => (w.types ? assert.deepEqual(body, w.types) : (w.types = body));

/** Types that cannot be nested so: refused, and nothing changed. */
const NESTED = [
  ['the types', `GET ${TYPES}`, 200, unchanged],
  ['under itself', `PUT ${TYPES} ${types(['a', 'a'])}`, 422, () => {}],
  ['in a circle', `PUT ${TYPES} ${types(['a', 'b'], ['b', 'a'])}`, 422, () => {}],
  ['in a circle with what is there', `PUT ${TYPES} ${types(['workspace', 'app'])}`, 422, () => {}],
  ['under nothing', `PUT ${TYPES} ${types(['a', 'none'])}`, 422, () => {}],
  ['too deep', `PUT ${TYPES} ${deep(40)}`, 422, () => {}],
  ['the types are as they were', `GET ${TYPES}`, 200, unchanged],
];

/** In the order in which requests are looked at: of two mistakes the first one is told. */
const ORDER = [
  ['the key, then the thing', `POST ${A}/organization_memberships/om_nobody/check {}`, 401, () => {}, { Authorization: 'Bearer sk_wrong' }],
  ['the thing, then the fields', `POST ${A}/organization_memberships/om_nobody/check {}`, 404, missing],
  ['the fields, then what they name', `POST ${OM}/role_assignments {"role_slug":"nothing"}`, 422, invalid],
  ['all fields at once', `POST ${A}/resources {"name":7}`, 422,
    ({ body }) => assert.deepEqual(body.errors.map((error) => error.field), ['external_id', 'name', 'resource_type_slug', 'organization_id'])],
  ['what they name, then where it is', `POST ${OM}/role_assignments {"role_slug":"nothing","resource_id":"$foreign"}`, 404, missing],
  ['where it is, then its type', `POST ${OM}/role_assignments {"role_slug":"viewer","resource_id":"$theirs"}`, 404, missing],
  ['its type, then whether it is there', `POST ${A}/resources {"organization_id":"$org","resource_type_slug":"project","external_id":"e1","name":"N","parent_resource_id":"$project"}`, 422, () => {}],
  ['whether it is there', `POST ${A}/resources {"organization_id":"$org","resource_type_slug":"project","external_id":"e1","name":"N","parent_resource_id":"$workspace"}`, 409,
    code('authorization_resource_external_id_conflict')],
];

function table(title, rows) {
  describe(title, () => {
    let w;
    before(async () => {
      w = await world();
      w.theirs = await w.resource(w.other, 'workspace', 'w1');
      w.foreign = await w.resource(w.other, 'project', 'e1', w.theirs);
      await w.make(`${A}/organizations/${w.other}/roles`, { slug: 'org-theirs', name: 'Theirs' });
    });
    afterEach(() => w.server.conforms());
    after(() => w?.server.stop());
    for (const [name, template, status, check, headers] of rows) {
      it(`${name}: ${status}`, async () => {
        const answer = await send(w, template, headers);
        assert.equal(answer.status, status, JSON.stringify(answer.body));
        check(answer, w);
      });
    }
  });
}

table('what is left open', OPEN);
table('types that cannot be nested so', NESTED);
table('which mistake is told', ORDER);
