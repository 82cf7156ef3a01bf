import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { codeOf, openHouse, SCOPE } from './object-house.js';

const NEVER = Number.MAX_SAFE_INTEGER;

t.test('what was put is read, and a second put takes its place only when it may', async (t) => {
  const { objects, put, read, files } = openHouse(t);
  put('a/b.txt', 'one');
  t.equal(read('a/b.txt'), 'one');
  t.equal(
    codeOf(() => objects.put(SCOPE, 'a/b.txt', Buffer.from('two'), { overwrite: false, until: NEVER })),
    'PLUGIN_STORAGE_OBJECT_EXISTS',
  );
  t.equal(read('a/b.txt'), 'one');
  put('a/b.txt', 'three');
  t.equal(read('a/b.txt'), 'three');
  t.equal(read('a/c.txt'), undefined);
  t.same(files(), { stored: ['demo/platform/a/b.txt'], parts: [] });
});

t.test('who is put tells what is found', async (t) => {
  const { objects } = openHouse(t);
  const stored = objects.put(SCOPE, 'a', Buffer.from('abc'), { overwrite: false, until: NEVER });
  t.equal(stored.bytes, 3);
  t.same(objects.stat(SCOPE, 'a'), stored);
});

t.test('plugins and tenants have files of their own', async (t) => {
  const { put, read, files } = openHouse(t);
  const scopes = [SCOPE, { pluginId: 'demo', tenantId: 7 }, { pluginId: 'other', tenantId: 7 }];
  for (const [index, scope] of scopes.entries()) put('a', `${index}`, scope);
  t.same(
    scopes.map((scope) => read('a', scope)),
    ['0', '1', '2'],
  );
  t.same(files().stored, ['demo/platform/a', 'demo/tenant/7/a', 'other/tenant/7/a']);
});

t.test('a deleted object takes the directories with it that are empty then', async (t) => {
  const { objects, put, files, directory } = openHouse(t);
  put('a/b/c');
  put('a/d');
  objects.delete(SCOPE, 'a/b/c', NEVER);
  t.same(files().stored, ['demo/platform/a/d']);
  t.throws(() => statSync(join(directory, 'plugins/demo/platform/a/b')));
  objects.delete(SCOPE, 'a/d', NEVER);
  objects.delete(SCOPE, 'a/d', NEVER);
  t.throws(() => statSync(join(directory, 'plugins/demo/platform/a')));
  t.same(objects.ledger.usageOf('demo'), { bytes: 0, entries: 0 });
});

t.test('a listing is in the order of the bytes, and goes on behind any path', async (t) => {
  const { put, list } = openHouse(t);
  const sorted = ['r/A', 'r/a-b', 'r/a.txt', 'r/a/b', 'r/a/c/d', 'r/a0', 'r/é', 'r/\uffee', 'r/🚀'];
  for (const path of sorted.toReversed()) put(path);
  put('r-2/x');
  t.same(list('r'), sorted);
  for (const [index, path] of sorted.entries()) {
    t.same(list('r', path), sorted.slice(index + 1), `behind ${path}`);
    t.same(list('r', path, 2), sorted.slice(index + 1, index + 3), `two behind ${path}`);
  }
  t.same(list('r', 'r/a/bb'), sorted.slice(4), 'behind what is not there');
  t.same(list('r/a'), ['r/a/b', 'r/a/c/d']);
  t.same(list('r/a/b'), ['r/a/b'], 'an object is listed alone');
  t.same(list('r/a/b', 'r/a/b'), []);
  t.same(list('nothing'), []);
});

t.test('what is no plain file is in the way', async (t) => {
  const { objects, put, list, directory } = openHouse(t);
  put('a/b');
  const root = join(directory, 'plugins/demo/platform');
  writeFileSync(join(directory, 'outside'), 'outside');
  mkdirSync(join(directory, 'elsewhere'));
  writeFileSync(join(directory, 'elsewhere/x'), 'outside');
  symlinkSync(join(directory, 'outside'), join(root, 'link'));
  symlinkSync(join(directory, 'elsewhere'), join(root, 'linked'));
  for (const path of ['a', 'a/b/c', 'link', 'linked', 'linked/x', 'linked/new']) {
    const works = {
      put: () => put(path),
      stat: () => objects.stat(SCOPE, path),
      open: () => objects.open(SCOPE, path),
      delete: () => objects.delete(SCOPE, path, NEVER),
    };
    for (const [name, work] of Object.entries(works)) {
      t.equal(codeOf(work), 'PLUGIN_STORAGE_PATH_INVALID', `${name} ${path}`);
    }
  }
  t.same(list('a'), ['a/b']);
  t.same(list('linked'), []);
  t.same(list('link'), []);
});

t.test('a name that no file can have is invalid', async (t) => {
  const { put } = openHouse(t);
  t.equal(
    codeOf(() => put('n'.repeat(256))),
    'PLUGIN_STORAGE_PATH_INVALID',
  );
  t.equal(
    codeOf(() => put('a\0b')),
    'PLUGIN_STORAGE_PATH_INVALID',
  );
  put('n'.repeat(255), 'x');
});

t.test('a directory that cannot be written to leaves nothing behind, and says why only to the operator', async (t) => {
  const { objects, put, files, directory } = openHouse(t);
  put('a');
  writeFileSync(join(directory, 'plugins/other'), 'in the way');
  const scope = { pluginId: 'other', tenantId: 0 };
  t.throws(() => objects.put(scope, 'b', Buffer.from('b'), { overwrite: true, until: NEVER }), {
    code: /^PLUGIN_STORAGE_(?:PROVIDER_UNAVAILABLE|PATH_INVALID)$/,
    cause: { code: /ENOTDIR|EEXIST/ },
  });
  t.same(files().parts, []);
  t.same(objects.ledger.usageOf('other'), { bytes: 0, entries: 0 });
});
