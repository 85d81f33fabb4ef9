import { join } from 'node:path';

/** This example. */
export const EXAMPLE = join(import.meta.dirname, '..');

/** The repository that the example is in. */
export const REPOSITORY = join(EXAMPLE, '../..');
