// A Rowgate server of its own for a test, with a proxy in front of it that holds every answer against the published document; and the
// SDKs in every version that is tested.

import assert from 'node:assert/strict';
import { describe } from 'node:test';

import { WorkOS as WorkOS10 } from 'workos-10';
import { WorkOS as WorkOS11 } from 'workos-11';
import { WorkOS as WorkOS8 } from 'workos-8';
import { WorkOS as WorkOS9 } from 'workos-9';

import { startServer } from '../server.mjs';
import { Document } from './conformance/document.mjs';
import { record } from './conformance/proxy.mjs';

export const SDKS = { 11: WorkOS11, 10: WorkOS10, 9: WorkOS9, 8: WorkOS8 };

/** Of the environment that a new server has. */
export const CLIENT_ID = 'client_default';

/** The hierarchy of the guide: organization, workspace, project, app. */
export const TYPES = {
  types: [
    { slug: 'workspace', parents: ['organization'] },
    { slug: 'project', parents: ['workspace'] },
    { slug: 'app', parents: ['project', 'workspace'] },
  ],
  permissions: [
    { slug: 'org:manage' },
    { slug: 'workspace:view', resource_type: 'workspace' },
    { slug: 'project:view', resource_type: 'project' },
    { slug: 'project:edit', resource_type: 'project' },
    { slug: 'app:deploy', resource_type: 'app' },
  ],
  roles: [
    { slug: 'admin', permissions: ['org:manage', 'project:view', 'project:edit'] },
    { slug: 'member' },
    { slug: 'workspace-editor', resource_type: 'workspace', permissions: ['workspace:view', 'project:view', 'project:edit'] },
    { slug: 'viewer', resource_type: 'project', permissions: ['project:view'] },
    { slug: 'editor', resource_type: 'project', permissions: ['project:view', 'project:edit'] },
    { slug: 'deployer', resource_type: 'app', permissions: ['app:deploy'] },
  ],
};

/** Starts a server whose environment has the types above. */
export async function start(types = TYPES) {
  const server = await startServer();
  const applied = await server.request('PUT', '/rowgate/v1/authorization/types', types);
  if (applied.status !== 200) throw new Error(JSON.stringify(applied.body));
  const proxy = await record(server.url, new Document((await server.request('GET', '/openapi.json')).body));
  const { port, hostname } = new URL(proxy.url);
  return {
    ...server,
    proxy,

    /** A client as an application makes it. Only the address is another one. */
    workos(version, key = server.apiKey, more = {}) {
      return new SDKS[version](key, { apiHostname: hostname, port: Number(port), https: false, clientId: CLIENT_ID, ...more });
    },

    /** A request as it stands here, byte by byte: status and body. A body that is a string is sent as it is. */
    async ask(method, path, body, headers = {}) {
      const answer = await fetch(proxy.url + path, {
        method,
        headers: { Authorization: `Bearer ${server.apiKey}`, 'Content-Type': 'application/json', ...headers },
        body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
      });
      const text = await answer.text();
      return { status: answer.status, body: text ? JSON.parse(text) : undefined };
    },

    /** Fails unless every answer since the last time was as the documents say. */
    conforms: () => assert.deepEqual(proxy.problems(), []),

    async stop() {
      await proxy.stop();
      await server.stop();
    },
  };
}

/** The same tests for every version of the SDK, side by side: most of the time they wait for writes to be durable. */
export function versions(name, tests) {
  describe(name, { concurrency: true }, () => {
    for (const version of Object.keys(SDKS).map(Number).reverse()) {
      describe(`of @workos-inc/node ${version}`, { concurrency: false }, () => tests(version));
    }
  });
}

/** All rows of a list, page by page, in every version. */
export async function rows(list) {
  const answer = await list;
  if (typeof answer.autoPagination === 'function') return answer.autoPagination();
  return answer.data;
}

/** The exception that a call ends in. */
export async function failure(call) {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error('the call should have failed');
}
