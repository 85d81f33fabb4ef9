/** A setting from the environment variable `name`. `npm start` sets them all. */
export function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run \`npm start\`, or set it as scripts/stack.ts does`);
  return value;
}

/** Makes a value when it is first needed, so that `next build` needs no settings. */
export function lazily<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
