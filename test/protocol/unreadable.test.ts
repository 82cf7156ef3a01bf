import t from 'tap';
import { unreadable } from '../../src/protocol/unreadable.js';

t.test('a file that cannot be read is named once, with the reason in words', async (t) => {
  const cases: readonly (readonly [code: string, reason: string])[] = [
    ['ENOENT', 'there is no such file or directory'],
    ['ENOTDIR', 'there is no such file or directory'],
    ['EISDIR', 'it is a directory'],
    ['EACCES', 'permission denied'],
    ['EIO', "EIO: i/o error, read 'a'"],
  ];
  for (const [code, reason] of cases) {
    const cause = Object.assign(new Error("EIO: i/o error, read 'a'"), { code });
    t.match(unreadable('a', cause), { code: 'SBX_FILE_UNREADABLE', message: `cannot read a: ${reason}`, cause }, code);
  }
});
