// May this user view this file? The sample of docs/identity.md.

import { createRemoteJWKSet, jwtVerify } from 'jose';

/** Answers for users whose tokens the built-in issuer of the server's default environment signs. */
export function fastPath(rowgate) {
  const keys = createRemoteJWKSet(new URL(`${rowgate}/sso/jwks/client_default`));
  const expected = { issuer: 'urn:rowgate:client_default', audience: 'client_default' };

  return async function mayView(token, file) {
    const { payload } = await jwtVerify(token, keys, expected);
    if (payload.org_id === file.organization && payload.permissions?.includes('project:view')) return true;
    const check = { resource_type: 'project', resource_id: file.project, relation: 'viewer' };
    const response = await fetch(`${rowgate}/fga/v1/check`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ checks: [check] }),
    });
    if (!response.ok) throw new Error(`the check failed with status ${response.status}`);
    return (await response.json()).result === 'authorized';
  };
}
