import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { holdDataDir, makeDataDir } from '../../src/main/data-dir.js';

t.test('a new data directory is for its owner alone, and one that is there stays as it is', async (t) => {
  const root = t.testdir({});
  const made = makeDataDir(join(root, 'made'));
  t.equal(statSync(made).mode & 0o777, 0o700);
  mkdirSync(join(root, 'shared'));
  chmodSync(join(root, 'shared'), 0o755);
  t.equal(statSync(makeDataDir(join(root, 'shared'))).mode & 0o777, 0o755);
});

t.test('a data directory is held by one host, and the next one is told by which', async (t) => {
  const directory = t.testdir({});
  const release = holdDataDir(directory);
  t.throws(() => holdDataDir(directory), {
    code: 'SBX_DATA_DIR',
    message: `the data directory ${directory} cannot be used: process ${process.pid} runs a host on it`,
  });
  release();
  holdDataDir(directory)();
});

t.test('a data directory that cannot be written in is refused before anything else', async (t) => {
  const directory = join(t.testdir({}), 'gone');
  t.throws(() => holdDataDir(directory), { code: 'SBX_DATA_DIR', details: { dir: directory } });
});
