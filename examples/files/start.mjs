// `npm start`: Postgres, Rowgate and the application, until Ctrl-C.

import { startApp } from './app.mjs';
import { ready } from './ready.mjs';

const { stack, workos, world } = await ready();
const app = await startApp(stack, workos, world, Number(process.env.PORT ?? 3000));

console.log(`The application: ${app.url}`);
console.log(`The API: ${stack.url} with the key ${stack.apiKey}`);
console.log('Ctrl-C ends everything.');

process.once('SIGINT', async () => {
  await app.stop();
  await stack.stop();
  process.exit(0);
});
