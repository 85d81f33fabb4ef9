// The web server of the application. It signs people in, gives out the page, and shows files after a check for each. The page asks the
// database for the same files itself.

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { neon } from '@neondatabase/serverless';

import { mayOnFile } from './guard.mjs';

const FILES = {
  '/': ['page/index.html', 'text/html; charset=utf-8'],
  '/page.mjs': ['page/page.mjs', 'text/javascript'],
  '/style.css': ['page/style.css', 'text/css'],
  '/serverless.mjs': ['node_modules/@neondatabase/serverless/index.mjs', 'text/javascript'],
};

/** Roles that the page can give on a project. */
const ROLES = ['project-viewer', 'project-editor'];

/** `stack`: what startStack() returns; `world`: what seed() returns. */
export async function startApp(stack, workos, world, port = 0) {
  const context = { stack, workos, world, all: neon(stack.ownerUrl) };
  const server = createServer(async (request, response) => {
    try {
      await answer(context, request, new URL(request.url, 'http://localhost'), response);
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

async function answer({ stack, workos, world, all }, request, url, response) {
  const json = (body, status = 200) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  const { endpoint, authenticatedUrl } = stack;
  if (url.pathname === '/settings') {
    return json({ endpoint, authenticatedUrl, memberships: world.memberships, roles: ROLES });
  }
  const [file, type] = FILES[url.pathname] ?? [];
  if (file) {
    response.writeHead(200, { 'content-type': type });
    return response.end(await readFile(join(import.meta.dirname, file)));
  }
  // Signing in, shortened: an application has an identity provider and a session here.
  const membership = world.memberships.find(({ key }) => key === url.searchParams.get('who'));
  if (!membership) return json({ error: 'nobody of that name' }, 404);
  switch (`${request.method} ${url.pathname}`) {
    case 'GET /token':
      return json({ token: await stack.token(membership.user, membership.organization) });
    case 'GET /files': {
      const files = await all`select id::text, organization_id, project_id, name from files order by name`;
      const shown = await Promise.all(files.map((one) => mayOnFile(workos, membership, 'file:view', one)));
      return json(files.filter((_, index) => shown[index]));
    }
    case 'POST /rename': {
      const { id, name } = await body(request);
      if (!(await mayOnFile(workos, membership, 'file:edit', { id }))) return json({ error: 'you may not edit this file' }, 403);
      // As the user, so that the database would refuse it, too.
      const token = await stack.token(membership.user, membership.organization);
      await neon(authenticatedUrl, { authToken: token })`update files set name = ${name} where id = ${id}`;
      return json({ id, name });
    }
    case 'POST /role': {
      // An application asks who may do this. Here everybody may give themselves a role, to see what follows.
      const { role, project, has } = await body(request);
      if (!ROLES.includes(role)) return json({ error: 'there is no such role' }, 400);
      const what = {
        organizationMembershipId: membership.id,
        roleSlug: role,
        resourceTypeSlug: 'project',
        resourceExternalId: project,
      };
      await (has ? workos.authorization.assignRole(what) : workos.authorization.removeRole(what));
      return json({ role, project, has });
    }
    default:
      return json({ error: 'not found' }, 404);
  }
}

async function body(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return JSON.parse(text);
}
