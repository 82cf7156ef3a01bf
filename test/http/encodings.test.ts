import t from 'tap';
import { preferredEncoding } from '../../src/http/encodings.js';

t.test('a client gets the compressed form that it likes best', async (t) => {
  const cases = [
    [undefined, undefined],
    ['', undefined],
    ['identity', undefined],
    ['gzip', 'gzip'],
    ['gzip, deflate, br', 'br'],
    ['br;q=0.5, gzip;q=0.9', 'gzip'],
    ['br;q=0, gzip;q=0', undefined],
    ['br;q=0, *', 'gzip'],
    ['*', 'br'],
    ['identity;q=1, br;q=0.5', undefined],
    ['deflate, zstd', undefined],
    ['BR', 'br'],
  ] as const;
  for (const [header, expected] of cases) {
    t.equal(preferredEncoding(header), expected, header ?? 'none');
    t.equal(preferredEncoding(header), expected, 'the second time too');
  }
});

t.test('a client that invents headers is answered as well', async (t) => {
  for (let i = 1; i < 600; i++) t.equal(preferredEncoding(`gzip;q=0.${i}, x-${i}`), 'gzip');
});
