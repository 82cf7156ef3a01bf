import t from 'tap';
import { encodeErrorPayload, type HostCallRequest } from '../../src/protocol/host-call.js';
import { denialText, traceOf } from '../../src/sandbox/call-trace.js';

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

t.test('a denial is told with the call, the request and the reason, without what a URL may hide (F129)', async (t) => {
  const told = (call: Partial<HostCallRequest>, message: string): string => {
    const { service = '', method = '' } = call;
    const payload = encodeErrorPayload(1, { message });
    const denied = { status: 1, payload, rest: undefined, service, method, resourceRef: '' };
    return denialText({ ...BARE, ...call }, denied, 'demo:GET:/a');
  };
  t.equal(
    told({ service: 'storage', method: 'get', resourceRef: 'b/x' }, 'not b/x'),
    'host call denied: storage.get b/x in demo:GET:/a: not b/x',
  );
  t.equal(
    told({ owner: 'crm', service: 'people', method: 'find' }, 'no'),
    'host call denied: crm/people.find in demo:GET:/a: no',
  );
  const url = 'https://a.example/x?key=secret\n#secret';
  t.equal(
    told({ service: 'Network', method: 'request', resourceRef: url }, `not ${url}`),
    'host call denied: Network.request https://a.example/x in demo:GET:/a: not https://a.example/x',
  );
  t.ok(told({ service: 's'.repeat(9999), method: 'm', resourceRef: 'r'.repeat(9999) }, 'x'.repeat(9999)).length < 2000);
});
