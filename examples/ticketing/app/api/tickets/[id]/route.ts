import { answer, body } from '../../answer';
import { change } from '@/lib/input';
import { changeTicket, deleteTicket, readTicket } from '@/lib/tickets';
import { requireUser } from '@/lib/users';

type Context = { params: Promise<{ id: string }> };

export function GET(_: Request, { params }: Context) {
  return answer(async () => Response.json(await readTicket(await requireUser(), (await params).id)));
}

export function PATCH(request: Request, { params }: Context) {
  return answer(async () => {
    const user = await requireUser();
    return Response.json(await changeTicket(user, (await params).id, change(await body(request))));
  });
}

export function DELETE(_: Request, { params }: Context) {
  return answer(async () => {
    await deleteTicket(await requireUser(), (await params).id);
    return new Response(null, { status: 204 });
  });
}
