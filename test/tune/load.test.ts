import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createSocketServer } from 'node:net';
import t, { type Test } from 'tap';
import { applyLoad, type LoadPlan, type LoadResult } from '../../src/tune/load.js';
import { closedPort } from '../closed-port.js';

/** Load of `ms`, or, on a machine that answers nothing within that, of as long as it takes for one answer. */
async function load({ ms, ...plan }: LoadPlan): Promise<LoadResult> {
  const result = await applyLoad({ ...plan, ms });
  return result.requests + result.failed > 0 ? result : load({ ...plan, ms: 2 * ms });
}

t.test('load reports how many requests were answered, and how slowly', async (t) => {
  let seen = 0;
  const url = await serve(t, (request, response) => {
    seen += 1;
    request.resume().on('end', () => response.end('x'.repeat(100_000)));
  });
  const result = await load({ url, method: 'POST', body: 'hello', connections: 3, ms: 100 });
  t.ok(result.requests > 0 && result.requests <= seen, `${result.requests} of ${seen}`);
  t.ok(result.requestsPerSecond > 0);
  t.ok(result.p50Ms > 0 && result.p99Ms >= result.p50Ms);
  t.match(result, { failed: 0, failure: '' });
});

t.test('load sends the method, path, headers and body that it was told', async (t) => {
  let line = '';
  const url = await serve(t, async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    line = `${request.method} ${request.url} ${request.headers.authorization} ${body}`;
    response.end();
  });
  await load({
    url: `${url}/a?b=c`,
    method: 'PUT',
    headers: { authorization: 'x' },
    body: 'é',
    connections: 1,
    ms: 20,
  });
  t.equal(line, 'PUT /a?b=c x é');
});

t.test('answers that come in pieces or without a body are counted once', async (t) => {
  const url = await serve(t, (_request, response) => {
    response.writeHead(200, { 'content-length': '4' });
    response.write('ab');
    setImmediate(() => response.end('cd'));
  });
  t.match(await load({ url, method: 'GET', connections: 2, ms: 50 }), { failed: 0 });
  const silent = await serve(t, (_request, response) => response.writeHead(204).end());
  const result = await load({ url: silent, method: 'GET', connections: 2, ms: 50 });
  t.ok(result.requests > 0 && result.failed === 0);
});

t.test('a status other than 2xx is a failure', async (t) => {
  const url = await serve(t, (_request, response) => response.writeHead(503).end());
  const result = await load({ url, method: 'GET', connections: 1, ms: 20 });
  t.match(result, { requests: 0, failure: 'status 503', p99Ms: 0 });
  t.ok(result.failed > 0);
});

t.test('a connection that is closed without an answer is a failure', async (t) => {
  const server = createSocketServer((socket) => socket.on('data', () => socket.destroy()));
  const url = await listen(t, server);
  const result = await load({ url, method: 'GET', connections: 2, ms: 50 });
  t.equal(result.requests, 0);
  t.ok(result.failed > 0);
  t.not(result.failure, '');
});

t.test('a server that is not there rejects the load', async (t) => {
  const url = `http://127.0.0.1:${await closedPort(t)}`;
  await t.rejects(load({ url, method: 'GET', connections: 1, ms: 20 }), { code: 'ECONNREFUSED' });
});

function serve(t: Test, listener: RequestListener): Promise<string> {
  return listen(t, createServer(listener));
}

async function listen(t: Test, server: ReturnType<typeof createSocketServer>): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
