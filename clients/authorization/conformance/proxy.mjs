// Stands between a client and the server, keeps what they say to each other, and holds every answer against the documents.

import { Agent, createServer, request as ask } from 'node:http';

import { ADDITIONS, DEPARTURES } from './departures.mjs';
import { Document } from './document.mjs';

let published;

async function whole(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const covers = (departure, operation, status, problem) =>
  (departure.operation === undefined || departure.operation === operation) &&
  (departure.status === undefined || departure.status === status) &&
  (departure.at === undefined || departure.at === problem.at) &&
  departure.keyword === problem.keyword;

/** Starts a proxy in front of a server. `own` is the server's own document: what the published one lacks must be there. */
export async function record(upstream, own) {
  published ??= Document.published();
  const target = new URL(upstream);
  // A connection for each request: one that is kept may be closed by the other side just when it is used again.
  const agent = new Agent({ keepAlive: false });
  const requests = [];
  const problems = [];
  const hit = new Set();

  /** Holds an answer against both documents. What the published one lacks is an addition, or Rowgate's own. */
  function judge(method, path, answer) {
    const ours = own.find(method, path);
    const addition = ADDITIONS.find((one) => one.operation === ours);
    const theirs = published.find(method, path) ?? addition?.like;
    if (addition) hit.add(addition);
    if (!ours) {
      // A path that is not built is one thing, an answer that nobody describes another.
      if (answer.status !== 404) problems.push({ operation: `${method} ${path}`, why: 'the server does not document it' });
      return;
    }
    problems.push(...told(ours, 'own', own.problems(ours, answer), method, path, answer));
    if (!theirs) {
      if (!addition && !ours.includes(' /rowgate/')) problems.push({ operation: ours, why: 'neither documented nor an addition' });
      return;
    }
    const found = published.problems(theirs, answer).filter((problem) => {
      const departure = DEPARTURES.find((one) => covers(one, theirs, answer.status, problem));
      if (departure) hit.add(departure);
      return !departure;
    });
    problems.push(...told(theirs, 'published', found, method, path, answer));
  }

  const told = (operation, document, found, method, path, { status, body }) =>
    found.map((problem) => ({ document, operation, request: `${method} ${path}`, status, ...problem, body }));

  const server = createServer(async (incoming, outgoing) => {
    const { method, url: path } = incoming;
    try {
      const body = await whole(incoming);
      const answer = await new Promise((resolve, reject) => {
        const { hostname, port } = target;
        ask({ agent, hostname, port, method, path, headers: incoming.headers }, resolve).on('error', reject).end(body);
      });
      const text = await whole(answer);
      const { connection, 'keep-alive': kept, 'transfer-encoding': coding, ...headers } = answer.headers;
      requests.push({ method, path, body: body.toString(), headers: incoming.headers, status: answer.statusCode });
      judge(method, path, {
        status: answer.statusCode,
        contentType: headers['content-type'],
        body: text.toString(),
      });
      outgoing.writeHead(answer.statusCode, headers).end(text);
    } catch (error) {
      problems.push({ operation: `${method} ${path}`, why: `the proxy failed: ${error.stack}` });
      outgoing.writeHead(502, { 'content-type': 'application/json' }).end('{"message":"the proxy failed"}');
    }
  });
  server.keepAliveTimeout = 60_000;
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,

    /** Every request that came: method, path as sent, body, headers; and the status of the answer. */
    requests,

    /** The additions and departures that answers needed. */
    hit,

    /** What was wrong since this was asked last. */
    problems: () => problems.splice(0),

    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      agent.destroy();
    },
  };
}
