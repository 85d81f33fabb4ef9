import type { Way } from '@/lib/lists';
import { measure, type Call } from '@/lib/measure';

/** The list by one way: its ids, and what it cost. */
export async function Column({ way, userId }: { way: Way; userId: string }) {
  const { list } = way;
  return (
    <article key={way.name} className="column" data-way={way.name}>
      <h3>{way.title}</h3>
      <p>{way.summary}</p>
      <Measured {...await measure(() => list(userId))} />
    </article>
  );
}

type MeasuredProps = { value: { id: string; title: string }[]; calls: Call[]; milliseconds: number };

function Measured({ value, calls, milliseconds }: MeasuredProps) {
  const to = (whom: Call['to']) => calls.filter((call) => call.to === whom).length;
  return (
    <>
      <dl>
        <Figure name="tickets" value={String(value.length)} />
        <Figure name="calls to Rowgate" value={String(to('rowgate'))} />
        <Figure name="SQL statements" value={String(to('postgres'))} />
        <Figure name="milliseconds" value={milliseconds.toFixed(1)} />
      </dl>
      <ol>
        {value.map((ticket) => (
          <li key={ticket.id} data-ticket={ticket.id}>
            <code>{ticket.id}</code> {ticket.title}
          </li>
        ))}
      </ol>
      <details>
        <summary>Calls</summary>
        <ul>
          {calls.map((call, at) => (
            <li key={at}>
              <code>{call.text}</code>
            </li>
          ))}
        </ul>
      </details>
    </>
  );
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
