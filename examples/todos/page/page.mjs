// The page. It talks to the database itself.

import { neon, neonConfig } from '/serverless.mjs';

const settings = await (await fetch('/settings')).json();
neonConfig.fetchEndpoint = settings.endpoint;
const at = (id) => document.getElementById(id);
let token;

function connect() {
  if (!token) return neon(settings.anonymousUrl, { disableWarningInBrowsers: true });
  return neon(settings.authenticatedUrl, { authToken: () => token, disableWarningInBrowsers: true });
}

let before = Promise.resolve();

/**
 * Does something once what was asked for earlier is done, and says what went wrong. One at a time: otherwise a slow answer would
 * be painted over a newer one, or somebody else's list over that of who is signed in now.
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
  const sql = connect();
  // With a token, `where user_id = auth.user_id()` would say the same: the policy is there already.
  const todos = await sql`select id, task, is_complete, is_public from todos order by id`;
  at('todos').replaceChildren(...todos.map(item));
}

function item(todo) {
  const line = document.createElement('li');
  line.className = todo.is_complete ? 'done' : '';
  const task = document.createElement('span');
  task.textContent = todo.is_public ? `${todo.task} (public)` : todo.task;
  line.append(task);
  if (token) {
    const change = (label, action) => {
      const button = document.createElement('button');
      button.textContent = label;
      button.onclick = () => tried(async () => (await action(connect()), await show()));
      line.append(button);
    };
    change(todo.is_complete ? 'Undo' : 'Done', (sql) => sql`update todos set is_complete = not is_complete where id = ${todo.id}`);
    change('Delete', (sql) => sql`delete from todos where id = ${todo.id}`);
  }
  return line;
}

at('user').append(...settings.users.map((user) => new Option(user)));
at('user').onchange = () => {
  const user = at('user').value;
  tried(async () => {
    token = user ? (await (await fetch(`/token?user=${encodeURIComponent(user)}`)).json()).token : undefined;
    at('result').textContent = '';
    await show();
    document.body.dataset.user = user;
  });
};

at('new').onsubmit = (event) => {
  event.preventDefault();
  const task = at('task').value;
  const isPublic = at('public').checked;
  // At once, not when the answer is there: by then the next task may stand here.
  at('new').reset();
  tried(async () => {
    const sql = connect();
    try {
      await sql`insert into todos (task, is_public) values (${task}, ${isPublic})`;
    } catch (error) {
      at('task').value ||= task;
      throw error;
    }
    await show();
  });
};

at('sql').onsubmit = (event) => {
  event.preventDefault();
  const query = at('query').value;
  tried(async () => {
    at('result').textContent = '';
    const rows = await connect().query(query);
    at('result').textContent = JSON.stringify(rows, null, 2);
    await show();
  });
};

await tried(show);
document.body.dataset.ready = 'true';
