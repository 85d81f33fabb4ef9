// Types as code: `rowgate authz`.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { startServer } from '../server.mjs';
import { failure } from './server.mjs';

const FILE = `default_role = "member"

[[type]]
slug = "workspace"
parents = ["organization"]

[[permission]]
slug = "workspace:view"
resource_type = "workspace"

[[role]]
slug = "admin"
permissions = ["workspace:view"]

[[role]]
slug = "member"
`;

describe('rowgate authz', () => {
  let server, directory, file;
  before(async () => {
    server = await startServer();
    directory = await mkdtemp(join(tmpdir(), 'rowgate-types-'));
    file = join(directory, 'types.toml');
    await writeFile(file, FILE);
  });
  after(async () => {
    await server?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('plans without changing anything, applies, and then has nothing to do', async () => {
    const planned = await server.cli('authz', 'apply', file, '--plan');
    assert.match(planned.stdout, /\+ resource_type workspace {2}under organization/);
    assert.match(planned.stdout, /5 changes planned; nothing was changed/);
    assert.deepEqual(JSON.parse((await server.cli('authz', 'show')).stdout).types, []);
    assert.match((await server.cli('authz', 'apply', file)).stdout, /5 changes applied/);
    assert.match((await server.cli('authz', 'apply', file)).stdout, /0 changes applied/);
    const shown = JSON.parse((await server.cli('authz', 'show')).stdout);
    assert.deepEqual(shown.types.map((type) => type.slug), ['workspace']);
    assert.deepEqual(shown.roles.map((role) => role.slug), ['admin', 'member']);
  });

  it('refuses to leave resources without a type', async () => {
    const org = await server.request('POST', '/organizations', { name: 'Acme' });
    const resource = { organization_id: org.body.id, resource_type_slug: 'workspace', external_id: 'w1', name: 'W' };
    assert.equal((await server.request('POST', '/authorization/resources', resource)).status, 201);
    await writeFile(file, '[[role]]\nslug = "member"\n');
    const refused = await failure(() => server.cli('authz', 'apply', file, '--prune'));
    assert.match(refused.stderr, /there are resources of type `workspace`, for example 'w1'/);
    const gone = `/authorization/organizations/${org.body.id}/resources/workspace/w1`;
    assert.equal((await server.request('DELETE', gone)).status, 204);
    assert.match((await server.cli('authz', 'apply', file, '--prune')).stdout, /- resource_type workspace/);
  });

  it('says what is wrong with a file', async () => {
    await writeFile(file, '[[typ]]\nslug = "x"\n');
    const { stderr } = await failure(() => server.cli('authz', 'apply', file));
    assert.match(stderr, /`typ` means nothing here\n --> .*types\.toml:1:3\n/);
    assert.match(stderr, /did you mean `type`\?/);
    await writeFile(file, '[[type]]\nslug = "x"\nparents = ["y"]\n');
    const parent = await failure(() => server.cli('authz', 'apply', file));
    assert.match(parent.stderr, /the type `y` does not exist\n --> .*types\.toml:3:12\n/);
  });
});
