// What the tests of single requests begin with: an organization, a member, a small tree.

import { start } from './server.mjs';

/** A server with `org`, `user`, `om`, `workspace`, `project` and `group`, the ids of what they say. `root` is the organization as a resource, `other` another organization. */
export async function world() {
  const server = await start();
  const make = async (path, body) => {
    const made = await server.ask('POST', path, body);
    if (made.status !== 201) throw new Error(`${path}: ${JSON.stringify(made)}`);
    return made.body.id;
  };
  const org = await make('/organizations', { name: 'Acme', external_id: 'cust-1' });
  const other = await make('/organizations', { name: 'Other' });
  const member = async (email, organization) => {
    const user = await make('/user_management/users', { email });
    const om = await make('/user_management/organization_memberships', { user_id: user, organization_id: organization });
    return { user, om };
  };
  const { user, om } = await member('ann@example.com', org);
  const resource = (organization, type, externalId, parent) =>
    make('/authorization/resources', {
      organization_id: organization,
      resource_type_slug: type,
      external_id: externalId,
      name: externalId,
      ...(parent && { parent_resource_id: parent }),
    });
  const workspace = await resource(org, 'workspace', 'w1');
  const project = await resource(org, 'project', 'e1', workspace);
  const group = await make(`/organizations/${org}/groups`, { name: 'Eng' });
  const root = (await server.ask('GET', `/authorization/organizations/${org}/resources/organization/${org}`)).body.id;
  return { server, make, member, resource, org, other, root, user, om, workspace, project, group };
}

/** A request as text, `METHOD path body`, in which `$name` stands for an id of the world. */
export function written(w, template) {
  const text = template.replace(/\$([a-z]+)/g, (_, name) => w[name]);
  const [, method, path, body = ''] = text.match(/^(\S+) (\S+) ?(.*)$/s);
  return { method, path, body };
}

/** Sends a request that is written so. The id of the answer is `$answer` from then on. */
export async function send(w, template, headers) {
  const { method, path, body } = written(w, template);
  const answer = await w.server.ask(method, path, body || undefined, headers);
  if (answer.body?.id) w.answer = answer.body.id;
  return answer;
}
