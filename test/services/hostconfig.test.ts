import t, { type Test } from 'tap';
import { createHostConfig } from '../../src/resources/host-config.js';
import type { HostCallContext } from '../../src/services/service.js';
import type { SysConfigPort } from '../../src/services/sys-config-port.js';
import { createTestHost, granted, hex, json } from './host.js';

const KEYS = ['workspace.basePath', 'monitor', 'monitor.interval', 'nope'];
const read = createHostConfig({
  config: { workspace: { basePath: '/admin' }, monitor: { interval: { interval: '1m' } } },
  isSecret: () => false,
});

function open(t: Test) {
  return createTestHost(t, { grants: [granted('hostconfig', { keys: KEYS })], environment: { hostConfig: read } });
}

const key = (name: string) => Buffer.concat([Buffer.from([0x0a, name.length]), Buffer.from(name)]);

t.test('29.7 #85 F038 a value is JSON text', async (t) => {
  const asked = await open(t).ask('hostconfig', 'get', {
    resourceRef: 'workspace.basePath',
    payload: hex('0a12776f726b73706163652e6261736550617468'),
  });
  t.equal(asked.payload, '0a08222f61646d696e221001');
});

t.test('29.7 #86 a section is a JSON object', async (t) => {
  const asked = await open(t).ask('hostconfig', 'get', {
    resourceRef: 'monitor.interval',
    payload: hex('0a106d6f6e69746f722e696e74657276616c'),
  });
  t.equal(asked.payload, '0a117b22696e74657276616c223a22316d227d1001');
});

t.test('29.7 #87 a missing key is success without payload', async (t) => {
  const asked = await open(t).ask('hostconfig', 'get', { resourceRef: 'nope', payload: key('nope') });
  t.equal(asked.status, 0);
  t.equal(asked.response, '');
});

t.test('29.7 #88 the payload must name the authorised key', async (t) => {
  const asked = await open(t).ask('hostconfig', 'get', { resourceRef: 'nope', payload: key('monitor') });
  t.equal(asked.status, 1);
  t.equal(asked.error?.fallback, 'hostconfig request key must match the authorized resourceRef');
});

t.test('F038 an undeclared key is refused', async (t) => {
  const asked = await open(t).ask('hostconfig', 'get', { resourceRef: 'auth.secret', payload: key('auth.secret') });
  t.equal(asked.status, 1);
  t.equal(
    asked.error?.fallback,
    'plugin demo is not authorized for host service hostconfig.get resource=auth.secret table=',
  );
});

t.test('F056 String, Bool, Int, Duration and Scan are no methods of the wire', async (t) => {
  const asked = await open(t).ask('hostconfig', 'scan', { resourceRef: 'monitor', payload: key('monitor') });
  t.equal(asked.status, 2);
});

t.test('the value of the tenant in force is asked for', async (t) => {
  const host = createTestHost(t, {
    grants: [granted('hostconfig', { keys: KEYS })],
    environment: { hostConfig: (name, tenantId) => `"${name} of ${tenantId}"` },
    context: { tenantId: 7 },
  });
  const asked = await host.ask('hostconfig', 'get', { resourceRef: 'nope', payload: key('nope') });
  t.match(Buffer.from(asked.payload, 'hex').toString(), '"nope of 7"');
});

t.test('a configuration that cannot be read is status 4', async (t) => {
  const host = createTestHost(t, {
    grants: [granted('hostconfig', { keys: KEYS })],
    environment: {
      hostConfig: () => {
        throw new Error('unreadable');
      },
    },
  });
  const asked = await host.ask('hostconfig', 'get', { resourceRef: 'nope', payload: key('nope') });
  t.equal(asked.status, 4);
  t.equal(asked.error?.fallback, 'unreadable');
});

// ---- system parameters -----------------------------------------------------------------------------------------------------

function openParameters(t: Test, context: Partial<HostCallContext> = {}) {
  const rows = new Map<string, { value: string; name: string; systemManageable: boolean }>();
  const calls: unknown[] = [];
  const sysConfig: SysConfigPort = {
    find: (name, tenantId) => rows.get(`${name}@${tenantId}`),
    set: (...call) => void calls.push(['set', ...call]),
    reset: (name, ...rest) => calls.push(['reset', name, ...rest]) > 0 && rest[0] !== 'nope',
  };
  const keys = ['demo.flag', 'nope', 'workspace.basePath'];
  const environment = { hostConfig: read, sysConfig };
  const host = createTestHost(t, { grants: [granted('hostconfig', { keys })], environment, context });
  const ask = (method: string, members: unknown, resourceRef = 'demo.flag') =>
    host.ask('hostconfig', `sys_config.${method}`, { resourceRef, payload: json(members) });
  return { host, ask, rows, calls };
}

t.test('29.7 #89 F038 a system parameter is shown with its name', async (t) => {
  const { ask, rows } = openParameters(t);
  rows.set('demo.flag@0', { value: 'on', name: 'Demo flag', systemManageable: true });
  const asked = await ask('get', { key: 'demo.flag' });
  t.equal(
    asked.payload,
    '0a707b224b6579223a2264656d6f2e666c6167222c2256616c7565223a226f6e222c2253797374656d4d616e61676561626c65223a747275652c224c6162656c4b6579223a22636f6e6669672e64656d6f2e666c61672e6c6162656c222c224c6162656c223a2244656d6f20666c6167227d',
  );
});

t.test('29.7 #90 a parameter is set and reset, for the tenant in force, in the name of the plugin', async (t) => {
  const { ask, calls } = openParameters(t, { tenantId: 7 });
  t.equal(
    (await ask('value.set', { key: ' demo.flag ', VALUE: 'on', systemManageable: false })).payload,
    '0a0474727565',
  );
  t.equal((await ask('reset', { key: 'demo.flag' })).payload, '0a0474727565');
  t.same(calls, [
    ['set', 7, 'demo.flag', { value: 'on', systemManageable: false }, 'plugin:demo'],
    ['reset', 7, 'demo.flag', 'plugin:demo'],
  ]);
});

t.test('a missing parameter is denied', async (t) => {
  const { ask } = openParameters(t);
  for (const method of ['get', 'reset']) {
    const asked = await ask(method, { key: 'nope' }, 'nope');
    t.match(asked, { status: 3, error: { errorCode: 'CAPABILITY_DENIED' } }, method);
  }
});

t.test(
  'a parameter shadows the configuration, as a JSON text whatever it looks like, also when it is empty',
  async (t) => {
    const { host, rows } = openParameters(t);
    const get = async () => {
      const { payload } = await host.ask('hostconfig', 'get', {
        resourceRef: 'workspace.basePath',
        payload: key('workspace.basePath'),
      });
      return Buffer.from(payload, 'hex').toString('latin1');
    };
    t.match(await get(), '"/admin"');
    rows.set('workspace.basePath@0', { value: '64', name: '', systemManageable: false });
    t.equal(await get(), '\n\x04"64"\x10\x01');
    rows.set('workspace.basePath@0', { value: '', name: '', systemManageable: false });
    t.equal(await get(), '\n\x02""\x10\x01');
  },
);

t.test('29.7 #88 no method of parameters goes by another key than the authorised one', async (t) => {
  const { ask, calls } = openParameters(t);
  for (const method of ['get', 'value.set', 'reset']) {
    const asked = await ask(method, { key: 'workspace.basePath', value: 'x' });
    t.match(asked, { status: 1, error: { fallback: /must match the authorized resourceRef$/ } }, method);
  }
  t.match(await ask('get', { key: 'auth.secret' }, 'auth.secret'), { status: 1 });
  t.same(calls, []);
});

t.test('a value of more than 64 KiB is refused', async (t) => {
  const { ask, calls } = openParameters(t);
  const asked = await ask('value.set', { key: 'demo.flag', value: 'v'.repeat(65_537) });
  t.match(asked, { status: 3, error: { errorCode: 'CAPABILITY_LIMIT_EXCEEDED', messageParams: { limit: 65_536 } } });
  t.same(calls, []);
});

t.test('without parameters, as in a run from the command line, they are not scoped', async (t) => {
  const host = createTestHost(t, { grants: [granted('hostconfig', { keys: ['k'] })] });
  const asked = await host.ask('hostconfig', 'sys_config.get', { resourceRef: 'k', payload: json({ key: 'k' }) });
  t.match(asked, { status: 4, error: { fallback: 'hostconfig host service is not scoped' } });
});
