'use server';

// What the forms of the page do. They work without JavaScript in the browser.

import { cookies } from 'next/headers';
import { redirect } from 'next/navigation';

import { Refused } from '@/lib/refused';
import { changeTicket, createTicket, deleteTicket } from '@/lib/tickets';
import { pageUser, USER_COOKIE } from '@/lib/users';

export async function choose(form: FormData) {
  (await cookies()).set(USER_COOKIE, text(form, 'user'), { httpOnly: true, sameSite: 'lax' });
  redirect('/');
}

export async function create(form: FormData) {
  await andReturn('created', async () => {
    const [title, description] = [text(form, 'title'), text(form, 'description')];
    const [orgId, priority] = [text(form, 'orgId'), text(form, 'priority')];
    await createTicket(await pageUser(), { title, description, orgId, priority });
  });
}

export async function change(form: FormData) {
  await andReturn('changed', async () => {
    const change = { status: text(form, 'status'), assigneeId: text(form, 'assigneeId') };
    await changeTicket(await pageUser(), text(form, 'id'), change);
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

function text(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value : '';
}
