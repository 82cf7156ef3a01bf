import t, { type Test } from 'tap';
import { createHostConfig } from '../../src/resources/host-config.js';
import { createTestHost, granted, hex } from './host.js';

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
