import { answer, body } from '../../answer';
import { changeTicket, deleteTicket, readTicket, type Change } from '@/lib/tickets';
import { requireUser } from '@/lib/users';

type Context = { params: Promise<{ id: string }> };

export function GET(_: Request, { params }: Context) {
  return answer(async () => Response.json(await readTicket(await requireUser(), (await params).id)));
}

export function PATCH(request: Request, { params }: Context) {
  return answer(async () => {
    const user = await requireUser();
    return Response.json(await changeTicket(user, (await params).id, await body<Change>(request)));
  });
}

export function DELETE(_: Request, { params }: Context) {
  return answer(async () => {
    await deleteTicket(await requireUser(), (await params).id);
    return new Response(null, { status: 204 });
  });
}
