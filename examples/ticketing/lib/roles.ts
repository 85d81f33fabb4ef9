import { fga } from './fga';

/** What a user is, and where: `agent of acme`. */
export async function roles(userId: string): Promise<string[]> {
  const q = `select organization where user:${userId} is admin, agent, member, customer`;
  const page = await fga().query({ q, limit: 100, order: 'asc' });
  return page.data.map((row) => `${row.relation} of ${row.resourceId}`);
}
