// The page in a real browser, as each of its users, with JavaScript and without.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import type { Page } from 'playwright-core';

import { startStack, type Stack } from '../../scripts/stack';
import { EXPECTED } from '../expected';
import { WAYS } from '../ways';
import { withBrowser } from './browser';

let stack: Stack;
before(async () => {
  stack = await startStack();
});
after(() => stack?.stop());

for (const javaScript of [true, false]) {
  describe(javaScript ? 'the page' : 'the page without JavaScript', () => {
    it('shows each user the same tickets in every column, and these only', () =>
      open(javaScript, async (page) => {
        for (const [userId, expected] of Object.entries(EXPECTED)) {
          await become(page, userId);
          for (const way of WAYS) assert.deepEqual(await idsIn(page, way), expected, `${userId}, ${way}`);
          assert.deepEqual(await rows(page), expected, userId);
        }
      }));

    it('shows what each column cost', () =>
      open(javaScript, async (page) => {
        for (const way of WAYS) {
          assert.deepEqual(await page.locator(`${column(way)} dt`).allInnerTexts(), FIGURES);
          const figures = await page.locator(`${column(way)} dd`).allInnerTexts();
          assert.ok(figures.every((figure) => /^\d+(\.\d)?$/.test(figure)), figures.join());
        }
      }));

    it('lets a customer file a ticket, an admin assign it, and its agent resolve it', () =>
      open(javaScript, async (page) => {
        await become(page, 'cleo');
        await file(page, 'The plant needs water', 'Globex');
        await notice(page, 'The ticket is filed.');
        const [id = ''] = await idsIn(page, 'pre-filter');
        assert.equal(await page.getByRole('button', { name: `Save ${id}` }).count(), 0, 'a customer changes nothing');

        await become(page, 'ben');
        assert.ok(!(await idsIn(page, 'pre-filter')).includes(id), 'not his yet');

        await become(page, 'ann');
        await page.getByLabel(`Assignee of ${id}`).selectOption('ben');
        await page.getByRole('button', { name: `Save ${id}` }).click();
        await notice(page, 'The ticket is changed.');

        await become(page, 'ben');
        for (const way of WAYS) assert.ok((await idsIn(page, way)).includes(id), way);
        await page.getByLabel(`Status of ${id}`).selectOption('RESOLVED');
        await page.getByRole('button', { name: `Save ${id}` }).click();
        await notice(page, 'The ticket is changed.');
        assert.equal(await page.getByRole('button', { name: `Delete ${id}` }).count(), 0, 'an agent deletes nothing');

        await become(page, 'ann');
        assert.equal(await page.getByLabel(`Status of ${id}`).inputValue(), 'RESOLVED');
        await page.getByRole('button', { name: `Delete ${id}` }).click();
        await notice(page, 'The ticket is deleted.');
        for (const way of WAYS) assert.ok(!(await idsIn(page, way)).includes(id), way);
      }));

    it('says no to a ticket in an organization that is not theirs', () =>
      open(javaScript, async (page) => {
        await become(page, 'cleo');
        await file(page, 'Let me in', 'Acme');
        await notice(page, 'You may not do that. Nothing was changed.');
      }));
  });
}

const FIGURES = ['tickets', 'calls to Rowgate', 'SQL statements', 'milliseconds'];

/** Opens the page. What the page logs as an error fails the test. */
function open(javaScript: boolean, work: (page: Page) => Promise<void>) {
  return withBrowser(javaScript, async (context) => {
    const errors: string[] = [];
    const page = context.pages()[0] ?? (await context.newPage());
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(stack.url);
    await work(page);
    assert.deepEqual(errors, []);
  });
}

async function become(page: Page, userId: string) {
  const shown = page.locator(`header[data-user="${userId}"]`);
  // Nothing on the page would tell when a switch to the same user is over, and its end resets the form.
  if ((await shown.count()) > 0) return;
  await page.getByLabel('You are').selectOption(userId);
  await page.getByRole('button', { name: 'Switch' }).click();
  await shown.waitFor();
}

async function file(page: Page, title: string, organization: string) {
  await page.getByLabel('Title').fill(title);
  await page.getByLabel('Description').fill('Filed in a browser.');
  await page.getByLabel('Organization').selectOption({ label: organization });
  await page.getByRole('button', { name: 'File' }).click();
}

/** Waits until the page says so. */
async function notice(page: Page, text: string) {
  await page.getByRole('status').filter({ hasText: text }).waitFor();
}

const column = (way: string) => `[data-way="${way}"]`;

function idsIn(page: Page, way: string) {
  return attributes(page, `${column(way)} [data-ticket]`, 'data-ticket');
}

function rows(page: Page) {
  return attributes(page, '[data-row]', 'data-row');
}

async function attributes(page: Page, selector: string, name: string) {
  const found = await page.locator(selector).all();
  return Promise.all(found.map((element) => element.getAttribute(name)));
}
