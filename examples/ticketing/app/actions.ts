'use server';

// What the forms of the page do. They work without JavaScript in the browser.

import { cookies } from 'next/headers';
import { redirect } from 'next/navigation';

import { change as readChange, newTicket } from '@/lib/input';
import { Refused } from '@/lib/refused';
import { changeTicket, createTicket, deleteTicket } from '@/lib/tickets';
import { pageUser, USER_COOKIE } from '@/lib/users';

export async function choose(form: FormData) {
  (await cookies()).set(USER_COOKIE, text(form, 'user'), { httpOnly: true, sameSite: 'lax' });
  redirect('/');
}

export async function create(form: FormData) {
  await andReturn('created', async () => {
    const input = newTicket(fields(form, ['title', 'description', 'orgId', 'priority']));
    await createTicket(await pageUser(), input);
  });
}

export async function change(form: FormData) {
  await andReturn('changed', async () => {
    const input = readChange(fields(form, ['status', 'assigneeId']));
    await changeTicket(await pageUser(), text(form, 'id'), input);
  });
}

export async function remove(form: FormData) {
  await andReturn('deleted', async () => deleteTicket(await pageUser(), text(form, 'id')));
}

/** Goes back to the page with a notice: what was done, or that it was refused. */
async function andReturn(done: string, work: () => Promise<void>): Promise<never> {
  let notice = done;
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    notice = String(error.status);
  }
  redirect(`/?notice=${notice}`);
}

function fields(form: FormData, names: string[]): object {
  return Object.fromEntries(names.map((name) => [name, text(form, name)]));
}

function text(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value : '';
}
