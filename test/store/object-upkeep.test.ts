import { existsSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { createObjectUpkeep } from '../../src/store/object-upkeep.js';
import { openHouse, SCOPE } from './object-house.js';

const NEVER = Number.MAX_SAFE_INTEGER;
const OPTIONS = { contentType: '', overwrite: true, until: NEVER };

t.test('F009 a purge deletes what is below the granted paths, for all tenants, and nothing else', async (t) => {
  const house = openHouse(t, { pluginQuotaBytes: 1e6 });
  const { objects, put, files, directory, clock } = house;
  for (let index = 0; index < 60; index++) put(`reports/${index}/x`, 'x');
  put('reports-v2/x');
  put('exports/daily.json');
  put('exports/other.json');
  put('reports/y', 'y', { pluginId: 'demo', tenantId: 7 });
  put('reports/z', 'z', { pluginId: 'other', tenantId: 7 });
  writeFileSync(join(directory, 'outside'), 'outside');
  mkdirSync(join(directory, 'plugins/demo/platform/reports/odd'), { recursive: true });
  symlinkSync(join(directory, 'outside'), join(directory, 'plugins/demo/platform/reports/odd/link'));
  const id = objects.uploads.begin(SCOPE, 'reports/up', OPTIONS);
  objects.uploads.write({ ...SCOPE, id, path: 'reports/up' }, 0, Buffer.from('up'), clock.now + 1);

  await createObjectUpkeep(objects, () => clock.now).purge('demo', ['reports/', 'exports/daily.json', 'missing']);
  t.same(files(), {
    stored: ['demo/platform/exports/other.json', 'demo/platform/reports-v2/x', 'other/tenant/7/reports/z'],
    parts: [],
  });
  t.ok(existsSync(join(directory, 'outside')), 'a link is removed, not followed');
  t.same(objects.ledger.usageOf('demo'), { bytes: 'exports/other.json'.length + 'reports-v2/x'.length, entries: 4 });
});

t.test('a purge of what was never stored does nothing', async (t) => {
  const { objects, clock } = openHouse(t);
  await createObjectUpkeep(objects, () => clock.now).purge('nobody', ['a/', 'b']);
  t.same(objects.ledger.usageOf('nobody'), { bytes: 0, entries: 0 });
});

t.test('a sweep removes expired uploads and what killed threads have left, and nothing in use', async (t) => {
  const { objects, files, directory, clock } = openHouse(t, { uploadTtlMs: 60_000 });
  const upkeep = createObjectUpkeep(objects, () => clock.now);
  const key = (path: string) => ({ ...SCOPE, path, id: objects.uploads.begin(SCOPE, path, OPTIONS) });
  const [old, young] = [key('old'), key('young')];
  objects.uploads.write(old, 0, Buffer.from('old'), clock.now);
  clock.now = 3 * 3_600_000;
  const later = key('later');
  objects.uploads.write(later, 0, Buffer.from('later'), clock.now);
  for (const [name, hours] of [
    ['put-left', 0],
    ['put-fresh', 2],
  ] as const) {
    writeFileSync(join(directory, 'parts', name), name);
    utimesSync(join(directory, 'parts', name), hours * 3600, hours * 3600);
  }
  utimesSync(join(directory, 'parts', later.id), 0, 0);
  upkeep.sweep();
  t.same(files().parts, [later.id, 'put-fresh'].sort());
  t.throws(() => objects.uploads.write(young, 0, Buffer.from('y'), NEVER), { code: 'SBX_UPLOAD_SESSION' });
  t.match(objects.uploads.commit(later, 5, NEVER), { bytes: 5 });
});

t.test('after a power cut uploads are forgotten and everything is counted anew, otherwise nothing is', async (t) => {
  const { objects, put, files, clock } = openHouse(t);
  await createObjectUpkeep(objects, () => clock.now, 'boot 1').start();
  put('a/b', '12345');
  objects.uploads.begin(SCOPE, 'c', OPTIONS);
  objects.ledger.charge(SCOPE, 1000, 50);

  await createObjectUpkeep(objects, () => clock.now, 'boot 1').start();
  t.equal(objects.ledger.uploadCount('demo'), 1);
  t.same(objects.ledger.usageOf('demo'), { bytes: 1005, entries: 52 });

  await createObjectUpkeep(objects, () => clock.now, 'boot 2').start();
  t.equal(objects.ledger.uploadCount('demo'), 0);
  t.same(objects.ledger.usageOf('demo'), { bytes: 5, entries: 2 });
  t.same(files(), { stored: ['demo/platform/a/b'], parts: [] });
});
