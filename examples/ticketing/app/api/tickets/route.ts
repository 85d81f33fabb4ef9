import { answer, body } from '../answer';
import { newTicket } from '@/lib/input';
import { WAYS } from '@/lib/lists';
import { measure } from '@/lib/measure';
import { Refused } from '@/lib/refused';
import { createTicket } from '@/lib/tickets';
import { requireUser } from '@/lib/users';

/** The tickets that the user may see, by one of the three ways: `?way=pre-filter`. */
export function GET(request: Request) {
  return answer(async () => {
    const user = await requireUser();
    const name = new URL(request.url).searchParams.get('way') ?? 'pre-filter';
    const list = WAYS.find((way) => way.name === name)?.list;
    if (!list) throw new Refused(400, `there is no way \`${name}\` to list tickets`);
    const { value, calls, milliseconds } = await measure(() => list(user.id));
    return Response.json({ tickets: value, calls, milliseconds });
  });
}

export function POST(request: Request) {
  return answer(async () => {
    const ticket = await createTicket(await requireUser(), newTicket(await body(request)));
    return Response.json(ticket, { status: 201 });
  });
}
