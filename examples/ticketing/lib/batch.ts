import { fga, user } from './fga';

const CHECKS_IN_A_REQUEST = 100;

export type Question = { relation: string; ticketId: string };

/** May the user? One answer for each question, in their order. */
export async function allowedEach(userId: string, questions: Question[]): Promise<boolean[]> {
  const checks = questions.map(({ relation, ticketId }) => ({
    resource: { resourceType: 'ticket', resourceId: ticketId },
    relation,
    subject: user(userId),
  }));
  const answers: boolean[] = [];
  for (let from = 0; from < checks.length; from += CHECKS_IN_A_REQUEST) {
    const results = await fga().checkBatch({ checks: checks.slice(from, from + CHECKS_IN_A_REQUEST) });
    answers.push(...results.map((result) => result.isAuthorized()));
  }
  return answers;
}
