import { create } from '../actions';
import { TicketPriority, type User } from '@/generated/prisma/client';
import { trusted } from '@/lib/database';

/** A form for every organization. Rowgate says no where the user has nothing to do with it. */
export async function NewTicket({ user }: { user: User }) {
  const organizations = await trusted().organization.findMany({ orderBy: { id: 'asc' } });
  return (
    <section aria-labelledby="new">
      <h2 id="new">New ticket</h2>
      <form action={create} className="new">
        <label>
          Title
          <input name="title" required maxLength={100} />
        </label>
        <label>
          Description
          <textarea name="description" required rows={3} />
        </label>
        <label>
          Organization
          <select name="orgId" defaultValue={user.orgId} key={user.id}>
            {organizations.map((organization) => (
              <option key={organization.id} value={organization.id}>
                {organization.name}
              </option>
            ))}
          </select>
        </label>
        <label>
          Priority
          <select name="priority" defaultValue={TicketPriority.MEDIUM}>
            {Object.values(TicketPriority).map((priority) => (
              <option key={priority} value={priority}>
                {priority.toLowerCase()}
              </option>
            ))}
          </select>
        </label>
        <button>File</button>
      </form>
    </section>
  );
}
