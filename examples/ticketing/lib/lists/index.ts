// Three ways to the same list.

import { postFilter } from './post-filter';
import { preFilter } from './pre-filter';
import { rowLevelSecurity } from './rls';
import type { ListedTicket } from './shape';

export type Way = {
  name: string;
  title: string;
  summary: string;
  /** The tickets that the user may see. */
  list: (userId: string) => Promise<ListedTicket[]>;
};

export const WAYS: Way[] = [
  {
    name: 'pre-filter',
    title: 'Pre-filter',
    summary: 'Rowgate lists the ids, the database gets them in WHERE id IN.',
    list: preFilter,
  },
  {
    name: 'post-filter',
    title: 'Post-filter',
    summary: 'The database gives every row, Rowgate checks each.',
    list: postFilter,
  },
  {
    name: 'rls',
    title: 'Row-level security',
    summary: 'A plain findMany. The database returns what the user may see.',
    list: rowLevelSecurity,
  },
];

export type { ListedTicket };
