// `npm start`: Postgres, Rowgate and the application, until Ctrl-C.

import { startApp } from './app.mjs';
import { neonConfig } from '@neondatabase/serverless';
import { migrate } from './migrate.mjs';
import { startStack } from './stack/index.mjs';

const stack = await startStack();
neonConfig.fetchEndpoint = stack.endpoint;
await migrate(stack.ownerUrl);
const app = await startApp(stack, Number(process.env.PORT ?? 3000));

console.log(`The application: ${app.url}`);
console.log(`Its database, for drivers: ${stack.authenticatedUrl} over ${stack.endpoint}`);
console.log('Ctrl-C ends everything.');

process.once('SIGINT', async () => {
  await app.stop();
  await stack.stop();
  process.exit(0);
});
