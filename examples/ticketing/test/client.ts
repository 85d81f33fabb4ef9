// The application's API, as one of its users.

import type { Call } from '../lib/measure';

export type Ticket = { id: string; title: string; status: string; orgId: string; creatorId: string; assigneeId: string | null };

export type Answer<T> = { status: number; body: T };

/** A client for the user with that id. With `DEBUG=true` it prints what it sends and gets. */
export function clientOf(url: string, userId?: string) {
  async function send<T>(method: string, path: string, body?: object): Promise<Answer<T>> {
    const headers: Record<string, string> = userId ? { Cookie: `user=${userId}` } : {};
    const response = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) });
    const text = await response.text();
    if (process.env.DEBUG === 'true') {
      const sent = body ? ` ${JSON.stringify(body)}` : '';
      console.log(`${userId ?? 'nobody'}: ${method} ${path}${sent}\n  → ${response.status} ${text}`);
    }
    return { status: response.status, body: text ? JSON.parse(text) : undefined };
  }

  return {
    create: (ticket: object) => send<Ticket>('POST', '/api/tickets', ticket),
    read: (id: string) => send<Ticket>('GET', `/api/tickets/${id}`),
    change: (id: string, change: object) => send<Ticket>('PATCH', `/api/tickets/${id}`, change),
    remove: (id: string) => send<undefined>('DELETE', `/api/tickets/${id}`),
    list: (way: string) => send<{ tickets: Ticket[]; calls: Call[] }>('GET', `/api/tickets?way=${way}`),

    /** The ids that the user sees by one of the ways. */
    async ids(way: string): Promise<string[]> {
      const { status, body } = await this.list(way);
      if (status !== 200) throw new Error(`${way} was answered with ${status}: ${JSON.stringify(body)}`);
      return body.tickets.map((ticket) => ticket.id);
    },
  };
}

export type Client = ReturnType<typeof clientOf>;
