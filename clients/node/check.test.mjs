import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';

import { CheckOp, CheckResult, NotFoundException } from '@workos-inc/node';

import { startServer } from '../server.mjs';

describe('check', () => {
  let server, fga, token;
  const thing = (resourceType) => (resourceId) => ({ resourceType, resourceId });
  const [document, folder, user] = ['document', 'folder', 'user'].map(thing);
  const ask = (resource, relation, subject, context) => ({ resource, relation, subject, context });

  before(async () => {
    server = await startServer();
    await server.applySchema(await readFile(new URL('../schema.txt', import.meta.url), 'utf8'));
    fga = server.sdk().fga;
    const written = await fga.batchWriteWarrants([
      { resource: document('plan'), relation: 'owner', subject: user('ann') },
      { resource: document('plan'), relation: 'viewer', subject: user('vic') },
      { resource: document('plan'), relation: 'parent', subject: folder('top') },
      { resource: folder('top'), relation: 'viewer', subject: user('fay') },
      { resource: document('plan'), relation: 'viewer', subject: user('con'), policy: 'region == "eu"' },
      { resource: document('plan'), relation: 'blocked', subject: user('vic') },
    ]);
    token = written.warrantToken;
  });
  after(() => server?.stop());

  it('answers with every field the client reads', async () => {
    const answer = await fga.check({ checks: [ask(document('plan'), 'owner', user('ann'))] });
    assert.ok(answer instanceof CheckResult);
    assert.equal(answer.result, 'authorized');
    assert.equal(answer.isAuthorized(), true);
    assert.equal(answer.isImplicit, false);
    assert.equal(typeof answer.warrantToken, 'string');
    assert.ok(answer.warrantToken.length > 0);
    assert.equal(answer.debugInfo, undefined);
    assert.equal(answer.warnings, undefined);
  });

  it('says when rules were needed', async () => {
    const implicit = await fga.check({ checks: [ask(document('plan'), 'viewer', user('ann'))] });
    assert.deepEqual([implicit.result, implicit.isImplicit], ['authorized', true]);
    const inherited = await fga.check({ checks: [ask(document('plan'), 'viewer', user('fay'))] });
    assert.deepEqual([inherited.result, inherited.isImplicit], ['authorized', true]);
  });

  it('takes an application\'s own object as the subject', async () => {
    class User {
      getResourceType = () => 'user';
      getResourceId = () => 'ann';
    }
    const answer = await fga.check({ checks: [ask(document('plan'), 'owner', new User())] });
    assert.ok(answer.isAuthorized());
  });

  it('says no', async () => {
    const answer = await fga.check({ checks: [ask(document('plan'), 'editor', user('vic'))] });
    assert.equal(answer.result, 'not_authorized');
    assert.equal(answer.isAuthorized(), false);
    assert.equal(answer.isImplicit, false);
    // Neither the resource nor the subject has to exist.
    const nobody = await fga.check({ checks: [ask(document('unheard-of'), 'editor', user('nobody'))] });
    assert.equal(nobody.isAuthorized(), false);
  });

  it('honours none_of', async () => {
    const answers = await fga.checkBatch({
      checks: [ask(document('plan'), 'read', user('vic')), ask(document('plan'), 'read', user('ann'))],
    });
    assert.deepEqual(
      answers.map((answer) => answer.isAuthorized()),
      [false, true],
    );
  });

  it('any_of and all_of', async () => {
    const yes = ask(document('plan'), 'viewer', user('vic'));
    const no = ask(document('plan'), 'editor', user('vic'));
    const one = async (op, checks) => (await fga.check({ op, checks })).isAuthorized();
    assert.equal(await one(CheckOp.AnyOf, [no, yes]), true);
    assert.equal(await one(CheckOp.AnyOf, [no, no]), false);
    assert.equal(await one(CheckOp.AllOf, [yes, yes]), true);
    assert.equal(await one(CheckOp.AllOf, [yes, no]), false);
    await assert.rejects(fga.check({ checks: [yes, no] }), (error) => {
      assert.deepEqual([error.status, error.rawData.code, error.rawData.parameter], [400, 'invalid_parameter', 'op']);
      return true;
    });
  });

  it('a batch has an answer for each check, in order', async () => {
    const relations = ['owner', 'editor', 'viewer', 'approve', 'blocked'];
    const answers = await fga.checkBatch({ checks: relations.map((r) => ask(document('plan'), r, user('ann'), { amount: 1 })) });
    assert.ok(answers.every((answer) => answer instanceof CheckResult));
    assert.deepEqual(
      answers.map((answer) => answer.result),
      ['authorized', 'authorized', 'authorized', 'authorized', 'not_authorized'],
    );
    assert.deepEqual(
      answers.map((answer) => answer.isImplicit),
      [false, true, true, true, false],
    );
    assert.equal(new Set(answers.map((answer) => answer.warrantToken)).size, 1);
  });

  it('warrant policies see the context', async () => {
    const viewer = async (context) =>
      (await fga.check({ checks: [ask(document('plan'), 'viewer', user('con'), context)] })).result;
    assert.equal(await viewer({ region: 'eu' }), 'authorized');
    assert.equal(await viewer({ region: 'us' }), 'not_authorized');
    assert.equal(await viewer({ region: 5 }), 'not_authorized');
    assert.equal(await viewer(undefined), 'not_authorized');
  });

  it('schema policies see their parameters', async () => {
    const approve = (context) => fga.check({ checks: [ask(document('plan'), 'approve', user('ann'), context)] });
    assert.equal((await approve({ amount: 100 })).result, 'authorized');
    assert.equal((await approve({ amount: 101 })).result, 'not_authorized');
  });

  it('names the context that is missing', async () => {
    const answer = await fga.check({ checks: [ask(document('plan'), 'approve', user('ann'))] });
    assert.equal(answer.result, 'not_authorized');
    assert.equal(answer.warnings.length, 1);
    const [warning] = answer.warnings;
    assert.equal(warning.code, 'missing_context_keys');
    assert.deepEqual(warning.keys, ['amount']);
    assert.ok(warning.message.includes('amount'));
    // Where the context makes no difference nothing is missing.
    const outsider = await fga.check({ checks: [ask(document('plan'), 'approve', user('vic'))] });
    assert.equal(outsider.warnings, undefined);
  });

  it('explains itself', async () => {
    const context = { amount: 7 };
    const answer = await fga.check({ checks: [ask(document('plan'), 'viewer', user('fay'), context)], debug: true });
    assert.ok(Number.isInteger(answer.debugInfo.processingTime));
    const nodes = [];
    (function walk(node) {
      nodes.push(node);
      assert.ok(Number.isInteger(node.processingTime));
      assert.ok(['matched', 'not_matched', 'eval_policy'].includes(node.decision), node.decision);
      assert.ok(Array.isArray(node.children));
      node.children.forEach(walk);
    })(answer.debugInfo.decisionTree);
    const [root] = nodes;
    assert.deepEqual(root.check, { resource: document('plan'), relation: 'viewer', subject: user('fay'), context });
    assert.equal(root.decision, 'matched');
    const far = nodes.find((node) => node.check.resource.resourceType === 'folder' && node.check.relation === 'viewer');
    assert.equal(far.decision, 'matched');
    assert.deepEqual(far.check.subject, user('fay'));
  });

  it('explains policies and refusals', async () => {
    const tree = async (check) => (await fga.check({ checks: [check], debug: true })).debugInfo.decisionTree;
    const flat = (node) => [node, ...node.children.flatMap(flat)];
    const conditional = await tree(ask(document('plan'), 'viewer', user('con'), { region: 'us' }));
    assert.equal(conditional.decision, 'not_matched');
    assert.ok(flat(conditional).some((node) => node.policy === 'region == "eu"'));
    const refused = await tree(ask(document('plan'), 'editor', user('vic')));
    assert.equal(refused.decision, 'not_matched');
  });

  it('explains each check of a batch', async () => {
    const checks = ['owner', 'viewer'].map((relation) => ask(document('plan'), relation, user('ann')));
    const answers = await fga.checkBatch({ checks, debug: true });
    assert.deepEqual(
      answers.map((answer) => answer.debugInfo.decisionTree.check.relation),
      ['owner', 'viewer'],
    );
  });

  it('reads at the head, at a token, and refuses what is not one', async () => {
    const checks = [ask(document('plan'), 'owner', user('ann'))];
    assert.ok((await fga.check({ checks }, { warrantToken: 'latest' })).isAuthorized());
    assert.ok((await fga.check({ checks }, { warrantToken: token })).isAuthorized());
    assert.ok((await fga.checkBatch({ checks }, { warrantToken: token }))[0].isAuthorized());
    await assert.rejects(fga.check({ checks }, { warrantToken: 'nonsense' }), (error) => {
      assert.deepEqual([error.status, error.rawData.code], [400, 'invalid_parameter']);
      assert.equal(error.rawData.parameter, 'Warrant-Token');
      return true;
    });
  });

  it('sees a write at once', async () => {
    const checks = [ask(document('new'), 'viewer', user('ann'))];
    const tuple = { resource: document('new'), relation: 'viewer', subject: user('ann') };
    for (let round = 0; round < 5; round += 1) {
      const created = await fga.writeWarrant(tuple);
      const seen = await fga.check({ checks }, created);
      assert.ok(seen.isAuthorized());
      await fga.writeWarrant({ op: 'delete', ...tuple });
      assert.ok(!(await fga.check({ checks })).isAuthorized());
    }
  });

  it('an unknown type is an error, an unknown relation is a no', async () => {
    const subject = user('ann');
    await assert.rejects(
      fga.check({ checks: [ask({ resourceType: 'planet', resourceId: 'mars' }, 'viewer', subject)] }),
      (error) => error instanceof NotFoundException && error.code === 'not_found' && error.message.includes('planet'),
    );
    const unknown = await fga.check({ checks: [ask(document('plan'), 'astronaut', subject)] });
    assert.equal(unknown.result, 'not_authorized');
  });

  it('refuses a request without checks or with too many', async () => {
    await assert.rejects(fga.check({ checks: [] }), (error) => error.status === 400);
    const one = ask(document('plan'), 'owner', user('ann'));
    const many = (count) => Array.from({ length: count }, () => one);
    assert.equal((await fga.checkBatch({ checks: many(100) })).length, 100);
    await assert.rejects(fga.checkBatch({ checks: many(101) }), (error) => error.status === 400);
  });
});
