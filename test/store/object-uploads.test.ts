import { appendFileSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type ObjectHouse, openHouse, SCOPE } from './object-house.js';

const NEVER = Number.MAX_SAFE_INTEGER;
const OPTIONS = { contentType: 'text/x', overwrite: false, until: NEVER };
const gone = { code: 'SBX_UPLOAD_SESSION', message: 'storage upload session not found' };

function begin({ objects, clock }: ObjectHouse, path = 'a/big') {
  const id = objects.uploads.begin(SCOPE, path, OPTIONS);
  const key = { ...SCOPE, id, path };
  const until = () => clock.now + 1000;
  return {
    key,
    write: (offset: number, body: string) => objects.uploads.write(key, offset, Buffer.from(body), until()),
    commit: (size: number) => objects.uploads.commit(key, size, until()),
    abort: () => objects.uploads.abort(key, until()),
  };
}

t.test('chunks become one object', async (t) => {
  const house = openHouse(t);
  const { key, write, commit } = begin(house);
  t.match(key.id, /^[0-9a-f]{32}$/);
  t.equal(write(0, 'hello '), 6);
  t.equal(house.read('a/big'), undefined, 'not before it is whole');
  t.equal(write(6, 'world'), 11);
  t.match(commit(11), { path: 'a/big', bytes: 11, contentType: 'text/x', head: Buffer.from('hello world') });
  t.equal(house.read('a/big'), 'hello world');
  t.same(house.files(), { stored: ['demo/platform/a/big'], parts: [] });
  t.same(house.objects.ledger.usageOf('demo'), { bytes: 11, entries: 2 });
  t.throws(() => commit(11), gone);
});

t.test('an upload without a chunk is an empty object', async (t) => {
  const house = openHouse(t);
  begin(house).commit(0);
  t.equal(house.read('a/big'), '');
});

t.test('chunks come in order, and the size is told', async (t) => {
  const { write, commit } = begin(openHouse(t));
  write(0, 'abc');
  t.throws(() => write(0, 'abc'), { message: 'storage upload session chunk offset mismatch: got 0 want 3' });
  t.throws(() => write(4, 'e'), { message: 'storage upload session chunk offset mismatch: got 4 want 3' });
  t.throws(() => commit(4), { message: 'storage upload session size mismatch: got 4 want 3' });
  t.match(commit(3), { bytes: 3 });
});

t.test('an upload goes on in another process, and after a thread was killed in the middle of a chunk', async (t) => {
  const house = openHouse(t);
  const { key, write } = begin(house);
  write(0, 'abc');
  // The killed thread has claimed the upload and written some of its chunk.
  house.objects.ledger.claim(key.id, 4, house.clock.now + 500);
  appendFileSync(join(house.directory, 'parts', key.id), 'XXXX');
  const other = house.reopen();
  t.throws(() => other.uploads.write(key, 3, Buffer.from('de'), NEVER), {
    message: 'storage upload session is in use',
  });
  house.clock.now += 501;
  t.equal(other.uploads.write(key, 3, Buffer.from('d'), house.clock.now + 1000), 4);
  t.match(other.uploads.commit(key, 4, house.clock.now + 1000), { bytes: 4 });
  t.equal(house.read('a/big'), 'abcd', 'without what the killed thread has written');
});

t.test('nobody else goes on with an upload', async (t) => {
  const house = openHouse(t);
  const { key, write } = begin(house);
  write(0, 'abc');
  const thieves = [
    [{ ...key, pluginId: 'other' }, 'storage upload session plugin mismatch'],
    [{ ...key, tenantId: 5 }, 'storage upload session not found'],
    [{ ...key, path: 'a/other' }, 'storage upload session path mismatch'],
    [{ ...key, id: 'f'.repeat(32) }, 'storage upload session not found'],
    [{ ...key, id: '../ledger.db' }, 'storage upload session not found'],
  ] as const;
  const { uploads } = house.objects;
  for (const [thief, message] of thieves) {
    t.throws(() => uploads.write(thief, 3, Buffer.from('x'), NEVER), { message });
    t.throws(() => uploads.commit(thief, 3, NEVER), { message });
    t.throws(() => uploads.abort(thief, NEVER), { message });
  }
  t.match(uploads.commit(key, 3, NEVER), { bytes: 3 });
});

t.test('an upload expires when no chunk comes, and each chunk gives it more time', async (t) => {
  const house = openHouse(t, { uploadTtlMs: 1000 });
  const { write, commit } = begin(house);
  house.clock.now += 900;
  write(0, 'a');
  house.clock.now += 900;
  write(1, 'b');
  house.clock.now += 1001;
  t.throws(() => write(2, 'c'), gone);
  t.throws(() => commit(2), gone);
  begin(house, 'another');
  t.same(house.files().parts, [], 'its bytes went when the next upload began');
});

t.test('uploads under way count as stored, and are limited in number', async (t) => {
  const house = openHouse(t, { pluginQuotaBytes: 10, maxUploads: 2, maxObjectBytes: 8 });
  const [first, second] = [begin(house, 'a'), begin(house, 'b')];
  t.throws(() => begin(house, 'c'), { code: 'CAPABILITY_LIMIT_EXCEEDED', details: { limit: 2 } });
  first.write(0, '123456');
  t.throws(() => first.write(6, '789'), { code: 'CAPABILITY_LIMIT_EXCEEDED', details: { limit: 8 } });
  t.throws(() => second.write(0, '12345'), { code: 'CAPABILITY_LIMIT_EXCEEDED', details: { limit: 10 } });
  second.write(0, '1234');
  t.throws(() => house.put('d', '1'), { code: 'CAPABILITY_LIMIT_EXCEEDED', details: { limit: 10 } });
  t.match(second.commit(4), { bytes: 4 }, 'what was received is paid for');
  first.abort();
  house.put('d', '123456');
  t.same(house.objects.ledger.usageOf('demo'), { bytes: 10, entries: 2 });
});

t.test('an upload that cannot be placed is gone, and what was there stays', async (t) => {
  const house = openHouse(t);
  house.put('a/big', 'before');
  const { write, commit } = begin(house);
  write(0, 'new');
  t.throws(() => commit(3), { code: 'PLUGIN_STORAGE_OBJECT_EXISTS' });
  t.throws(() => commit(3), gone);
  t.equal(house.read('a/big'), 'before');
  t.same(house.files().parts, []);
});

t.test('an upload whose bytes were lost is gone', async (t) => {
  const house = openHouse(t);
  const { key, write, commit } = begin(house);
  write(0, 'abc');
  truncateSync(join(house.directory, 'parts', key.id), 1);
  t.throws(() => commit(3), gone);
  t.equal(house.read('a/big'), undefined);
  t.same(readdirSync(join(house.directory, 'parts')), []);
});

t.test('a link in the place of received bytes is not followed', async (t) => {
  const house = openHouse(t);
  const { key, write } = begin(house);
  const outside = join(house.directory, 'outside');
  writeFileSync(outside, 'outside');
  symlinkSync(outside, join(house.directory, 'parts', key.id));
  t.throws(() => write(0, 'abc'), { code: /^PLUGIN_STORAGE_/ });
  t.equal(readFileSync(outside, 'utf8'), 'outside');
});
