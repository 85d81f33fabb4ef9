// `npm start`: everything, until Ctrl-C.

import { startStack } from './stack';

const stopped = new Promise<string>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve(signal));
});

const stack = await startStack({
  port: Number(process.env.PORT ?? 3000),
  databaseUrl: process.env.DATABASE_URL,
  say: (what) => console.log(`… ${what}`),
});
const database = new URL(stack.databaseUrl);
database.password = '';
console.log(`\n  Tickets   ${stack.url}\n  Rowgate   ${stack.rowgateUrl}\n  Postgres  ${database}\n\nCtrl-C stops all of it.`);

const why = await Promise.race([stopped, stack.ended]);
console.log(`\n${why}: stopping`);
await stack.stop();
