import t from 'tap';
import { encodeHostCallRequest } from '../../src/protocol/host-call.js';
import { goGuest } from '../guest-modules.js';
import { bodyOf, hex, requestOf, startGuest } from './guest.js';

// The first Go guest on a machine compiles Go’s library.
t.setTimeout(3_600_000);

const module = await goGuest('echo');
const skip = module === undefined ? 'Go >= 1.24 is not installed' : false;
const start = (...answer: Parameters<typeof startGuest> extends [unknown, ...infer Rest] ? Rest : never) =>
  startGuest(module ?? new Uint8Array(0), ...answer);

t.test(
  'A Go plugin without any library answers with the body, after as many host calls as asked',
  { skip },
  async (t) => {
    const guest = start(() => ({ payload: Buffer.from('0a0161', 'hex') }));
    const response = guest.ask(requestOf('EchoReq', { calls: '3' }, 'ünï\u0000'));
    t.same(
      [response.statusCode, response.contentType, bodyOf(response)],
      [200, 'text/plain; charset=utf-8', 'ünï\u0000'],
    );
    t.same(
      guest.calls.map((call) => `${call.service} ${call.method}`),
      Array(3).fill('runtime info.uuid'),
    );
  },
);

t.test('A Go plugin passes raw host calls on and sees their raw responses', { skip }, async (t) => {
  const call = {
    service: 'storage',
    method: 'get',
    resourceRef: 'a/b.txt',
    table: '',
    payload: Buffer.from('x'),
    owner: '',
    version: '',
  };
  const request = (type: string) => ({ ...requestOf(type), request: { body: encodeHostCallRequest(call) } });
  const guest = start(() => ({ status: 2, payload: Buffer.from('{}') }));
  t.equal(hex(guest.ask(request('CallReq')).body), '080212027b7d');
  t.same(guest.calls[0], { ...call, payload: Uint8Array.from(call.payload) });
  t.equal(hex(start().ask(request('CallReq')).body), '', 'a host_call of 0 is success without payload');
});

t.test('A Go plugin reaches no file, no network, no environment', { skip }, async (t) => {
  const guest = start();
  for (const line of bodyOf(guest.ask(requestOf('FilesReq'))).split('\n')) t.not(line, 'allowed');
  for (const line of bodyOf(guest.ask(requestOf('SocketReq'))).split('\n')) t.not(line, 'allowed');
  t.equal(bodyOf(guest.ask(requestOf('EnvReq'))), '[]\n[]');
  t.equal(bodyOf(guest.ask(requestOf('StdinReq'))), '0 EOF');
});

t.test('What a Go plugin prints is handed to the host', { skip }, async (t) => {
  const guest = start();
  t.equal(bodyOf(guest.ask(requestOf('PrintReq', {}, 'hello'))), 'printed');
  t.same(guest.printed, ['1:out: hello\n', '2:err: hello']);
});

t.test('A Go plugin that exits leaves through proc_exit', { skip }, async (t) => {
  t.throws(() => start().ask(requestOf('ExitReq')), { message: 'exit 3' });
});

// [request type, what Go says of it]
const CRASHES: [string, string][] = [
  ['PanicReq', 'panic: the guest panics'],
  ['NilReq', 'nil pointer dereference'],
  ['DeadlockReq', 'all goroutines are asleep - deadlock!'],
];

// A Go library, unlike a Go command, aborts: exit code 2 is never seen.
for (const [requestType, said] of CRASHES) {
  t.test(`A Go plugin that crashes says why on standard error and traps: ${requestType}`, { skip }, async (t) => {
    const guest = start();
    t.throws(() => guest.ask(requestOf(requestType)), { name: 'RuntimeError', message: 'unreachable' });
    t.match(guest.printed.map((text) => text.slice(2)).join(''), said);
  });
}

t.test('Clocks, sleeping, entropy, memory and goroutines work in a Go plugin', { skip }, async (t) => {
  const guest = start();
  t.ok(Math.abs(Number(bodyOf(guest.ask(requestOf('TimeReq')))) - Date.now()) < 60_000);
  t.ok(Number(bodyOf(guest.ask(requestOf('SleepReq', { ms: '5' })))) >= 5);
  const random = bodyOf(guest.ask(requestOf('RandomReq')));
  t.match(random, /^[0-9a-f]{32}$/);
  t.not(bodyOf(guest.ask(requestOf('RandomReq'))), random);
  t.equal(bodyOf(guest.ask(requestOf('AllocReq', { mib: '20' }))), '20');
  t.equal(bodyOf(guest.ask(requestOf('GoroutineReq'))), '5050');
  t.same([bodyOf(guest.ask(requestOf('StateReq'))), bodyOf(guest.ask(requestOf('StateReq')))], ['1', '2']);
});
