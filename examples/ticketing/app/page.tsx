import { ChooseUser } from './components/choose-user';
import { Column } from './components/column';
import { NewTicket } from './components/new-ticket';
import { Notice } from './components/notice';
import { Tickets } from './components/tickets';
import { WAYS } from '@/lib/lists';
import { allUsers, pageUser } from '@/lib/users';

// The answer depends on who asks, and on the database.
export const dynamic = 'force-dynamic';

type Props = { searchParams: Promise<{ notice?: string }> };

export default async function Page({ searchParams }: Props) {
  const [users, user, { notice }] = await Promise.all([allUsers(), pageUser(), searchParams]);

  // One after the other, so that none is measured while another one works.
  const columns = [];
  for (const way of WAYS) columns.push(await Column({ way, userId: user.id }));

  return (
    <>
      <header data-user={user.id}>
        <h1>Tickets</h1>
        <ChooseUser users={users} chosen={user} />
      </header>
      <main>
        <Notice code={notice} />
        <section aria-labelledby="list">
          <h2 id="list">The same list, three ways</h2>
          <div className="columns">{columns}</div>
        </section>
        <Tickets user={user} users={users} />
        <NewTicket user={user} />
      </main>
    </>
  );
}
