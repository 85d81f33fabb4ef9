import { allowedEach } from './batch';

/** What the user may do to each ticket: a function that says so, after one batch of checks. */
export async function permitted(userId: string, tickets: { id: string }[], relations: string[]) {
  const questions = tickets.flatMap(({ id }) => relations.map((relation) => ({ relation, ticketId: id })));
  const answers = await allowedEach(userId, questions);
  const yes = new Set(questions.filter((_, at) => answers[at]).map(({ relation, ticketId }) => `${relation} ${ticketId}`));
  return (ticketId: string, relation: string) => yes.has(`${relation} ${ticketId}`);
}
