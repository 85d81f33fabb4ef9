// The proxy as a process, for tests in other languages: `node main.mjs <address of the server>`. It prints its own address. For every line
// that it reads it prints what was wrong with the answers since the last one, as JSON; it ends when its input does.

import { createInterface } from 'node:readline';

import { Document } from './document.mjs';
import { record } from './proxy.mjs';

const [upstream] = process.argv.slice(2);
const proxy = await record(upstream, new Document(await (await fetch(`${upstream}/openapi.json`)).json()));
console.log(proxy.url);
for await (const _ of createInterface({ input: process.stdin })) console.log(JSON.stringify(proxy.problems()));
await proxy.stop();
