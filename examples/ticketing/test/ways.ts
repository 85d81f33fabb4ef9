/** The ways to the list that the tests compare. */
export const WAYS = ['pre-filter', 'post-filter', 'rls'];
