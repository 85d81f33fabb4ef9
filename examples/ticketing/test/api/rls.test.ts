// What the database itself lets a user do, without any check in the application.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';

import { WarrantOp } from '@workos-inc/node';
import { Client as PgClient } from 'pg';

import { EXAMPLE } from '../../scripts/places';
import { rowgateBinary } from '../../scripts/rowgate';
import { startStack, type Stack } from '../../scripts/stack';
import type { asUser as AsUser } from '../../lib/database';
import type { fga as Fga } from '../../lib/fga';
import { EXPECTED } from '../expected';

let stack: Stack;
let asUser: typeof AsUser;
let disconnect: () => Promise<void>;
let fga: typeof Fga;

before(async () => {
  stack = await startStack();
  Object.assign(process.env, stack.settings);
  // The generated client is there once the application is built.
  ({ asUser, disconnect } = await import('../../lib/database'));
  ({ fga } = await import('../../lib/fga'));
});
after(async () => {
  await disconnect?.();
  await stack?.stop();
});

const details = { title: 'The door is stuck', description: 'It opens when pushed.' };
const ids = async (userId: string) => {
  const found = await asUser(userId, (database) => database.ticket.findMany({ orderBy: { createdAt: 'desc' } }));
  return found.map((ticket) => ticket.id);
};

/** Asserts that Postgres says no by a policy. */
async function assertRefused(work: Promise<unknown>) {
  await assert.rejects(work, (error: { meta?: { driverAdapterError?: { cause?: { originalCode?: string } } } }) => {
    assert.equal(error.meta?.driverAdapterError?.cause?.originalCode, '42501');
    return true;
  });
}

describe('row-level security', () => {
  it('lets each user read their tickets, by any query', async () => {
    for (const [userId, expected] of Object.entries(EXPECTED)) {
      assert.deepEqual(await ids(userId), expected, userId);
      await asUser(userId, async (database) => {
        assert.equal(await database.ticket.count(), expected.length, userId);
        const [row] = await database.$queryRaw<{ n: bigint }[]>`select count(*) as n from "Ticket"`;
        assert.equal(Number(row?.n), expected.length, userId);
        const filed = await database.user.findMany({ include: { createdTickets: true } });
        assert.equal(filed.flatMap((user) => user.createdTickets).length, expected.length, userId);
      });
    }
  });

  it('lets strangers and hostile names read nothing', async () => {
    for (const stranger of ['eve', '', '*', `' or true --`, '"}', 'ann\u0000', 'ann#member', 'user:ann', 'ANN']) {
      assert.deepEqual(await ids(stranger), [], JSON.stringify(stranger));
    }
  });

  it('keeps nothing of a user after their transaction', async () => {
    assert.equal((await ids('ann')).length, 8);
    assert.deepEqual(await ids('nobody'), []);
  });

  it('lets users file tickets as themselves, where they belong', async () => {
    const file = (userId: string, creatorId: string, orgId: string) =>
      asUser(userId, (database) => database.ticket.create({ data: { ...details, creatorId, orgId } }));
    await assertRefused(file('cleo', 'cleo', 'acme'));
    await assertRefused(file('cleo', 'dan', 'globex'));
    await assertRefused(file('eve', 'cleo', 'globex'));
    const ticket = await file('cleo', 'cleo', 'globex');
    assert.ok((await ids('cleo')).includes(ticket.id));
    assert.ok((await ids('dan')).includes(ticket.id));
    assert.ok(!(await ids('ben')).includes(ticket.id));
    await asUser('ann', (database) => database.ticket.delete({ where: { id: ticket.id } }));
  });

  it('lets editors change tickets, and nobody else', async () => {
    const resolve = (userId: string) =>
      asUser(userId, (database) => database.ticket.updateMany({ data: { status: 'RESOLVED' } })).then(({ count }) => count);
    assert.equal(await resolve('cleo'), 0);
    assert.equal(await resolve('dan'), 0);
    assert.equal(await resolve('eve'), 0);
    assert.equal(await resolve('ben'), 5);
    assert.equal(await resolve('ann'), 8);
  });

  it('does not let an agent move a ticket out of their reach', async () => {
    const change = (data: object) => asUser('ben', (database) => database.ticket.update({ where: { id: 'acme-2' }, data }));
    await assertRefused(change({ orgId: 'globex' }));
    assert.equal((await change({ assigneeId: 'ann' })).assigneeId, 'ann');
  });

  it('lets admins delete tickets, and nobody else', async () => {
    const remove = (userId: string) =>
      asUser(userId, (database) => database.ticket.deleteMany({ where: { id: 'acme-1' } })).then(({ count }) => count);
    for (const userId of ['ben', 'cleo', 'dan', 'eve']) assert.equal(await remove(userId), 0, userId);
    assert.equal(await remove('ann'), 1);
  });
});

describe('rowgate rls verify', () => {
  const rls = (...args: string[]) =>
    spawnSync(rowgateBinary(), ['rls', ...args, '--schema', 'schema.txt', '--bindings', 'rowgate.toml'], {
      cwd: EXAMPLE,
      env: { ...process.env, ROWGATE_PG_URL: stack.databaseUrl },
      encoding: 'utf8',
    });
  const codes = (stdout: string) => {
    const { findings } = JSON.parse(stdout) as { findings: { code: string }[] };
    return findings.map(({ code }) => code);
  };

  it('finds nothing wrong with what was applied', () => {
    const { status, stdout, stderr } = rls('verify', '--json');
    const { errors } = JSON.parse(stdout) as { errors: number };
    assert.equal(errors, 0, stdout);
    assert.equal(status, 0, stderr);
    assert.deepEqual(codes(stdout).filter((code) => /^(policy|function)_/.test(code)), [], stdout);
  });

  it('finds a policy that somebody opened, and apply closes it', async () => {
    const client = new PgClient({ connectionString: stack.databaseUrl });
    await client.connect();
    try {
      await client.query('alter policy rowgate_select on "Ticket" using (true)');
    } finally {
      await client.end();
    }
    const { status, stdout } = rls('verify', '--json');
    assert.equal(status, 1);
    assert.ok(codes(stdout).includes('policy_changed'), stdout);
    const applied = rls('apply', '--keep-existing');
    assert.equal(applied.status, 0, applied.stderr);
    const again = rls('verify', '--json');
    assert.equal(again.status, 0, again.stdout);
  });
});

describe('grants', () => {
  it('hold in the transaction that makes them, and go when it is rolled back', async () => {
    const rolledBack = new Error('rolled back');
    await assert.rejects(
      asUser('cleo', async (database) => {
        assert.equal(await database.ticket.count(), EXPECTED.cleo?.length);
        await database.$queryRaw`select rowgate.create_warrant('organization:globex', 'member', 'user:cleo')`;
        assert.equal(await database.ticket.count(), EXPECTED.dan?.length);
        throw rolledBack;
      }),
      rolledBack,
    );
    assert.deepEqual(await ids('cleo'), EXPECTED.cleo);
  });

  it('are not written to a relation that is a column', async () => {
    const resource = { resourceType: 'ticket', resourceId: 'globex-1' };
    const subject = { resourceType: 'user', resourceId: 'eve' };
    await assert.rejects(fga().writeWarrant({ resource, relation: 'creator', subject }), /creatorId/);
    assert.deepEqual(await ids('eve'), []);
  });

  it('share one ticket by a warrant, because `viewer` is no column', async () => {
    const resource = { resourceType: 'ticket', resourceId: 'globex-1' };
    const subject = { resourceType: 'user', resourceId: 'eve' };
    await fga().writeWarrant({ resource, relation: 'viewer', subject });
    assert.deepEqual(await ids('eve'), ['globex-1']);
    await fga().writeWarrant({ op: WarrantOp.Delete, resource, relation: 'viewer', subject });
    assert.deepEqual(await ids('eve'), []);
  });
});
