/** In which order an object becomes one: a power cut must find it whole, or not at all. */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openHouse, SCOPE } from './object-house.js';

const NEVER = Number.MAX_SAFE_INTEGER;
const ROOT = 'plugins/demo/platform';

/** What is synced and renamed below a directory from now on, in order. */
function watchDisk(t: Test, directory: string): readonly string[] {
  const deeds: string[] = [];
  const named = (path: unknown) =>
    String(path)
      .slice(directory.length + 1)
      .replace(/^parts\/.*/, 'part');
  const { openSync, fsyncSync, renameSync } = fs;
  const paths = new Map<number, string>();
  fs.openSync = (...given: Parameters<typeof openSync>) => {
    const descriptor = openSync(...given);
    paths.set(descriptor, named(given[0]));
    return descriptor;
  };
  fs.fsyncSync = (descriptor) => {
    fsyncSync(descriptor);
    deeds.push(`sync ${paths.get(descriptor)}`);
  };
  fs.renameSync = (from, to) => {
    renameSync(from, to);
    deeds.push(`rename ${named(from)} ${named(to)}`);
  };
  syncBuiltinESMExports();
  t.teardown(() => {
    Object.assign(fs, { openSync, fsyncSync, renameSync });
    syncBuiltinESMExports();
  });
  return deeds;
}

/** The file and the directories that lead to it are synced before it has its name, and the name after it. */
const IN_ORDER = ['sync part', `sync ${ROOT}`, `rename part ${ROOT}/reports/a`, `sync ${ROOT}/reports`];

t.test('an object that is put is synced before it has its name, and its name before that is told', async (t) => {
  const house = openHouse(t);
  house.put('first');
  const deeds = watchDisk(t, house.directory);
  house.put('reports/a');
  t.strictSame(deeds, IN_ORDER);
});

t.test('so is one that came in chunks', async (t) => {
  const { objects, directory, put } = openHouse(t);
  put('first');
  const id = objects.uploads.begin(SCOPE, 'reports/a', { contentType: '', overwrite: false, until: NEVER });
  const key = { ...SCOPE, id, path: 'reports/a' };
  objects.uploads.write(key, 0, Buffer.from('abc'), NEVER);
  const deeds = watchDisk(t, directory);
  objects.uploads.commit(key, 3, NEVER);
  t.strictSame(deeds, IN_ORDER);
  t.equal(fs.readFileSync(join(directory, ROOT, 'reports/a'), 'utf8'), 'abc');
});
