/** What a user cannot do, with the status of the answer. */
export class Refused extends Error {
  constructor(
    readonly status: 400 | 401 | 403 | 404,
    message: string,
  ) {
    super(message);
  }
}
