// The application in a browser: two users and nobody, each with their own; and any SQL in the page.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';

import { neonConfig } from '@neondatabase/serverless';
import { chromium } from 'playwright-core';

import { startApp } from '../app.mjs';
import { migrate } from '../migrate.mjs';
import { startStack } from '../stack/index.mjs';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

let stack;
let app;
let browser;
let page;
const complaints = [];

before(async () => {
  stack = await startStack();
  neonConfig.fetchEndpoint = stack.endpoint;
  await migrate(stack.ownerUrl);
  // Twice is once.
  await migrate(stack.ownerUrl);
  app = await startApp(stack);
  const executablePath = process.env.CHROMIUM ?? CHROMIUM;
  assert.ok(executablePath, 'there is no Chromium: install it, or name it in CHROMIUM');
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  page = await browser.newPage();
  page.setDefaultTimeout(20_000);
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(app.url);
  await page.waitForSelector('body[data-ready]');
});
after(async () => {
  await browser?.close();
  await app?.stop();
  await stack?.stop();
});

const signIn = async (user) => {
  await page.selectOption('#user', user);
  await page.waitForSelector(`body[data-user="${user}"]`);
};
const tasks = () => page.locator('#todos li span').allTextContents();
const settle = async (expected) => {
  for (const deadline = Date.now() + 30_000; ; await page.waitForTimeout(50)) {
    const now = await tasks();
    if (JSON.stringify(now) === JSON.stringify(expected) || Date.now() > deadline) return assert.deepEqual(now, expected);
  }
};
const add = async (task, isPublic = false) => {
  await page.fill('#task', task);
  await page.setChecked('#public', isPublic);
  await page.click('#new button');
};
/** The page asks for `/token` when somebody else signs in. */
const TOKENS = '**/token?*';
const run = async (sql) => {
  await page.fill('#query', sql);
  const answered = page.waitForResponse((response) => response.url().endsWith('/sql') && response.request().method() === 'POST');
  await page.click('#sql button');
  await answered;
};

describe('the page', () => {
  it('shows everybody their own', async () => {
    await signIn('ann');
    await settle([]);
    await add('water the plants');
    await settle(['water the plants']);
    await signIn('bob');
    await settle([]);
    await add('buy bread');
    await add('paint the fence', true);
    await settle(['buy bread', 'paint the fence (public)']);
    await signIn('ann');
    await settle(['water the plants']);
    await signIn('');
    await settle(['paint the fence (public)']);
  });

  it('changes what is one’s own', async () => {
    await signIn('bob');
    await settle(['buy bread', 'paint the fence (public)']);
    await page.locator('#todos li', { hasText: 'buy bread' }).getByText('Done').click();
    await page.waitForSelector('li.done');
    await page.locator('#todos li', { hasText: 'buy bread' }).getByText('Delete').click();
    await settle(['paint the fence (public)']);
    assert.equal(await stack.psql('select count(*) from todos'), '2');
  });

  it('keeps what is typed while an answer is on its way', async () => {
    await signIn('ann');
    // The first answer is kept back until the second task is typed.
    let go;
    const typed = new Promise((resolve) => (go = resolve));
    await page.route('**/sql', async (route) => (await typed, await route.continue()));
    await add('first');
    await page.fill('#task', 'second');
    go();
    await settle(['water the plants', 'first']);
    await page.unroute('**/sql');
    assert.equal(await page.inputValue('#task'), 'second');
    await page.click('#new button');
    await settle(['water the plants', 'first', 'second']);
    for (const task of ['first', 'second']) await page.locator('#todos li', { hasText: task }).getByText('Delete').click();
    await settle(['water the plants']);
  });

  it('shows the list of who is signed in, whichever answer comes first', async () => {
    await signIn('');
    // The token of bob comes after that of ann was asked for.
    let go;
    const asked = new Promise((resolve) => (go = resolve));
    await page.route(TOKENS, async (route) => (route.request().url().includes('bob') && (await asked), await route.continue()));
    await page.selectOption('#user', 'bob');
    await page.selectOption('#user', 'ann');
    setTimeout(go, 200);
    await page.waitForSelector('body[data-user="ann"]');
    await settle(['water the plants']);
    await page.waitForTimeout(300);
    await settle(['water the plants']);
    await page.unroute(TOKENS);
  });

  it('refuses writes of nobody, and for others', async () => {
    await signIn('');
    await add('from nowhere');
    await page.locator('#message', { hasText: 'row-level security' }).waitFor();
    await signIn('ann');
    await run(`insert into todos (task, user_id) values ('for bob', 'bob')`);
    await page.locator('#message', { hasText: 'row-level security' }).waitFor();
    assert.equal(await stack.psql('select count(*) from todos'), '2');
  });

  it('lets anybody write any SQL, and shows them only what is theirs', async () => {
    await signIn('ann');
    await run('select user_id, task from todos');
    await page.locator('#result', { hasText: 'water the plants' }).waitFor();
    assert.doesNotMatch(await page.textContent('#result'), /bob/);
    await run(`select set_config('request.jwt.claims', '{"sub":"bob"}', false), set_config('rowgate.session', '', false)`);
    await run(`select auth.user_id(), count(*) from todos group by 1`);
    await page.locator('#result', { hasText: '"user_id": "ann"' }).waitFor();
    await run(`update todos set task = 'stolen'`);
    assert.equal(await stack.psql(`select string_agg(distinct user_id, ',') from todos where task = 'stolen'`), 'ann');
  });

  it('has nothing to complain about', () => assert.deepEqual(complaints, []));
});
