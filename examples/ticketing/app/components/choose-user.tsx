import { choose } from '../actions';
import type { User } from '@/generated/prisma/client';
import { roles } from '@/lib/roles';

/** Who is looking, what Rowgate says they are, and a form to be somebody else. */
export async function ChooseUser({ users, chosen }: { users: User[]; chosen: User }) {
  return (
    <div className="who">
      <form action={choose}>
        <label>
          You are
          <select name="user" defaultValue={chosen.id} key={chosen.id}>
            {users.map((user) => (
              <option key={user.id} value={user.id}>
                {user.name}
              </option>
            ))}
          </select>
        </label>
        <button>Switch</button>
      </form>
      <p id="roles">{(await roles(chosen.id)).join(', ') || 'no role in any organization'}</p>
    </div>
  );
}
