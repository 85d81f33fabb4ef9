// How many calls some work makes, and how long it takes.

import { AsyncLocalStorage } from 'node:async_hooks';

/** A request to Rowgate, or a statement to Postgres. */
export type Call = { to: 'rowgate' | 'postgres'; text: string };

export type Measured<T> = { value: T; calls: Call[]; milliseconds: number };

const calling = new AsyncLocalStorage<Call[]>();

/** Counts a call for the work that is being measured, if any. */
export function count(call: Call): void {
  calling.getStore()?.push(call);
}

export async function measure<T>(work: () => Promise<T>): Promise<Measured<T>> {
  const calls: Call[] = [];
  const started = performance.now();
  const value = await calling.run(calls, work);
  return { value, calls, milliseconds: performance.now() - started };
}
