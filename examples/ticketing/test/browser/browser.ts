// A headless Chromium with a profile of its own.

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { chromium, type BrowserContext } from 'playwright-core';

const PROGRAM = process.env.CHROMIUM_BIN ?? '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Opens a page, hands it over, and closes the browser. */
export async function withBrowser(javaScriptEnabled: boolean, work: (context: BrowserContext) => Promise<void>) {
  if (!existsSync(PROGRAM)) throw new Error(`there is no ${PROGRAM}: install the package chromium, or set CHROMIUM_BIN`);
  const profile = mkdtempSync(join(tmpdir(), 'ticketing-chromium-'));
  const options = { executablePath: PROGRAM, args: FLAGS, headless: true, javaScriptEnabled, timeout: 60_000 };
  try {
    const context = await chromium.launchPersistentContext(profile, options);
    context.setDefaultTimeout(20_000);
    try {
      await work(context);
    } finally {
      await context.close();
    }
  } finally {
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
