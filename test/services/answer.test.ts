import t from 'tap';
import { answerInWorker, answerOnHost, createOpener, refuseHostCall } from '../../src/services/answer.js';
import { defineService, EMPTY_REPLY, type ServiceMethod } from '../../src/services/service.js';
import { createTestHost, granted, hex } from './host.js';

const UUID_CALL = '0a0772756e74696d651209696e666f2e75756964';

t.test('29.1 #1 an id comes back in a value response', async (t) => {
  const asked = await createTestHost(t).askBytes(hex(UUID_CALL));
  t.match(asked.response, /^12220a20(3[0-9]|6[1-9a-f]|7[0-9a]){32}$/);
  t.strictSame(asked.labels, ['runtime', 'info.uuid', '']);
});

t.test('29.1 #2 unknown fields of the envelope are skipped', async (t) => {
  const asked = await createTestHost(t).askBytes(hex(`${UUID_CALL}7801`));
  t.match(asked.response, /^12220a20/);
});

t.test('29.1 #3 P14 names in capitals have no handler', async (t) => {
  const host = createTestHost(t);
  const asked = await host.askBytes(hex('0a0752554e54494d451209494e464f2e55554944'));
  t.equal(asked.status, 2);
  t.equal(asked.error?.fallback, 'host service method not registered: RUNTIME.INFO.UUID');
  t.strictSame(asked.labels, ['runtime', 'info.uuid', '']);
  const half = await host.ask('RUNTIME', 'info.uuid');
  t.equal(half.error?.fallback, 'host service method not registered: RUNTIME.info.uuid');
});

t.test('29.1 #4 P13 an unknown method is told in these very bytes', async (t) => {
  const host = createTestHost(t);
  const asked = await host.askBytes(hex('0a0772756e74696d65120c696e666f2e756e6b6e6f776e'));
  t.equal(
    asked.response,
    '0802128f017b226572726f72436f6465223a22484f53545f43414c4c5f4e4f545f464f554e44222c226d6573736167654b6579223a226572726f722e686f73745f63616c6c2e6e6f745f666f756e64222c2266616c6c6261636b223a22756e737570706f7274656420686f73742073657276696365206d6574686f643a2072756e74696d652e696e666f2e756e6b6e6f776e227d',
  );
  t.strictSame(asked.labels, ['', '', '']);
});

t.test('29.1 #5 P15 a version without an owner is invalid', async (t) => {
  const asked = await createTestHost(t).askBytes(hex('0a0772756e74696d651209696e666f2e757569643a027631'));
  t.equal(asked.status, 3);
  t.equal(asked.error?.fallback, 'host service version requires owner');
});

t.test('29.1 #6 a truncated envelope is invalid', async (t) => {
  const asked = await createTestHost(t).askBytes(hex('0a05'));
  t.equal(asked.status, 3);
  t.equal(asked.error?.errorCode, 'HOST_CALL_INVALID_REQUEST');
  t.equal(asked.error?.fallback, 'failed to decode host service request service');
});

t.test('29.1 #7 P17 opcode 1 is the only one', async (t) => {
  const host = createTestHost(t);
  const texts: [number, string][] = [
    [2, '0x0002'],
    [0, '0x0000'],
    [0x12345, '0x12345'],
    [-1, '0xffffffff'],
  ];
  for (const [opcode, text] of texts) {
    const asked = await host.askBytes(hex(UUID_CALL), { opcode });
    t.equal(asked.status, 2);
    t.equal(asked.error?.fallback, `unknown host call opcode: ${text}`);
  }
});

t.test('29.1 #8 P11 a method that is not granted is denied', async (t) => {
  const host = createTestHost(t, { grants: [granted('runtime', { methods: ['info.uuid'] })] });
  const asked = await host.ask('runtime', 'info.node');
  t.equal(asked.status, 1);
  t.equal(asked.error?.fallback, 'plugin demo is not authorized for host service runtime.info.node resource= table=');
});

t.test('29.1 #9 #10 retired services are unknown', async (t) => {
  const host = createTestHost(t);
  t.equal((await host.askBytes(hex('0a0463726f6e12087265676973746572'))).status, 2);
  t.equal((await host.askBytes(hex('0a066e6f74696679120473656e641a05696e626f78'))).status, 2);
});

t.test('29.1 #11 a coded failure carries its params and the text as a template', async (t) => {
  const asked = await createTestHost(t).ask('runtime', 'state.set', {
    payload: Buffer.concat([hex('0a8002'), Buffer.alloc(256, 'k')]),
  });
  t.equal(
    asked.response,
    '080312ac017b226572726f72436f6465223a224341504142494c4954595f4c494d49545f4558434545444544222c226d6573736167654b6579223a226572726f722e6361706162696c6974792e6c696d69742e6578636565646564222c226d657373616765506172616d73223a7b226c696d6974223a3235357d2c2266616c6c6261636b223a224361706162696c69747920726571756573742065786365656473206c696d6974207b6c696d69747d227d',
  );
});

t.test('29.1 #12 P12 F019 without any grant the missing capability is told', async (t) => {
  const asked = await createTestHost(t, { grants: [] }).ask('runtime', 'info.uuid');
  t.equal(asked.status, 1);
  t.equal(asked.error?.errorCode, 'HOST_CALL_CAPABILITY_DENIED');
  t.equal(asked.error?.fallback, 'plugin demo lacks capability host:runtime');
});

t.test('29.1 #13 malformed JSON is the fault of the request', async (t) => {
  const asked = await createTestHost(t).ask('runtime', 'state.get_many', { payload: hex('0a017b') });
  t.equal(asked.status, 3);
  t.match(asked.error?.fallback, /^decode capability JSON request failed/);
});

t.test('a broken payload is the fault of the request', async (t) => {
  const host = createTestHost(t);
  const asked = await host.ask('runtime', 'state.get', { payload: hex('0a05') });
  t.equal(asked.status, 3);
  t.strictSame(host.logs, []);
});

t.test('a service of the catalogue that this host does not have is not registered', async (t) => {
  const host = createTestHost(t, { grants: [granted('sessions')] });
  const asked = await host.ask('sessions', 'sessions.current.get');
  t.equal(asked.status, 2);
  t.equal(asked.error?.fallback, 'host service method not registered: sessions.sessions.current.get');
});

t.test('P16 owner services are not registered', async (t) => {
  const owner = { owner: 'linapro-ai-core', version: 'v2' };
  const asked = await createTestHost(t).ask('ai', 'text.generate', owner);
  t.equal(asked.status, 2);
  t.equal(asked.error?.fallback, 'owner host service method not registered: linapro-ai-core/ai/v2.text.generate');
});

// A service of the catalogue that a test plays.
function cacheService(get: ServiceMethod, placement: 'worker' | 'host') {
  return defineService({ name: 'cache', placement, methods: () => ({ get }) });
}
const CACHE = granted('cache', { resources: [{ ref: 'c' }] });

t.test('an exception of a service is status 4 with its text, and logged once as the host', async (t) => {
  for (const placement of ['worker', 'host'] as const) {
    const boom = () => {
      throw new Error('disk on fire');
    };
    const host = createTestHost(t, { services: [cacheService(boom, placement)], grants: [CACHE] });
    const asked = await host.ask('cache', 'get', { resourceRef: 'c' });
    t.equal(asked.status, 4);
    t.equal(asked.error?.errorCode, 'HOST_CALL_INTERNAL_ERROR');
    t.equal(asked.error?.fallback, 'disk on fire');
    t.strictSame(host.logs, [
      { pluginId: 'demo', level: 'error', text: 'host service cache.get failed: disk on fire', blame: 'host' },
    ]);
  }
});

t.test('a rejection of a service on the host is status 4', async (t) => {
  const service = cacheService(() => Promise.reject(new Error('gone')), 'host');
  const asked = await createTestHost(t, { services: [service], grants: [CACHE] }).ask('cache', 'get', {
    resourceRef: 'c',
  });
  t.equal(asked.status, 4);
  t.equal(asked.error?.fallback, 'gone');
});

t.test('a service in the worker that answers late is status 4, and its promise is not lost', async (t) => {
  const service = cacheService(() => Promise.reject(new Error('gone')), 'worker');
  const host = createTestHost(t, { services: [service], grants: [CACHE] });
  const asked = await host.ask('cache', 'get', { resourceRef: 'c' });
  t.equal(asked.status, 4);
  t.equal(asked.error?.fallback, 'cache.get is placed in the worker and answers late');
  t.equal(host.logs.length, 2);
});

t.test('the worker hands over what is placed on the host, after it has authorised it', async (t) => {
  const service = cacheService(() => EMPTY_REPLY, 'host');
  const { services, authorize, context } = createTestHost(t, { services: [service], grants: [CACHE] });
  const question = { opcode: 1, request: hex('0a05636163686512036765741a0163'), authorize, context };
  const open = createOpener(services, authorize);
  t.equal(answerInWorker(services, open(1, question.request, 0, question.request.length), context), undefined);
  const { response, payload, ...rest } = await answerOnHost(services, question);
  t.strictSame([response.length, payload.length], [0, 0]);
  t.strictSame(rest, { status: 0, rest: undefined, service: 'cache', method: 'get', resourceRef: 'c' });
  const denied = { ...question, request: hex('0a05636163686512036765741a0164') };
  t.equal(answerInWorker(services, open(1, denied.request, 0, denied.request.length), context)?.status, 1);
  t.equal((await answerOnHost(services, denied)).status, 1);
});

t.test('placements can be changed from outside', async (t) => {
  const { services } = createTestHost(t, { placements: { runtime: 'host' } });
  t.equal(services.find('runtime', 'info.now')?.placement, 'host');
  t.equal(services.find(' route ', 'metadata.get\n')?.placement, 'worker');
  t.equal(services.find('runtime', 'INFO.NOW'), undefined);
});

t.test('a call that never reached a service is refused with the default texts where it has none', async (t) => {
  const { payload, ...rest } = refuseHostCall(4, '');
  t.strictSame(rest, { status: 4, rest: undefined, service: '', method: '', resourceRef: '' });
  t.equal(
    Buffer.from(payload).toString(),
    '{"errorCode":"HOST_CALL_INTERNAL_ERROR","messageKey":"error.host_call.internal_error","fallback":"Host call failed"}',
  );
});

/** A small generator with a seed, so that a failure can be repeated. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

t.test('whatever bytes a guest sends, it gets an encoded response', async (t) => {
  const random = mulberry32(20);
  const host = createTestHost(t, {
    grants: [
      ...['bizctx', 'plugins', 'route', 'runtime'].map((service) => granted(service)),
      granted('manifest', { paths: ['*'] }),
      granted('hostconfig', { keys: ['k'] }),
    ],
  });
  const seeds = [
    UUID_CALL,
    '0a0772756e74696d65120973746174652e6765742a030a016b',
    '0a0772756e74696d65120e73746174652e6765745f6d616e792a1a0a187b226b657973223a5b226b222c226d697373696e67225d7d',
    '0a0772756e74696d6512096c6f672e77726974652a190802120568656c6c6f1a060a01611201311a060a0162120132',
    '0a086d616e696665737412036765741a01612a030a0161',
    '0a086d616e696665737412046c6973741a142e6d616e69666573742d6c6973742d70726f6265',
    '0a07706c7567696e73120a636f6e6669672e6765742a030a016b',
    '0a0a686f7374636f6e66696712036765741a016b2a030a016b',
  ].map(hex);
  const statuses = new Set<number>();
  for (let round = 0; round < 20_000; round++) {
    const bytes = Buffer.from(seeds[Math.floor(random() * seeds.length)] as Uint8Array);
    for (let flips = Math.floor(random() * 4); flips > 0; flips--) {
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    }
    const request = bytes.subarray(0, random() < 0.2 ? Math.floor(random() * bytes.length) : bytes.length);
    const { status } = await host.askBytes(request);
    statuses.add(status);
  }
  t.strictSame([...statuses].sort(), [0, 1, 2, 3, 4]);
  t.strictSame(
    host.logs.filter(({ blame }) => blame === 'host'),
    [],
  );
});

t.test(
  'a reply whose rest is elsewhere is read and closed on the host, and one that cannot be read is status 4',
  async (t) => {
    let closed = 0;
    const close = () => void closed++;
    const readable = { bytes: 3, readInto: (target: Uint8Array) => target.set([1, 2, 3]), close };
    const broken = {
      bytes: 3,
      readInto() {
        throw new Error('EIO: i/o error, read');
      },
      close,
    };
    const replies = [readable, broken];
    const methods = () => ({
      'info.now': () => ({ status: 0 as const, payload: Buffer.of(9), rest: replies.shift() }),
    });
    const host = createTestHost(t, { services: [{ name: 'runtime', placement: 'host', methods }] });
    t.equal((await host.ask('runtime', 'info.now')).response, '120409010203');
    t.match(await host.ask('runtime', 'info.now'), { status: 4, error: { fallback: 'EIO: i/o error, read' } });
    t.equal(closed, 2);
  },
);
