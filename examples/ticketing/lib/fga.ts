// The SDK of WorkOS, pointed at Rowgate.

import { WorkOS } from '@workos-inc/node';

import { count } from './measure';
import { lazily, setting } from './settings';

/** `fga()` is the client. Its requests are counted, and printed when `DEBUG=true`. */
export const fga = lazily(() => {
  const url = new URL(setting('ROWGATE_URL'));
  const workos = new WorkOS(setting('ROWGATE_API_KEY'), {
    apiHostname: url.hostname,
    port: Number(url.port),
    https: url.protocol === 'https:',
    fetchFn: watchedFetch,
  });
  return workos.fga;
});

const watchedFetch: typeof fetch = async (input, init) => {
  const request = new Request(input, init);
  const path = request.url.slice(new URL(request.url).origin.length);
  const call = `${request.method} ${decodeURIComponent(path.replaceAll('+', ' '))}`;
  count({ to: 'rowgate', text: call });
  const started = performance.now();
  const response = await fetch(input, init);
  if (process.env.DEBUG === 'true') {
    const took = (performance.now() - started).toFixed(1);
    const sent = typeof init?.body === 'string' ? `\n    sent      ${init.body}` : '';
    console.log(`  ${call}${sent}\n    answered  ${response.status} ${await response.clone().text()}  (${took} ms)`);
  }
  return response;
};

/** May the user do this? */
export async function allowed(userId: string, relation: string, resourceType: string, resourceId: string) {
  const check = { resource: { resourceType, resourceId }, relation, subject: user(userId) };
  return (await fga().check({ checks: [check] })).isAuthorized();
}

/** A user as the subject of a check or a warrant. */
export function user(resourceId: string) {
  return { resourceType: 'user', resourceId };
}
