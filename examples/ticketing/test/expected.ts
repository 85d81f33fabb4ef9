// What the seed data of scripts/seed.ts lets each user see, newest first.

export const EXPECTED: Record<string, string[]> = {
  // Admin of both organizations: everything.
  ann: ['globex-5', 'globex-4', 'globex-3', 'globex-2', 'globex-1', 'acme-3', 'acme-2', 'acme-1'],
  // Agent of Acme, and assigned to two tickets of Globex.
  ben: ['globex-3', 'globex-2', 'acme-3', 'acme-2', 'acme-1'],
  // Customer of Globex: what she created.
  cleo: ['globex-2', 'globex-1'],
  // Member of Globex: everything there.
  dan: ['globex-5', 'globex-4', 'globex-3', 'globex-2', 'globex-1'],
};
