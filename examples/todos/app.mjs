// The web server of the application. It signs people in, and gives out the page. What the page shows it asks for itself, in SQL: the
// database knows who asks, and what they may see.

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const USERS = ['ann', 'bob'];
const FILES = {
  '/': ['page/index.html', 'text/html; charset=utf-8'],
  '/page.mjs': ['page/page.mjs', 'text/javascript'],
  '/style.css': ['page/style.css', 'text/css'],
  '/serverless.mjs': ['node_modules/@neondatabase/serverless/index.mjs', 'text/javascript'],
};

/** `stack`: what startStack() returns. */
export async function startApp(stack, port = 0) {
  const server = createServer(async (request, response) => {
    try {
      await answer(stack, new URL(request.url, 'http://localhost'), response);
    } catch (error) {
      response.writeHead(500, { 'content-type': 'text/plain' }).end('the server failed');
      console.error(error);
    }
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}

async function answer(stack, url, response) {
  const json = (body, status = 200) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  if (url.pathname === '/settings') {
    const { endpoint, authenticatedUrl, anonymousUrl } = stack;
    return json({ endpoint, authenticatedUrl, anonymousUrl, users: USERS });
  }
  if (url.pathname === '/token') {
    // Signing in, shortened: an application has an identity provider here.
    const user = url.searchParams.get('user');
    return USERS.includes(user) ? json({ token: await stack.token(user) }) : json({ error: 'nobody of that name' }, 404);
  }
  const [file, type] = FILES[url.pathname] ?? [];
  if (!file) return json({ error: 'not found' }, 404);
  response.writeHead(200, { 'content-type': type }).end(await readFile(join(import.meta.dirname, file)));
}
