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

t.test('nor is what others have put a file in the place of', (t) => {
  const file = join(t.testdir({ file: '' }), 'file');
  t.equal(openFile(join(file, 'below')), undefined);
  t.doesNotThrow(() => syncDirectory(join(file, 'below')));
  t.end();
});

t.test('any other failure is one', (t) => {
  const loop = join(t.testdir({ loop: t.fixture('symlink', 'loop') }), 'loop');
  t.throws(() => syncDirectory(loop), { code: 'ELOOP' });
  t.throws(() => openFile(loop), { code: 'ELOOP' });
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
