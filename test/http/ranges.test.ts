import t from 'tap';
import { isNotModified, rangesOf } from '../../src/http/ranges.js';

const TAG = '"abc"';

t.test('a client that has the bytes already is told by the tag, however many it lists', async (t) => {
  for (const [header, has] of [
    ['"abc"', true],
    ['W/"abc"', true],
    ['"x", "abc"', true],
    ['"x","y"', false],
    ['*', true],
    ['abc', false],
    ['"abc-br"', false],
    ['"a,bc", W/"abc"', true],
    ['', false],
  ] as const) {
    t.equal(isNotModified({ 'if-none-match': header }, TAG), has, header);
  }
  t.equal(isNotModified({}, TAG), false);
});

t.test('ranges of a file of 100 bytes', async (t) => {
  const cases = [
    ['bytes=0-9', [[0, 9]]],
    ['bytes=90-', [[90, 99]]],
    ['bytes=-10', [[90, 99]]],
    ['bytes=-1000', [[0, 99]]],
    ['bytes=95-1000', [[95, 99]]],
    ['Bytes = 0-0', [[0, 0]]],
    [
      'bytes=0-9,20-29',
      [
        [0, 9],
        [20, 29],
      ],
    ],
    [
      'bytes=20-29, 0-9',
      [
        [20, 29],
        [0, 9],
      ],
    ],
    ['bytes=0-9,5-15,16-20', [[0, 20]]],
    ['bytes=0-1,-200', [[0, 99]]],
    ['bytes=0-0,500-600', [[0, 0]]],
    ['bytes=100-', 'none'],
    ['bytes=100-200,300-', 'none'],
    ['bytes=-0', 'none'],
    ['bytes=9-5', 'none'],
    ['bytes=a-b', 'whole'],
    ['bytes=-', 'whole'],
    ['bytes', 'whole'],
    ['lines=0-9', 'whole'],
    [`bytes=${Array.from({ length: 17 }, (_, i) => `${i * 3}-${i * 3}`).join()}`, 'whole'],
  ] as const;
  for (const [range, expected] of cases) {
    const ranges = rangesOf({ range }, TAG, 100);
    t.same(typeof ranges === 'string' ? ranges : ranges.map(({ start, end }) => [start, end]), expected, range);
  }
  t.equal(rangesOf({}, TAG, 100), 'whole');
  t.equal(rangesOf({ range: 'bytes=0-9' }, TAG, 0), 'none');
  t.equal(rangesOf({ range: 'bytes=-5' }, TAG, 0), 'none');
});

t.test('a part is given only of the bytes that the client has begun with', async (t) => {
  const range = 'bytes=0-9';
  t.same(rangesOf({ range, 'if-range': '"abc"' }, TAG, 100), [{ start: 0, end: 9 }]);
  for (const other of ['"abd"', 'W/"abc"', 'Sat, 21 Nov 2026 06:34:22 GMT']) {
    t.equal(rangesOf({ range, 'if-range': other }, TAG, 100), 'whole', other);
  }
});
