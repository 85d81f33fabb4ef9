// How the API answers.

import { Refused } from '@/lib/refused';

/** Runs a handler; what it refuses becomes an answer with a status and a message. */
export async function answer(work: () => Promise<Response>): Promise<Response> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refused) return Response.json({ message: error.message }, { status: error.status });
    throw error;
  }
}

/** The JSON object in a request's body. */
export async function body(request: Request): Promise<object> {
  const value: unknown = await request.json().catch(() => undefined);
  if (typeof value !== 'object' || value === null) throw new Refused(400, 'the body is a JSON object');
  return value;
}
