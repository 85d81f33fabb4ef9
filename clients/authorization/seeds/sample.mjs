// The code of a tutorial as it stands: a function, or statements, with names that it expects around it.

import { readFile } from 'node:fs/promises';

import { transformSync } from 'amaro';

/** JavaScript: types are taken away, nothing else. */
const plain = (code) => transformSync(code, { mode: 'strip-only' }).code;

/** A function that a file declares, with the names that it uses. */
export async function declared(file, name, around) {
  const code = plain(await readFile(file, 'utf8'));
  return new Function(...Object.keys(around), `${code}; return ${name};`)(...Object.values(around));
}

/** The statements of a file as a function of the names that they use. It returns what they return, or else `result`. */
export async function statements(file, names, result) {
  const code = plain(`(async () => { ${await readFile(file, 'utf8')}; return ${result}; })`);
  return new Function(`{ ${names.join(', ')} }`, `return ${code}();`);
}
