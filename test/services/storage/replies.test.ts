import t from 'tap';
import { SandpoolError } from '../../../src/protocol/errors.js';
import { encodeHostCallResponse } from '../../../src/protocol/host-call.js';
import { decodePayload } from '../../../src/protocol/payloads.js';
import { refusalOf, replyWithBody, rfc3339 } from '../../../src/services/storage/replies.js';

const MOMENTS: readonly (readonly [ns: bigint, text: string])[] = [
  [1_776_160_800_000_000_000n, '2026-04-14T10:00:00Z'],
  [1_776_160_800_120_000_000n, '2026-04-14T10:00:00.12Z'],
  [1_776_160_800_000_000_001n, '2026-04-14T10:00:00.000000001Z'],
];
t.test('a moment has as many decimals as it takes', async (t) => {
  for (const [ns, text] of MOMENTS) t.equal(rfc3339(ns), text);
});

t.test('a body of any length follows on the object that it belongs to', async (t) => {
  for (const bytes of [1, 127, 128, 16_383, 16_384, 2_097_152]) {
    let closed = 0;
    const body = Buffer.alloc(bytes, 7);
    const replied = replyWithBody({
      path: 'a.json',
      bytes,
      updatedAtNs: 0n,
      readInto: (target) => target.set(body),
      close: () => closed++,
    });
    if (replied.status !== 0) throw new Error('refused');
    t.equal(replied.rest?.bytes, bytes);
    const whole = encodeHostCallResponse(replied);
    const payload = whole.subarray(whole.length - replied.payload.length - bytes);
    const told = decodePayload('HostServiceStorageGetResponse', payload);
    t.match(told, { found: true, object: { path: 'a.json', size: bytes } });
    t.ok(Buffer.from(told.body).equals(body));
    t.equal(closed, 0, 'whoever writes the reply closes it');
  }
});

t.test('an empty object is closed at once', async (t) => {
  let closed = 0;
  const empty = { path: 'a', bytes: 0, updatedAtNs: 0n, readInto() {}, close: () => void closed++ };
  t.match(replyWithBody(empty), { status: 0, rest: undefined });
  t.equal(closed, 1);
});

t.test('a guest is told of limits by their template, and of nothing that the host keeps for itself', async (t) => {
  t.same(refusalOf(new SandpoolError('PLUGIN_STORAGE_PATH_TOO_LONG', { maxBytes: 512 }), 3), {
    status: 3,
    error: {
      errorCode: 'PLUGIN_STORAGE_PATH_TOO_LONG',
      messageParams: { maxBytes: 512 },
      message: 'Plugin storage path exceeds {maxBytes} bytes',
    },
  });
  const cause = new Error('ENOSPC: no space left on device, write /secret/place');
  const told = refusalOf(new SandpoolError('PLUGIN_STORAGE_PROVIDER_UNAVAILABLE', {}, { cause }), 4);
  t.match(told, { status: 4, error: { message: 'Plugin storage provider is unavailable', messageParams: {} } });
  t.notMatch(JSON.stringify(told), /secret/);
  t.equal(refusalOf(new SandpoolError('SBX_STORE_FAILED', { reason: 'x' }), 3), undefined);
  t.equal(refusalOf(new Error('x'), 3), undefined);
});
