import t from 'tap';
import { encodeHostCallRequest } from '../../src/protocol/host-call.js';
import { goGuest } from '../guest-modules.js';
import { startTestHost, type TestHost } from './host.js';

const REQUEST_TYPES =
  'EchoReq CallReq SleepReq PrintReq PanicReq NilReq ExitReq LoopReq RecurseReq DeadlockReq FilesReq EnvReq SocketReq ' +
  'StdinReq TimeReq RandomReq AllocReq GoroutineReq StateReq';
const HOST_SERVICES = [
  { service: 'runtime', methods: ['info.now', 'info.uuid', 'info.node', 'log.write', 'state.get', 'state.set'] },
  { service: 'hostconfig', methods: ['get'], resources: { keys: ['workspace.basePath'] } },
];

const module = await goGuest('echo');

for (const isolation of ['pristine', 'fresh'] as const) {
  t.test(
    `a Go guest against the raw ABI (${isolation})`,
    { skip: module === undefined && 'Go >= 1.24 is not installed' },
    async (t) => {
      const host = await startTestHost(t, {
        SANDBOX_ISOLATION: isolation,
        SANDBOX_PLUGINS_BOUND_DEADLINE_MS: '300',
        SANDBOX_MEMORY_LIMIT_MIB: '64',
      });
      const routes = REQUEST_TYPES.split(' ').map((requestType) => ({
        method: 'POST',
        path: `/${requestType}`,
        requestType,
      }));
      for (const id of ['go', 'bound'])
        await host.serve(id, { module: module as Uint8Array, routes, hostServices: HOST_SERVICES });
      const ask = (type: string, body = '', query = '') =>
        host.fetch(`/x/go/${type}${query}`, { method: 'POST', body });

      await t.test('answers with what it was sent (F124)', async (t) => {
        const answer = await ask('EchoReq', 'grüße', '?calls=5');
        t.equal(answer.status, 200);
        t.match(answer.text, 'grüße');
      });
      await t.test('asks services in the worker and on the main thread', async (t) => {
        const call = (service: string, method: string, resourceRef = '', payload: Uint8Array = Buffer.alloc(0)) =>
          Buffer.from(
            encodeHostCallRequest({ service, method, resourceRef, table: '', payload, owner: '', version: '' }),
          ).toString('latin1');
        const now = await host.fetch('/x/go/CallReq', {
          method: 'POST',
          body: Buffer.from(call('runtime', 'info.now'), 'latin1'),
        });
        t.match(now.text, /\d{13}/);
        const key = Buffer.from('\n\x12workspace.basePath');
        const body = Buffer.from(call('hostconfig', 'get', 'workspace.basePath', key), 'latin1');
        t.match((await host.fetch('/x/go/CallReq', { method: 'POST', body })).text, '"/admin"');
      });
      await t.test('sleeps for real, but not past its deadline', async (t) => {
        const before = performance.now();
        t.equal((await ask('SleepReq', '', '?ms=60')).status, 200);
        t.ok(performance.now() - before >= 59);
        const bound = await host.fetch('/x/bound/SleepReq?ms=600000', { method: 'POST' });
        t.match(bound, { status: 500, text: /deadline of 300 ms/ });
      });
      await t.test('reaches no file, no environment and no socket', async (t) => {
        for (const type of ['FilesReq', 'EnvReq', 'SocketReq', 'StdinReq']) {
          const answer = await ask(type);
          t.equal(answer.status, 200, type);
          t.notMatch(answer.text, /root:|PATH=|HOME=/, type);
        }
      });
      await t.test('remembers nothing', async (t) => {
        const answers = new Set<string>();
        for (let request = 0; request < 5; request++) answers.add((await ask('StateReq')).text);
        t.equal(answers.size, 1);
      });
      await t.test('has real entropy in every request', async (t) => {
        const answers = new Set<string>();
        for (let request = 0; request < 5; request++) answers.add((await ask('RandomReq')).text);
        t.equal(answers.size, 5);
      });
      await t.test('fails by code, and serves the next request', async (t) => {
        for (const [type, code, id] of [
          ['PanicReq', 'SBX_TRAP', 'go'],
          ['NilReq', 'SBX_TRAP', 'go'],
          ['DeadlockReq', 'SBX_TRAP', 'go'],
          ['ExitReq', 'SBX_EXIT', 'go'],
          ['LoopReq', 'SBX_DEADLINE', 'bound'],
        ] as const) {
          t.equal(await errorOf(host, id, type), code, type);
          t.equal((await ask('EchoReq', 'still here')).status, 200, `after ${type}`);
        }
        t.match(await ask('AllocReq', '', '?mib=512'), { status: 500 }, 'more memory than it may have');
        t.equal((await ask('EchoReq', 'still here')).status, 200);
      });
      await t.test('runs goroutines', async (t) => t.equal((await ask('GoroutineReq')).status, 200));
    },
  );
}

async function errorOf(host: TestHost, id: string, type: string): Promise<string | null> {
  const { headers } = await host.fetch(`/x/${id}/${type}`, { method: 'POST' });
  return headers.get('x-sandpool-error');
}
