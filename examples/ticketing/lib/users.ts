// Who is asking.

import { cookies } from 'next/headers';

import type { User } from '../generated/prisma/client';
import { trusted } from './database';
import { Refused } from './refused';

// Anyone can choose to be anyone: this is a demonstration. A real application has a session here.
export const USER_COOKIE = 'user';

export function allUsers(): Promise<User[]> {
  return trusted().user.findMany({ orderBy: { id: 'asc' } });
}

/** The user of the page: who was chosen, or else the first. */
export async function pageUser(): Promise<User> {
  const user = (await chosenUser()) ?? (await allUsers())[0];
  if (!user) throw new Error('there are no users: the seed data is missing');
  return user;
}

async function chosenUser(): Promise<User | null> {
  const id = (await cookies()).get(USER_COOKIE)?.value;
  return id ? trusted().user.findUnique({ where: { id } }) : null;
}

/** The user of an API request. */
export async function requireUser(): Promise<User> {
  const user = await chosenUser();
  if (!user) throw new Refused(401, `choose a user: send the cookie \`${USER_COOKIE}\``);
  return user;
}
