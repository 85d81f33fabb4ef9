// The row-level-security tutorial: its schema through the command line, its code through the Node SDK.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

import { startServer } from '../../server.mjs';
import { ticketing } from './app.mjs';

describe('ticketing', () => {
  let server, app, fga;
  const tickets = {};
  const [acme, globex] = [{ id: 'acme' }, { id: 'globex' }];
  const titles = async (userId) => (await app.listTickets(userId)).map((ticket) => ticket.title).sort();
  const views = async (userId, ticket) => {
    const subject = { resourceType: 'user', resourceId: userId };
    const resource = { resourceType: 'ticket', resourceId: ticket.id };
    return (await fga.check({ checks: [{ resource, relation: 'viewer', subject }] })).isAuthorized();
  };

  before(async () => {
    server = await startServer();
    await server.cli('schema', 'apply', fileURLToPath(new URL('schema.txt', import.meta.url)));
    const workos = server.sdk();
    app = ticketing(workos);
    fga = workos.fga;

    await app.join(acme, 'admin', 'admin');
    await app.join(acme, 'agent', 'agent');
    await app.join(acme, 'member', 'member');
    await app.join(globex, 'other', 'member');
    for (const [title, org, userId] of [
      ['printer', acme, 'member'],
      ['keyboard', acme, 'visitor'],
      ['screen', globex, 'other'],
    ]) {
      const details = { title, description: `About a ${title}`, orgId: org.id, userId };
      tickets[title] = await app.createTicket(details);
      await app.setUpPermissions(tickets[title], userId, org.id);
    }
  });
  after(() => server?.stop());

  it('admins, agents and members of an organization see its tickets', async () => {
    for (const userId of ['admin', 'agent', 'member']) {
      assert.deepEqual(await titles(userId), ['keyboard', 'printer'], userId);
    }
    assert.deepEqual(await titles('other'), ['screen']);
  });

  it('a customer sees what they created', async () => {
    assert.deepEqual(await titles('visitor'), ['keyboard']);
  });

  it('an assignee sees the ticket from then on', async () => {
    assert.deepEqual(await titles('helper'), []);
    await fga.writeWarrant({
      resource: { resourceType: 'ticket', resourceId: tickets.screen.id },
      relation: 'assignee',
      subject: { resourceType: 'user', resourceId: 'helper' },
    });
    assert.deepEqual(await titles('helper'), ['screen']);
  });

  it('filtering afterwards gives the same as filtering before', async () => {
    for (const userId of ['admin', 'agent', 'member', 'other', 'visitor', 'helper', 'nobody']) {
      const kept = [];
      for (const ticket of Object.values(tickets)) {
        if (await views(userId, ticket)) kept.push(ticket.title);
      }
      assert.deepEqual(kept.sort(), await titles(userId), userId);
    }
  });

  it('who leaves the organization sees its tickets no more', async () => {
    await fga.writeWarrant({
      op: 'delete',
      resource: { resourceType: 'organization', resourceId: acme.id },
      relation: 'agent',
      subject: { resourceType: 'user', resourceId: 'agent' },
    });
    assert.deepEqual(await titles('agent'), []);
    assert.deepEqual(await titles('admin'), ['keyboard', 'printer']);
  });
});
