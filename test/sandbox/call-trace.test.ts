import t from 'tap';
import type { HostCallRequest } from '../../src/protocol/host-call.js';
import { traceOf } from '../../src/sandbox/call-trace.js';

const BARE = { service: '', method: '', resourceRef: '', table: '', payload: new Uint8Array(), owner: '', version: '' };
const resourceOf = (call: Partial<HostCallRequest>): string =>
  traceOf({
    pluginId: 'demo',
    opened: {
      call: { ...BARE, ...call },
      method: undefined,
      refusal: { status: 3, error: { message: '' } },
    },
    requestBytes: 1,
    answered: undefined,
    ms: 1,
  }).resource;

t.test('a host call is told with what its grant was asked for', async (t) => {
  t.equal(resourceOf({ service: 'storage', resourceRef: 'reports/a?b.json' }), 'reports/a?b.json');
  t.equal(resourceOf({ service: 'data', table: 'plugin_demo_notes' }), 'plugin_demo_notes');
  t.equal(resourceOf({ service: 'runtime' }), '');
});

t.test('what a URL may hide in its query is not told', async (t) => {
  const url = 'https://api.example.com/v1/orders?key=secret\n#secret';
  t.equal(resourceOf({ service: 'network', resourceRef: url }), 'https://api.example.com/v1/orders');
});

t.test('a resource of any length is cut', async (t) => {
  t.equal(resourceOf({ service: 'storage', resourceRef: 'x'.repeat(1_000_000) }).length, 256);
});

t.test('a call that is no call has no names and no resource', async (t) => {
  const refusal = { status: 3, error: { message: '' } } as const;
  const opened = { call: undefined, method: undefined, refusal };
  const trace = traceOf({ pluginId: 'demo', opened, requestBytes: 7, answered: undefined, ms: 2 });
  t.same(trace, {
    pluginId: 'demo',
    service: '',
    method: '',
    resource: '',
    status: null,
    requestBytes: 7,
    replyBytes: 0,
    ms: 2,
  });
});
