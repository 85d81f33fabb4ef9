// The page: the same files by two ways.

import { neon, neonConfig } from '/serverless.mjs';

const settings = await (await fetch('/settings')).json();
neonConfig.fetchEndpoint = settings.endpoint;
const at = (id) => document.getElementById(id);
let sql;

async function server(path, body) {
  const answer = await fetch(`${path}?who=${encodeURIComponent(at('who').value)}`, body && { method: 'POST', body: JSON.stringify(body) });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error ?? 'the server failed');
  return said;
}

let before = Promise.resolve();

/**
 * Does something once what was asked for earlier is done, and says what went wrong. One at a time: otherwise a slow answer would
 * be painted over a newer one.
 */
function tried(action) {
  before = before.then(async () => {
    at('message').textContent = '';
    try {
      await action();
    } catch (error) {
      at('message').textContent = error.message;
    }
  });
  return before;
}

async function show() {
  const [checked, guarded] = await Promise.all([server('/files'), sql`select id::text, project_id, name from files order by name`]);
  list('checked', checked, (file, name) => server('/rename', { id: file.id, name }));
  list('guarded', guarded, async (file, name) => {
    const changed = await sql`update files set name = ${name} where id = ${file.id} returning id`;
    if (changed.length === 0) throw new Error('the database changed nothing: you may not edit this file');
  });
  const ids = (files) => JSON.stringify(files.map(({ id, name }) => [id, name]));
  at('verdict').textContent = `${guarded.length} files; ${ids(checked) === ids(guarded) ? 'both ways show the same' : 'the two ways DIFFER'}`;
}

function list(id, files, rename) {
  const item = (file) => {
    const line = document.createElement('li');
    const name = document.createElement('span');
    name.textContent = file.name;
    const button = document.createElement('button');
    button.textContent = 'Stamp';
    button.onclick = () => tried(async () => (await rename(file, `${file.name} ✓`), await show()));
    line.append(name, button);
    return line;
  };
  at(id).replaceChildren(...files.map(item));
}

async function signIn() {
  const { token } = await server('/token');
  sql = neon(settings.authenticatedUrl, { authToken: () => token, disableWarningInBrowsers: true });
  await show();
}

at('who').append(...settings.memberships.map(({ key }) => new Option(key)));
at('slug').append(...settings.roles.map((role) => new Option(role)));
at('who').onchange = () => tried(signIn);
at('role').onsubmit = (event) => {
  event.preventDefault();
  const has = event.submitter.value === 'yes';
  tried(async () => {
    await server('/role', { role: at('slug').value, project: at('project').value, has });
    // The same token: what a role allows counts at once.
    await show();
  });
};

await tried(signIn);
document.body.dataset.ready = 'true';
