import t from 'tap';
import { type CacheStamps, cacheId, createCacheStamps, stampGroup } from '../../../src/protocol/cache.js';
import { encodePayload } from '../../../src/protocol/payloads.js';
import { createCacheCopies } from '../../../src/services/cache/copies.js';
import type { HostCallContext } from '../../../src/services/service.js';

const CALL = { service: 'cache', method: 'get', resourceRef: 'n', table: '', owner: '', version: '' };
const NONE = new Uint8Array();

function stage() {
  const clock = { now: Date.parse('2025-11-18T13:20:00Z') };
  const stamps = createCacheStamps();
  const events: string[] = [];
  const count = (event: string) => void events.push(event);
  const copies = createCacheCopies(stamps, () => clock.now, count);
  const call = (key: string, resourceRef = 'n') => ({
    ...CALL,
    resourceRef,
    payload: encodePayload('HostServiceCacheGetRequest', { key }),
  });
  const find = (key: string, tenantId = 0, resourceRef = 'n') =>
    copies.find(call(key, resourceRef), { pluginId: 'demo', tenantId } as HostCallContext);
  const keep = (value: string, expireAt = '2025-11-18T14:00:00Z') => {
    const payload = encodePayload('HostServiceCacheGetResponse', {
      found: true,
      value: { valueKind: 1, value, expireAt },
    });
    copies.keep({ status: 0, payload });
    return payload;
  };
  return { clock, stamps, copies, find, keep, events };
}

function change(stamps: CacheStamps, key: string): void {
  Atomics.add(stamps, stampGroup(cacheId({ pluginId: 'demo', tenantId: 0, namespace: 'n' }, key)), 1);
}

t.test('what the host has answered is answered again without it', async (t) => {
  const { find, keep } = stage();
  t.equal(find('k'), undefined);
  const payload = keep('v');
  t.match(find('k'), { status: 0, payload: new Uint8Array(payload) });
  t.match(find(' k '), { status: 0 }, 'white space around a key is nothing');
  t.equal(find('other'), undefined);
});

t.test('that a key is missing is remembered too', async (t) => {
  const { find, copies, stamps } = stage();
  find('k');
  copies.keep({ status: 0, payload: NONE });
  t.match(find('k'), { status: 0, payload: NONE });
  change(stamps, 'k');
  t.equal(find('k'), undefined);
});

t.test('what copies answer is counted', async (t) => {
  const { find, keep, copies, events } = stage();
  find('k');
  keep('v');
  find('k');
  find('gone');
  copies.keep({ status: 0, payload: NONE });
  find('gone');
  t.same(events, ['hit', 'miss']);
});

t.test('a copy is worth nothing once the key has changed', async (t) => {
  const { find, keep, stamps } = stage();
  find('k');
  keep('v');
  change(stamps, 'k');
  t.equal(find('k'), undefined);
});

t.test('a copy is worth nothing when the key changed while the host was answering', async (t) => {
  const { find, keep, stamps } = stage();
  find('k');
  change(stamps, 'k');
  keep('old');
  t.equal(find('k'), undefined);
});

t.test('a copy ends with its value, and after a second at the latest', async (t) => {
  const { find, keep, clock } = stage();
  find('k');
  keep('v', '2025-11-18T13:20:00.25Z');
  clock.now += 249;
  t.not(find('k'), undefined);
  clock.now += 1;
  t.equal(find('k'), undefined);
  keep('v');
  clock.now += 999;
  t.not(find('k'), undefined);
  clock.now += 1;
  t.equal(find('k'), undefined, 'the host learns that the key is in use');
});

t.test('a copy is of one tenant and one namespace', async (t) => {
  const { find, keep } = stage();
  find('k');
  keep('v');
  t.equal(find('k', 1), undefined);
  t.equal(find('k', 0, 'm'), undefined);
  t.not(find('k', 0, ' n '), undefined);
});

t.test('failures are not kept, and unusual payloads go to the host', async (t) => {
  const { find, copies, keep } = stage();
  find('k');
  copies.keep({ status: 3, payload: Buffer.from('{}') });
  t.equal(find('k'), undefined);
  keep('v');
  const unusual = Buffer.from('0a016b1001', 'hex');
  t.equal(copies.find({ ...CALL, payload: unusual }, { pluginId: 'demo', tenantId: 0 } as HostCallContext), undefined);
  copies.keep({ status: 0, payload: NONE });
  t.match(find('k'), { status: 0 }, 'and what they are answered with replaces nothing');
});

t.test('a copy is not the memory that the answer came in', async (t) => {
  const { find, keep } = stage();
  find('k');
  const payload = keep('v');
  payload.fill(0);
  const found = find('k');
  t.equal(found?.status === 0 && found.payload[0], 8);
});
