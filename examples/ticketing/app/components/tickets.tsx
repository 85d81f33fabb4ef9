import { change, remove } from '../actions';
import { TicketStatus, type User } from '@/generated/prisma/client';
import type { ListedTicket } from '@/lib/lists';
import { rowLevelSecurity } from '@/lib/lists/rls';
import { permitted } from '@/lib/permitted';

/** The user's tickets, with forms for what they may do to each. */
export async function Tickets({ user, users }: { user: User; users: User[] }) {
  const tickets = await rowLevelSecurity(user.id);
  const may = await permitted(user.id, tickets, ['editor', 'deleter']);
  return (
    <section aria-labelledby="yours">
      <h2 id="yours">Your tickets</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">Ticket</th>
            <th scope="col">Organization</th>
            <th scope="col">From</th>
            <th scope="col">Status and assignee</th>
            <th scope="col">Delete</th>
          </tr>
        </thead>
        <tbody>
          {tickets.map((ticket) => (
            <tr key={ticket.id} data-row={ticket.id}>
              <th scope="row">
                <code>{ticket.id}</code> {ticket.title}
                <p>{ticket.description}</p>
              </th>
              <td>{ticket.orgId}</td>
              <td>{ticket.creator.name}</td>
              <td>{may(ticket.id, 'editor') ? <Change ticket={ticket} users={users} /> : <State ticket={ticket} />}</td>
              <td>{may(ticket.id, 'deleter') && <Delete ticket={ticket} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

const words = (status: string) => status.toLowerCase().replaceAll('_', ' ');

function State({ ticket }: { ticket: ListedTicket }) {
  return `${words(ticket.status)}, ${ticket.assignee?.name ?? 'nobody'}`;
}

function Change({ ticket, users }: { ticket: ListedTicket; users: User[] }) {
  return (
    <form action={change} key={`${ticket.status} ${ticket.assigneeId}`}>
      <input type="hidden" name="id" value={ticket.id} />
      <select name="status" defaultValue={ticket.status} aria-label={`Status of ${ticket.id}`}>
        {Object.values(TicketStatus).map((status) => (
          <option key={status} value={status}>
            {words(status)}
          </option>
        ))}
      </select>
      <select name="assigneeId" defaultValue={ticket.assigneeId ?? ''} aria-label={`Assignee of ${ticket.id}`}>
        <option value="">nobody</option>
        {users.map((user) => (
          <option key={user.id} value={user.id}>
            {user.name}
          </option>
        ))}
      </select>
      <button aria-label={`Save ${ticket.id}`}>Save</button>
    </form>
  );
}

function Delete({ ticket }: { ticket: ListedTicket }) {
  return (
    <form action={remove}>
      <input type="hidden" name="id" value={ticket.id} />
      <button aria-label={`Delete ${ticket.id}`}>Delete</button>
    </form>
  );
}
