// Every entry of `conformance/departures.mjs` is needed: its example, and nothing but it, makes the difference.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { ADDITIONS, DEPARTURES } from './conformance/departures.mjs';
import { Document } from './conformance/document.mjs';
import { send, world } from './world.mjs';

describe('departures from the published document', () => {
  let w;
  before(async () => (w = await world()));
  after(() => w?.server.stop());

  for (const entry of [...ADDITIONS, ...DEPARTURES]) {
    it(`${entry.example}: ${entry.why}`, async () => {
      w.server.proxy.hit.clear();
      for (const earlier of entry.first ?? []) await send(w, earlier);
      await send(w, entry.example, entry.headers);
      assert.ok(w.server.proxy.hit.has(entry), 'no answer needs this entry');
      w.server.conforms();
    });
  }

  it('additions are not in the document, and what they are like is', () => {
    const document = Document.published();
    const shape = (operation) => operation.replace(/\{\w+\}/g, '{}');
    const known = new Set(document.operations.map(shape));
    for (const { operation, like } of ADDITIONS) {
      assert.ok(!known.has(shape(operation)), `${operation} is documented by now`);
      if (like) assert.ok(document.operations.includes(like), like);
    }
  });
});
