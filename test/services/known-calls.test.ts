import t from 'tap';
import { encodeHostCallRequest } from '../../src/protocol/host-call.js';
import { createOpener, type OpenCall, type OpenedCall } from '../../src/services/answer.js';
import { createTestHost, hex } from './host.js';

const STATE_GET = `0a0772756e74696d651209${Buffer.from('state.get').toString('hex')}`;

/** Opens a request that lies somewhere in a guest's memory. */
function openIn(open: OpenCall, request: Uint8Array, opcode = 1): OpenedCall {
  const memory = Buffer.concat([Buffer.alloc(3, 0x0a), request, Buffer.alloc(5, 0x2a)]);
  return open(opcode, memory, 3, 3 + request.length);
}

t.test('a call that begins like an earlier one is given its own payload', async (t) => {
  const { services, authorize } = createTestHost(t);
  const open = createOpener(services, authorize);
  const long = `2aac02${'41'.repeat(300)}`;
  for (const [tail, payload] of [
    ['', ''],
    ['2a0141', '41'],
    ['2a024142', '4142'],
    ['', ''],
    ['2a00', ''],
    [long, '41'.repeat(300)],
    // The same length and the same payload, not in their shortest form.
    ['2a810041', '41'],
    // The last of two counts.
    ['2a01412a0142', '42'],
    ['2a0141', '41'],
  ] as const) {
    const opened = openIn(open, hex(STATE_GET + tail));
    t.equal(opened.call && Buffer.from(opened.call.payload).toString('hex'), payload, tail);
    t.equal(opened.method?.method, 'state.get');
  }
});

t.test('what follows a known beginning is refused as if nothing were known', async (t) => {
  const { services, authorize } = createTestHost(t);
  const open = createOpener(services, authorize);
  openIn(open, hex(STATE_GET));
  for (const [tail, message] of [
    ['2a', 'failed to decode host service request payload'],
    ['2a0241', 'failed to decode host service request payload'],
    ['2a8080808080', 'failed to decode host service request payload'],
    ['2a014100', 'failed to decode host service request tag'],
    ['3a027631', 'host service version requires owner'],
    ['1a0172', 'plugin demo is not authorized for host service runtime.state.get resource=r table='],
  ] as const) {
    const opened = openIn(open, hex(STATE_GET + tail));
    t.match(opened, { refusal: { error: { message } } }, tail);
  }
  t.match(openIn(open, hex(STATE_GET), 2), { refusal: { status: 2 } }, 'another opcode');
});

t.test('calls in any order mean what they mean the first time', async (t) => {
  const { services, authorize } = createTestHost(t);
  const open = createOpener(services, authorize);
  const random = mulberry32(7);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const methods = ['info.now', 'info.uuid', 'info.node', 'state.get', 'state.set', 'state.delete', 'log.write', 'nope'];
  const wrong: string[] = [];
  for (let i = 0; i < 5000; i++) {
    const request = encodeHostCallRequest({
      service: pick(['runtime', 'runtime', ' runtime', 'route', 'Runtime']),
      method: pick(methods),
      resourceRef: pick(['', '', '', 'r']),
      table: pick(['', '', `t${i % 30}`]),
      payload: new Uint8Array(Math.floor(random() * 3) * 70).fill(i),
      owner: '',
      version: pick(['', '', '', 'v1']),
    });
    if (random() < 0.2) request[Math.floor(random() * request.length)] = Math.floor(random() * 256);
    const wanted = openIn(createOpener(services, authorize), request);
    if (JSON.stringify(plain(openIn(open, request))) !== JSON.stringify(plain(wanted)))
      wrong.push(Buffer.from(request).toString('hex'));
  }
  t.same(wrong, []);
});

function plain(opened: OpenedCall) {
  const call = opened.call && { ...opened.call, payload: Buffer.from(opened.call.payload).toString('hex') };
  return opened.method ? { call, ...opened.method } : { call, ...opened.refusal };
}

/** A small generator with a seed, so that a failure can be repeated. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
