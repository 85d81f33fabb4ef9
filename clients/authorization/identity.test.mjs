// Every method that the SDK has for organizations, users, memberships, groups and keys, in every version; what Rowgate is not for is in
// `not-for.json`.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { NOT_FOR, Watched } from './methods.mjs';
import { CLIENT_ID, SDKS, failure, rows, start, versions } from './server.mjs';

const MODULES = ['organizations', 'userManagement', 'groups'];
const PASSWORD = 'a password of at least thirty-two characters';

const slugs = (membership) => membership.roles.map((role) => role.slug);

versions('identities', (version) => {
  let server, watched, organizations, users, groups, org, ann, om;
  const since = (first, name, run) => it(name, { skip: version < first && `not in version ${version}` }, run);

  before(async () => {
    server = await start();
    watched = new Watched(server.workos(version), MODULES);
    ({ organizations, userManagement: users, groups } = watched);
  });
  afterEach(() => server.conforms());
  after(() => server?.stop());

  it('keeps organizations', async () => {
    org = await organizations.createOrganization({
      name: 'Acme',
      externalId: 'cust-1',
      metadata: { plan: 'team' },
      domainData: [{ domain: 'acme.example', state: 'verified' }],
    });
    assert.match(org.id, /^org_[0-9A-Z]{26}$/);
    assert.deepEqual([org.name, org.externalId, org.metadata], ['Acme', 'cust-1', { plan: 'team' }]);
    assert.deepEqual([org.domains[0].domain, org.domains[0].state], ['acme.example', 'verified']);
    assert.deepEqual(await organizations.getOrganization(org.id), org);
    assert.deepEqual(await organizations.getOrganizationByExternalId('cust-1'), org);
    const changed = await organizations.updateOrganization({ organization: org.id, name: 'Acme 2', metadata: { seats: '5' } });
    assert.deepEqual([changed.name, changed.externalId, changed.metadata], ['Acme 2', 'cust-1', { plan: 'team', seats: '5' }]);
    const other = await organizations.createOrganization({ name: 'Other' });
    assert.deepEqual((await rows(organizations.listOrganizations())).map((one) => one.id), [other.id, org.id]);
    const found = await rows(organizations.listOrganizations({ domains: ['acme.example', 'b.example'] }));
    assert.deepEqual(found.map((one) => one.id), [org.id]);
    const taken = await failure(() => organizations.createOrganization({ name: 'B', externalId: 'cust-1' }));
    assert.deepEqual([taken.name, taken.status], ['BadRequestException', 400]);
    await organizations.deleteOrganization(other.id);
    const gone = await failure(() => organizations.getOrganization(other.id));
    assert.equal(gone.name, 'NotFoundException');
    if (organizations.listOrganizationRoles) {
      const roles = await organizations.listOrganizationRoles({ organizationId: org.id });
      assert.equal(roles.data[0].slug, 'admin');
    }
  });

  it('keeps users', async () => {
    ann = await users.createUser({ email: 'ann@example.com', firstName: 'Ann', externalId: 'u-1', metadata: { a: 'b' }, emailVerified: true });
    assert.match(ann.id, /^user_[0-9A-Z]{26}$/);
    assert.deepEqual([ann.email, ann.firstName, ann.lastName, ann.emailVerified], ['ann@example.com', 'Ann', null, true]);
    assert.deepEqual(await users.getUser(ann.id), ann);
    assert.deepEqual(await users.getUserByExternalId('u-1'), ann);
    const changed = await users.updateUser({ userId: ann.id, lastName: 'Arbor' });
    assert.deepEqual([changed.firstName, changed.lastName, changed.externalId], ['Ann', 'Arbor', 'u-1']);
    const bob = await users.createUser({ email: 'bob@example.com' });
    assert.deepEqual((await rows(users.listUsers())).map((one) => one.id), [bob.id, ann.id]);
    assert.deepEqual((await rows(users.listUsers({ email: 'ANN@example.com' }))).map((one) => one.id), [ann.id]);
    const again = await failure(() => users.createUser({ email: 'ann@example.com' }));
    assert.deepEqual([again.name, again.status], ['BadRequestException', 400]);
    const password = await failure(() => users.createUser({ email: 'c@example.com', password: 'secret' }));
    assert.equal(password.name, 'UnprocessableEntityException');
    await users.deleteUser(bob.id);
    assert.equal((await failure(() => users.getUser(bob.id))).name, 'NotFoundException');
  });

  it('keeps memberships', async () => {
    om = await users.createOrganizationMembership({ userId: ann.id, organizationId: org.id, roleSlug: 'admin' });
    assert.match(om.id, /^om_[0-9A-Z]{26}$/);
    assert.deepEqual([om.status, om.role.slug, slugs(om)], ['active', 'admin', ['admin']]);
    assert.deepEqual(await users.getOrganizationMembership(om.id), om);
    const changed = await users.updateOrganizationMembership(om.id, { roleSlugs: ['member', 'admin'] });
    assert.deepEqual([changed.role.slug, slugs(changed)], ['admin', ['admin', 'member']]);
    const again = await failure(() => users.createOrganizationMembership({ userId: ann.id, organizationId: org.id }));
    assert.equal(again.name, 'ConflictException');
    assert.equal((await users.deactivateOrganizationMembership(om.id)).status, 'inactive');
    const list = (more) => rows(users.listOrganizationMemberships({ organizationId: org.id, ...more }));
    assert.deepEqual(await list(), []);
    assert.deepEqual((await list({ statuses: ['active', 'inactive'] })).map((one) => one.id), [om.id]);
    const back = await users.reactivateOrganizationMembership(om.id);
    assert.deepEqual([back.status, slugs(back)], ['active', ['admin', 'member']]);
    assert.deepEqual((await list({ userId: ann.id })).map((one) => one.id), [om.id]);
    const scoped = await failure(() => users.updateOrganizationMembership(om.id, { roleSlug: 'viewer' }));
    assert.equal(scoped.name, 'UnprocessableEntityException');
    const neither = await failure(() => users.listOrganizationMemberships({}));
    assert.deepEqual([neither.name, neither.status], ['BadRequestException', 400]);
    await users.deleteOrganizationMembership(om.id);
    assert.equal((await failure(() => users.getOrganizationMembership(om.id))).name, 'NotFoundException');
    om = await users.createOrganizationMembership({ userId: ann.id, organizationId: org.id });
    assert.deepEqual(slugs(om), ['member'], 'the default role');
  });

  since(9, 'keeps groups', async () => {
    const of = { organizationId: org.id };
    const group = await groups.createGroup({ ...of, name: 'Engineering', description: 'Builds' });
    assert.match(group.id, /^group_[0-9A-Z]{26}$/);
    const one = { ...of, groupId: group.id };
    assert.deepEqual(await groups.getGroup(one), group);
    // Some versions clear a description that is left out.
    const changed = await groups.updateGroup({ ...one, name: 'Builders', description: 'Builds more' });
    assert.deepEqual([changed.name, changed.description], ['Builders', 'Builds more']);
    assert.deepEqual((await rows(groups.listGroups(of))).map((found) => found.name), ['Builders']);
    const member = { ...one, organizationMembershipId: om.id };
    assert.equal((await groups.addOrganizationMembership(member)).id, group.id);
    assert.deepEqual((await rows(groups.listOrganizationMemberships(one))).map((found) => found.id), [om.id]);
    const mine = await rows(users.listGroupsForOrganizationMembership({ organizationMembershipId: om.id }));
    assert.deepEqual(mine.map((found) => found.id), [group.id]);
    await groups.removeOrganizationMembership(member);
    assert.deepEqual(await rows(groups.listOrganizationMemberships(one)), []);
    await groups.deleteGroup(one);
    assert.equal((await failure(() => groups.getGroup(one))).name, 'NotFoundException');
  });

  it('gives the keys that tokens and sealed sessions are verified with', async () => {
    const minted = await server.request('POST', '/rowgate/v1/tokens', {
      user: ann.id,
      organization: org.id,
      roles: ['admin'],
      permissions: ['project:view'],
    });
    const accessToken = minted.body.token;
    assert.equal(users.resolveClientId?.(), CLIENT_ID);
    assert.equal(users.getJwksUrl(CLIENT_ID), `${server.proxy.url}/sso/jwks/${CLIENT_ID}`);
    assert.equal(typeof (await users.getJWKS()), 'function');
    assert.equal(await users.isValidJwt(accessToken), true);
    const at = accessToken.lastIndexOf('.') + 10;
    const forged = accessToken.slice(0, at) + (accessToken[at] === 'A' ? 'B' : 'A') + accessToken.slice(at + 1);
    assert.equal(await users.isValidJwt(forged), false);
    const sessionData = await users.sealSessionDataFromAuthenticationResponse({
      authenticationResponse: { accessToken, refreshToken: 'none', user: ann },
      cookiePassword: PASSWORD,
    });
    const sealed = { sessionData, cookiePassword: PASSWORD };
    assert.equal((await users.getSessionFromCookie(sealed)).accessToken, accessToken);
    for (const session of [await users.authenticateWithSessionCookie(sealed), await users.loadSealedSession(sealed).authenticate()]) {
      const { authenticated, sessionId, organizationId, role, roles, permissions } = session;
      assert.deepEqual([authenticated, organizationId, role, roles, permissions], [true, org.id, 'admin', ['admin'], ['project:view']]);
      assert.match(sessionId, /^session_/);
    }
    const unknown = await fetch(users.getJwksUrl('client_nobody'));
    assert.equal(unknown.status, 404);
  });

  it('was asked for every method that this version has, but for what Rowgate is not for', () => {
    assert.ok(watched.methods.length >= 60, `${watched.methods.length} methods`);
    assert.deepEqual(watched.missed, []);
  });
});

describe('not-for.json', () => {
  it('lists methods that a version has, and nothing that Rowgate answers', () => {
    const known = new Set(
      Object.values(SDKS).flatMap((WorkOS) => new Watched(new WorkOS('sk_x'), MODULES).methods),
    );
    const listed = Object.values(NOT_FOR.node).flat();
    assert.deepEqual(listed.filter((method) => !known.has(method)), []);
    assert.equal(new Set(listed).size, listed.length);
  });
});
