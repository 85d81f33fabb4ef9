// The stack with customers, people and files in it.

import { neonConfig } from '@neondatabase/serverless';
import { WorkOS } from '@workos-inc/node';

import { seed } from './seed.mjs';
import { startStack } from './stack/index.mjs';

export async function ready() {
  const stack = await startStack();
  neonConfig.fetchEndpoint = stack.endpoint;
  try {
    const { hostname, port } = new URL(stack.url);
    const workos = new WorkOS(stack.apiKey, { apiHostname: hostname, port: Number(port), https: false });
    return { stack, workos, world: await seed(workos, stack.psql) };
  } catch (error) {
    await stack.stop();
    throw error;
  }
}
