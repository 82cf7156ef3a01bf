import t from 'tap';
import { nearest } from '../../src/config/check.js';

t.test('a near miss is recognised, a different word is not', async (t) => {
  const words = ['maxThreads', 'minThreads', 'host', 'port'];
  const cases: [word: string, meant: string | undefined][] = [
    ['maxthreads', 'maxThreads'],
    ['maxThread', 'maxThreads'],
    ['hst', 'host'],
    ['max', 'maxThreads'],
    ['p', undefined],
    ['colour', undefined],
    ['', undefined],
  ];
  for (const [word, meant] of cases) t.equal(nearest(word, words), meant, word);
});
