import t from 'tap';
import { cleanStoragePath, compileStoragePattern } from '../../src/grants/storage-paths.js';

const CASES: readonly (readonly [pattern: string, target: string, allowed: boolean])[] = [
  ['reports/', 'reports/2026/summary.json', true],
  ['reports/', 'reports', true],
  ['reports/', 'reports/', true],
  ['reports/', ' reports\\a.txt ', true],
  ['reports/', 'reports//a', true],
  ['reports/', './reports/a', true],
  ['reports/', 'reports/x/../a', true],
  ['reports/', 'reports-v2/demo.json', false],
  ['reports/', 'reports/../x', false],
  ['reports/', '/reports/a', false],
  ['reports/', 'C:/reports/a', false],
  ['reports/', 'reports/../../reports/a', false],
  ['reports/', 'file://reports/a', false],
  ['reports/', 'reports/a://b', false],
  ['reports/', '', false],
  ['reports/', '.', false],
  ['exports/daily.json', 'exports/daily.json', true],
  ['exports/daily.json', 'exports/daily.json/', false],
  ['exports/daily.json', 'exports/daily.json/x', false],
  ['exports', 'exports/x', false],
  ['*', 'anything', false],
  ['exports/*', 'exports/a', false],
];

for (const [pattern, target, allowed] of CASES) {
  t.test(`a grant of ${pattern} ${allowed ? 'allows' : 'refuses'} "${target}"`, async (t) => {
    t.equal(compileStoragePattern(pattern)?.(target), allowed);
  });
}

for (const pattern of ['', '/', '/abs', '..', '../x', '.', 'C:\\x', 's3://bucket']) {
  t.test(`"${pattern}" is no storage path and grants nothing`, async (t) => {
    t.equal(compileStoragePattern(pattern), undefined);
    t.equal(cleanStoragePath(pattern), undefined);
  });
}
