import t from 'tap';
import { cleanManifestPath, compileManifestPattern } from '../../src/grants/manifest-paths.js';

const CASES: readonly (readonly [pattern: string, target: string, allowed: boolean])[] = [
  ['resources/*.yaml', 'resources/a.yaml', true],
  ['resources/*.yaml', 'resources/x/a.yaml', false],
  ['resources/*.yaml', 'resources/*.yaml', true],
  ['config/', 'config/profile.yaml', true],
  ['config/', 'config/x/y', true],
  ['config/', 'config', true],
  ['config/', 'config\\profile.yaml', true],
  ['config/', './config/../config/a', true],
  ['config/', 'configs/a', false],
  ['config/', 'config/../sql/a', false],
  ['config/', '/config/a', false],
  ['config/', 'manifest/config/a', false],
  ['config/', '', false],
  ['config/', '.', false],
  ['config', 'config/a', false],
  ['*', '.manifest-list-probe', true],
  ['*', 'config/.manifest-list-probe', false],
  ['**', 'a/b', false],
  ['sql/00?-[a-z]*.sql', 'sql/001-create.sql', true],
  ['sql/00?-[a-z]*.sql', 'sql/001-Create.sql', false],
  ['sql/[', 'sql/[', true],
  ['sql/[', 'sql/x', false],
];

for (const [pattern, target, allowed] of CASES) {
  t.test(`F113 a grant of ${pattern} ${allowed ? 'allows' : 'refuses'} "${target}"`, async (t) => {
    t.equal(compileManifestPattern(pattern)?.(target), allowed);
  });
}

for (const path of [
  '',
  '.',
  '..',
  '../x',
  '/x',
  'C:x',
  'https://x',
  'manifest',
  'manifest/config',
  'a/../manifest/x',
]) {
  t.test(`F114 "${path}" is no manifest path and grants nothing`, async (t) => {
    t.equal(cleanManifestPath(path), undefined);
    t.equal(compileManifestPattern(path), undefined);
  });
}
