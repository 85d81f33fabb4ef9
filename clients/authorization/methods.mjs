// Which methods the modules of an SDK have, which were called, and which Rowgate is not for.

import { readFileSync } from 'node:fs';

/** Methods of these modules that Rowgate is not for, by reason: the list that `docs/authorization.md` explains. */
export const NOT_FOR = JSON.parse(readFileSync(new URL('not-for.json', import.meta.url), 'utf8'));

/** The public methods of a module, as its class has them. */
export function methodsOf(module) {
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(module));
  return names.filter((name) => name !== 'constructor' && typeof module[name] === 'function');
}

/** A client whose modules note which of their methods are called. */
export class Watched {
  called = new Set();

  constructor(workos, modules) {
    this.modules = modules.filter((name) => workos[name]);
    for (const name of this.modules) this[name] = this.#watch(name, workos[name]);
    this.workos = workos;
  }

  #watch(name, module) {
    return new Proxy(module, {
      get: (target, property) => {
        const value = target[property];
        if (typeof value !== 'function') return value;
        return (...args) => {
          this.called.add(`${name}.${property}`);
          return value.apply(target, args);
        };
      },
    });
  }

  /** Every method, as `module.method`. */
  get methods() {
    return this.modules.flatMap((name) => methodsOf(this.workos[name]).map((method) => `${name}.${method}`));
  }

  /** The methods that Rowgate is for and that nobody called. */
  get missed() {
    const excluded = new Set(Object.values(NOT_FOR.node).flat());
    return this.methods.filter((method) => !this.called.has(method) && !excluded.has(method));
  }
}
