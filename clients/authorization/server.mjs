// A Rowgate server of its own for a test file, and the SDKs in every version that is tested.

import { WorkOS as WorkOS10 } from 'workos-10';
import { WorkOS as WorkOS11 } from 'workos-11';
import { WorkOS as WorkOS8 } from 'workos-8';
import { WorkOS as WorkOS9 } from 'workos-9';

import { startServer } from '../server.mjs';

export const SDKS = { 11: WorkOS11, 10: WorkOS10, 9: WorkOS9, 8: WorkOS8 };

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
export async function start() {
  const server = await startServer();
  const applied = await server.request('PUT', '/rowgate/v1/authorization/types', TYPES);
  if (applied.status !== 200) throw new Error(JSON.stringify(applied.body));
  const { port, hostname } = new URL(server.url);
  return {
    ...server,
    /** A client as an application makes it. Only the address is another one. */
    workos(version, key = server.apiKey) {
      return new SDKS[version](key, { apiHostname: hostname, port: Number(port), https: false });
    },
  };
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
