import t from 'tap';
import { compareBytes, isBlank, lower, trim, upper } from '../../src/artifact/text.js';

t.test('white space is what Unicode says: U+0085 is, U+FEFF is not', async (t) => {
  t.equal(trim('\u0085\u00a0\u2028\u3000 \t a b \n\u0085'), 'a b');
  t.equal(trim('\ufeffa'), '\ufeffa');
  t.ok(isBlank('\u0085'));
  t.notOk(isBlank('\ufeff'));
});

t.test('case is mapped one code point to one', async (t) => {
  t.equal(upper(' straße ﬁ '), 'STRAßE ﬁ');
  t.equal(lower(' ÄÖ İ Σ 𐐀 '), 'äö i σ 𐐨');
});

t.test('order is that of UTF-8 bytes', async (t) => {
  t.same(['😀', '\uffff', 'b', 'a', 'B'].sort(compareBytes), ['B', 'a', 'b', '\uffff', '😀']);
  t.equal(compareBytes('a', 'a'), 0);
  t.equal(compareBytes('a', 'ab'), -1);
});
