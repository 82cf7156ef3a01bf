import { rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { codeOf, openHouse, SCOPE } from './object-house.js';

const NEVER = Number.MAX_SAFE_INTEGER;

t.test('a plugin stores no more bytes than its quota, however it tries', async (t) => {
  const { put, objects, files } = openHouse(t, { pluginQuotaBytes: 10 });
  put('a', '12345');
  put('b', '12345', { pluginId: 'demo', tenantId: 3 });
  t.equal(
    codeOf(() => put('c', '1')),
    'CAPABILITY_LIMIT_EXCEEDED',
  );
  t.throws(() => put('a', '123456'), { code: 'CAPABILITY_LIMIT_EXCEEDED', details: { limit: 10 } });
  put('a', '54321');
  put('a', '1');
  put('c', '1234');
  t.equal(
    codeOf(() => put('d', '1')),
    'CAPABILITY_LIMIT_EXCEEDED',
  );
  put('empty', '');
  objects.delete(SCOPE, 'c', NEVER);
  put('d', '1234');
  put('e', 'of another', { pluginId: 'other', tenantId: 0 });
  t.same(objects.ledger.usageOf('demo'), { bytes: 10, entries: 4 });
  t.same(files().parts, []);
});

t.test('all plugins together store no more for a tenant than its quota; the platform is no tenant', async (t) => {
  const { put } = openHouse(t, { tenantQuotaBytes: 10 });
  put('a', '12345', { pluginId: 'one', tenantId: 3 });
  put('a', '12345', { pluginId: 'two', tenantId: 3 });
  t.throws(() => put('b', '1', { pluginId: 'one', tenantId: 3 }), {
    code: 'CAPABILITY_LIMIT_EXCEEDED',
    details: { limit: 10 },
  });
  put('b', '1', { pluginId: 'one', tenantId: 4 });
  put('b', '12345678901', { pluginId: 'one', tenantId: 0 });
});

t.test('directories count as files, so that nobody fills the disk with them', async (t) => {
  const { put, objects } = openHouse(t, { pluginQuotaFiles: 4 });
  put('a/b/c', '');
  put('a/b/d', '');
  t.throws(() => put('e', ''), { code: 'CAPABILITY_LIMIT_EXCEEDED', details: { limit: 4 } });
  objects.delete(SCOPE, 'a/b/d', NEVER);
  put('e', '');
  t.same(objects.ledger.usageOf('demo').entries, 4);
});

t.test('an object is no larger than allowed', async (t) => {
  const { put, files } = openHouse(t, { maxObjectBytes: 3 });
  put('a', '123');
  t.throws(() => put('a', '1234'), { code: 'CAPABILITY_LIMIT_EXCEEDED', details: { limit: 3 } });
  t.same(files().parts, []);
});

t.test('a count that is too high is found before a plugin is refused, once in a minute', async (t) => {
  const { put, objects, clock, directory } = openHouse(t, { pluginQuotaBytes: 10, pluginQuotaFiles: 5 });
  put('a', '12345');
  // What a thread leaves that is killed after it has paid.
  objects.ledger.charge(SCOPE, 5, 4);
  put('b', '12345');
  t.same(objects.ledger.usageOf('demo'), { bytes: 10, entries: 2 });
  rmSync(join(directory, 'plugins/demo/platform/a'));
  t.equal(
    codeOf(() => put('c', '1')),
    'CAPABILITY_LIMIT_EXCEEDED',
    'too early to count again',
  );
  clock.now += 60_001;
  put('c', '1');
  t.same(objects.ledger.usageOf('demo'), { bytes: 6, entries: 2 });
});

t.test('what others store while files are counted is not forgotten', async (t) => {
  const { objects } = openHouse(t);
  objects.ledger.charge(SCOPE, 5, 1);
  const charges = objects.ledger.chargesOf(SCOPE);
  objects.ledger.charge(SCOPE, 7, 1);
  objects.ledger.correct(SCOPE, { bytes: 5, entries: 1 }, charges, 1);
  t.same(objects.ledger.usageOf('demo'), { bytes: 12, entries: 2 });
});
