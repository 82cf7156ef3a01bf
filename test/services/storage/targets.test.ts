import t from 'tap';
import type { SandpoolError } from '../../../src/protocol/errors.js';
import { cursorWithin, listedPath, objectPath, objectPaths } from '../../../src/services/storage/targets.js';

const callOn = (resourceRef: string) => ({
  service: 'storage',
  method: 'get',
  resourceRef,
  table: '',
  payload: new Uint8Array(0),
  owner: '',
  version: '',
});

function codeOf(work: () => unknown): string {
  try {
    return `gives ${JSON.stringify(work())}`;
  } catch (thrown) {
    return (thrown as SandpoolError).code;
  }
}

const CLEANED: readonly (readonly [given: string, path: string])[] = [
  ['reports/a.json', 'reports/a.json'],
  ['  reports/a.json\t', 'reports/a.json'],
  ['reports\\a.json', 'reports/a.json'],
  ['reports//./b/../a.json', 'reports/a.json'],
  ['x/../reports/a.json', 'reports/a.json'],
];
t.test('a path is cleaned before it is compared with the resource of the call', async (t) => {
  for (const [given, path] of CLEANED) t.equal(objectPath(callOn(' reports/a.json '), given), path, given);
  t.equal(objectPath(callOn('reports/'), 'reports/sub/a'), 'reports/sub/a');
});

// Codes of the reference (`spec/host-services.md` §4.2).
const REFUSED: readonly (readonly [path: string, code: string])[] = [
  ['', 'PLUGIN_STORAGE_PATH_REQUIRED'],
  [' \t\n', 'PLUGIN_STORAGE_PATH_REQUIRED'],
  ['.', 'PLUGIN_STORAGE_PATH_INVALID'],
  ['..', 'PLUGIN_STORAGE_PATH_INVALID'],
  ['../a', 'PLUGIN_STORAGE_PATH_INVALID'],
  ['reports/../../a', 'PLUGIN_STORAGE_PATH_INVALID'],
  ['/etc/passwd', 'PLUGIN_STORAGE_PATH_INVALID'],
  ['\\etc\\passwd', 'PLUGIN_STORAGE_PATH_INVALID'],
  ['C:\\x', 'PLUGIN_STORAGE_PATH_INVALID'],
  ['file://reports/a', 'PLUGIN_STORAGE_PATH_INVALID'],
  ['reports/', 'PLUGIN_STORAGE_PATH_INVALID'],
  ['reports/a\0b', 'PLUGIN_STORAGE_PATH_INVALID'],
  [`reports/${'a'.repeat(505)}`, 'PLUGIN_STORAGE_PATH_TOO_LONG'],
  [`reports/${'é'.repeat(253)}`, 'PLUGIN_STORAGE_PATH_TOO_LONG'],
  ['other/a', 'SBX_WIRE_INVALID'],
  ['reports-v2/a', 'SBX_WIRE_INVALID'],
];
for (const [path, code] of REFUSED) {
  t.test(`the path ${JSON.stringify(path.slice(0, 30))} is refused with ${code}`, async (t) => {
    t.equal(
      codeOf(() => objectPath(callOn('reports/'), path)),
      code,
    );
    t.equal(
      codeOf(() => objectPaths(callOn('reports/'), ['reports/a', path])),
      code,
    );
  });
}

t.test('a path of 512 bytes is no longer than allowed', async (t) => {
  const path = `reports/${'a'.repeat(504)}`;
  t.equal(objectPath(callOn('reports/'), path), path);
});

t.test('a batch has no more than 100 distinct paths', async (t) => {
  const paths = Array.from({ length: 100 }, (_, index) => `reports/${index}`);
  t.equal(objectPaths(callOn('reports/'), [...paths, 'reports/./7']).length, 100);
  t.equal(
    codeOf(() => objectPaths(callOn('reports/'), [...paths, 'reports/x'])),
    'CAPABILITY_LIMIT_EXCEEDED',
  );
});

t.test('what is listed may be written with or without a slash at the end', async (t) => {
  for (const resource of ['reports', 'reports/']) {
    for (const prefix of ['reports', 'reports/']) t.equal(listedPath(callOn(resource), prefix), 'reports');
  }
  t.equal(listedPath(callOn('reports/'), 'reports/2026/'), 'reports/2026');
  t.equal(
    codeOf(() => listedPath(callOn('reports'), 'reports/2026')),
    'SBX_WIRE_INVALID',
  );
  t.equal(
    codeOf(() => listedPath(callOn('reports/'), '')),
    'PLUGIN_STORAGE_PATH_REQUIRED',
  );
});

t.test('a cursor lies under what is listed', async (t) => {
  t.equal(cursorWithin('reports', ' '), '');
  t.equal(cursorWithin('reports', 'reports/a'), 'reports/a');
  for (const cursor of ['reports-v2/a', 'a', '../reports/a']) {
    t.equal(
      codeOf(() => cursorWithin('reports', cursor)),
      'PLUGIN_STORAGE_PATH_INVALID',
      cursor,
    );
  }
});
