import { Prisma } from '../generated/prisma/client';

/** What a user cannot do, with the status of the answer. */
export class Refused extends Error {
  constructor(
    readonly status: 400 | 401 | 403 | 404 | 409,
    message: string,
  ) {
    super(message);
  }
}

const INSUFFICIENT_PRIVILEGE = '42501';
const NO_SUCH_ROW = 'P2025';
const CONFLICT = 'P2034';

/** Runs work on a ticket; what the database's policies refuse becomes a `Refused`. */
export async function orRefused<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Prisma.PrismaClientKnownRequestError)) throw error;
    if (error.code === NO_SUCH_ROW) throw new Refused(404, 'there is no such ticket, or you may not do that to it');
    if (error.code === CONFLICT) throw new Refused(409, 'somebody else changed it at the same moment: try again');
    if (sqlState(error) === INSUFFICIENT_PRIVILEGE) throw new Refused(403, 'you may not leave a ticket like that');
    throw error;
  }
}

/** The code that Postgres gave the error. */
function sqlState(error: Prisma.PrismaClientKnownRequestError): string | undefined {
  const meta = error.meta as { driverAdapterError?: { cause?: { originalCode?: string } } } | undefined;
  return meta?.driverAdapterError?.cause?.originalCode;
}
