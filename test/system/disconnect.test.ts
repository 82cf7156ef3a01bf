/** Clients that go away, on real sockets with real guests: what they leave behind is nothing. */
import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { encodeHostCallRequest } from '../../src/protocol/host-call.js';
import { type EngineHost, type EngineHostOptions, grantOf, startEngine } from '../engine-host.js';
import { watGuest } from '../guest-modules.js';
import { fakeHost, route, view } from '../http/fakes.js';

interface Served extends EngineHost {
  readonly port: number;
}

/** Loaded are `echo`, `loops` and `asks`, which asks the host for what its body says. */
async function serve(t: Test, options: EngineHostOptions = {}): Promise<Served> {
  const host = startEngine(t, { ...options, placements: { runtime: 'host' } });
  await host.load('echo', await watGuest('echo'));
  await host.load('loops', await watGuest('infinite-loop'));
  await host.load('asks', await watGuest('host-call'), { services: [grantOf('runtime', ['info.uuid'])] });
  const views = ['echo', 'loops', 'asks'].map((id) => view(id, [route('POST', '/')]));
  const { app } = fakeHost({ views, engine: host.engine });
  await app.listen({ host: '127.0.0.1', port: 0 });
  t.teardown(() => app.close());
  return { ...host, port: (app.server.address() as AddressInfo).port };
}

const ASK = encodeHostCallRequest({
  service: 'runtime',
  method: 'info.uuid',
  resourceRef: '',
  table: '',
  payload: Buffer.alloc(0),
  owner: '',
  version: '',
});

function send(t: Test, port: number, id: string, body: Uint8Array = Buffer.alloc(0)): Socket {
  const socket = connect(port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  return post(socket, id, body);
}

function post(socket: Socket, id: string, body: Uint8Array = Buffer.alloc(0)): Socket {
  socket.write(`POST /x/${id}/ HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n`);
  socket.write(body);
  return socket;
}

async function askBystander(t: Test, port: number): Promise<void> {
  const socket = send(t, port, 'echo');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  t.match(answer.toString(), /^HTTP\/1\.1 200 OK\r\n[\s\S]*\{"ok":true\}$/, 'the bystander is served');
  socket.destroy();
}

/** Waits until a line is among the metrics. */
async function metric(host: EngineHost, line: string): Promise<void> {
  while (!(await host.metrics.render()).includes(`${line}\n`)) await new Promise(setImmediate);
}

const cancelled = (id: string, count = 1) =>
  `sandpool_invocations_total{plugin="${id}",version="v0.1.0",code="SBX_CANCELLED"} ${count}`;

t.test('the loop of a guest ends when its client goes away, long before its deadline', async (t) => {
  const host = await serve(t, { limits: { deadlineMs: 600_000 }, pool: { maxThreads: 1 } });
  const socket = send(t, host.port, 'loops');
  await metric(host, 'sandpool_slots_in_use 1');
  socket.destroy();
  await metric(host, 'sandpool_slots_in_use 0');
  await metric(host, cancelled('loops'));
  await askBystander(t, host.port);
  t.notMatch(await host.metrics.render(), /^sandpool_workers_replaced_total\{/m, 'by the same thread');
});

t.test('a guest that waits for the host is not waited for when its client goes away', async (t) => {
  const host = await serve(t, {
    limits: { deadlineMs: 600_000 },
    pool: { maxThreads: 1, maxWaitingThreads: 0 },
    answerHostCall: () => new Promise(() => {}),
  });
  const socket = send(t, host.port, 'asks', ASK);
  await metric(host, 'sandpool_workers_in_host_call 1');
  socket.destroy();
  await metric(host, 'sandpool_slots_in_use 0');
  await metric(host, cancelled('asks'));
  await askBystander(t, host.port);
});

t.test('who goes away while waiting for a thread never gets one', async (t) => {
  const host = await serve(t, { limits: { deadlineMs: 600_000 }, pool: { maxThreads: 1, slots: 1 } });
  const first = send(t, host.port, 'loops');
  await metric(host, 'sandpool_slots_in_use 1');
  const second = send(t, host.port, 'echo');
  await metric(host, 'sandpool_queue_length 1');
  second.destroy();
  await metric(host, 'sandpool_queue_length 0');
  await metric(host, cancelled('echo'));
  first.destroy();
  await metric(host, 'sandpool_slots_in_use 0');
  await askBystander(t, host.port);
});

t.test('all that a client has sent at once ends with it', async (t) => {
  const host = await serve(t, { limits: { deadlineMs: 600_000 }, pool: { maxThreads: 1 } });
  const socket = send(t, host.port, 'loops');
  post(post(socket, 'loops'), 'loops');
  await metric(host, 'sandpool_slots_in_use 1');
  await metric(host, 'sandpool_queue_length 2');
  socket.destroy();
  await metric(host, cancelled('loops', 3));
  await metric(host, 'sandpool_slots_in_use 0');
  await askBystander(t, host.port);
});

t.test('a connection that serves many requests stops none of those that are answered', async (t) => {
  const host = await serve(t);
  const socket = connect(host.port, '127.0.0.1');
  for (let count = 0; count < 5; count++) {
    post(socket, 'echo');
    await once(socket, 'data');
  }
  t.equal(socket.destroy().destroyed, true);
  await askBystander(t, host.port);
  t.notMatch(await host.metrics.render(), 'SBX_CANCELLED');
});

t.test('a plugin that computes is served while others wait for the host', async (t) => {
  const answers: ((reply: Uint8Array) => void)[] = [];
  const host = await serve(t, {
    limits: { deadlineMs: 600_000 },
    pool: { maxThreads: 1, maxWaitingThreads: 2 },
    answerHostCall: () => new Promise((resolve) => answers.push(resolve)),
  });
  const sockets = [send(t, host.port, 'asks', ASK), send(t, host.port, 'asks', ASK)];
  await metric(host, 'sandpool_workers_in_host_call 2');
  await askBystander(t, host.port);
  t.match(await host.metrics.render(), 'sandpool_workers_in_host_call 2', 'and they still wait');
  const replies = sockets.map((socket) => once(socket, 'data'));
  for (const answer of answers) answer(Buffer.from('\x12\x05reply', 'latin1'));
  for (const [reply] of await Promise.all(replies)) t.match(String(reply), /^HTTP\/1\.1 200/);
});
