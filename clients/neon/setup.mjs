// Postgres and the real Rowgate for a test file, and the todos of the tutorial.

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { neonConfig } from '@neondatabase/serverless';

import { startStack } from '../../examples/todos/stack/index.mjs';

const MIGRATION = new URL('../../examples/todos/drizzle/0000_todos.sql', import.meta.url);

/** Starts everything, and points the driver at it. Call `stop()` on what it returns. */
export async function startTodos() {
  const stack = await startStack();
  neonConfig.fetchEndpoint = stack.endpoint;
  return stack;
}

/** The statements that drizzle-kit made of the schema. */
export async function statements() {
  const text = await readFile(fileURLToPath(MIGRATION), 'utf8');
  return text.split('--> statement-breakpoint').map((statement) => statement.trim());
}
