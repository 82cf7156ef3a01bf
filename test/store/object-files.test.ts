import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { findFile, openFile, syncDirectory } from '../../src/store/object-files.js';

t.test('what others remove between a look and a touch is not there, which is no failure', (t) => {
  const root = t.testdir();
  t.equal(openFile(join(root, 'gone')), undefined);
  t.doesNotThrow(() => syncDirectory(join(root, 'gone/and/away')));
  t.end();
});

t.test('what is no directory is a failure still', (t) => {
  const file = join(t.testdir({ file: '' }), 'file');
  t.throws(() => syncDirectory(join(file, 'below')), { code: 'ENOTDIR' });
  t.throws(() => openFile(join(file, 'below')), { code: 'ENOTDIR' });
  t.end();
});

t.test('what is found at a path', (t) => {
  const root = t.testdir();
  mkdirSync(join(root, 'a'));
  writeFileSync(join(root, 'a/b'), 'four');
  t.match(findFile(root, 'a/b'), { kind: 'file', bytes: 4 });
  t.match(findFile(root, 'a'), { kind: 'directory' });
  t.match(findFile(root, 'a/b/c'), { kind: 'blocked' });
  t.match(findFile(root, 'a/x/y/z'), {
    kind: 'missing',
    file: join(root, 'a/x/y/z'),
    missingDirectories: [join(root, 'a/x'), join(root, 'a/x/y')],
  });
  t.end();
});
