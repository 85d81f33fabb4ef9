// The application in a browser: both lists agree, for everybody and while roles come and go.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';

import { chromium } from 'playwright-core';

import { startApp } from '../app.mjs';
import { ready } from '../ready.mjs';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

let stack;
let app;
let browser;
let page;
const complaints = [];

before(async () => {
  const made = await ready();
  stack = made.stack;
  app = await startApp(stack, made.workos, made.world);
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

const verdict = (text) => page.locator('#verdict', { hasText: text }).waitFor();
const message = (hasText) => page.locator('#message', { hasText }).waitFor();
const agree = (count) => verdict(`${count} files; both ways show the same`);
const lines = (id) => page.locator(`#${id} li span`).allTextContents();

describe('the page', () => {
  it('shows the same by both ways', async () => {
    await agree(6);
    await page.selectOption('#who', 'bob@acme');
    await agree(2);
    assert.deepEqual(await lines('checked'), ['acme site notes', 'acme site plan']);
    assert.deepEqual(await lines('guarded'), ['acme site notes', 'acme site plan']);
    await page.selectOption('#who', 'ann@bolt');
    await agree(0);
  });

  it('follows roles at once', async () => {
    await page.selectOption('#who', 'bob@acme');
    await agree(2);
    await page.fill('#project', 'shop');
    await page.getByText('Give').click();
    await agree(4);
    await page.locator('#guarded li', { hasText: 'acme shop notes' }).getByText('Stamp').click();
    await message(/^the database changed nothing: you may not edit this file$/);
    await page.locator('#checked li', { hasText: 'acme shop notes' }).getByText('Stamp').click();
    await message(/^you may not edit this file$/);
    await page.getByText('Take').click();
    await agree(2);
  });

  it('edits by both ways', async () => {
    for (const way of ['checked', 'guarded']) {
      await page.locator(`#${way} li`, { hasText: 'acme site plan' }).getByText('Stamp').click();
      await page.locator(`#${way} li`, { hasText: way === 'checked' ? 'acme site plan ✓' : 'acme site plan ✓ ✓' }).waitFor();
      await agree(2);
    }
  });

  it('has nothing to complain about', () => assert.deepEqual(complaints, []));
});
