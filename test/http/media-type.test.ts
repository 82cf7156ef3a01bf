import t from 'tap';
import { parseMediaType } from '../../src/http/media-type.js';

t.test('a content type is split into its type and its parameters', async (t) => {
  const cases: [text: string, type: string, params: Record<string, string>][] = [
    ['Text/HTML', 'text/html', {}],
    [' a/b ; Charset=UTF-8', 'a/b', { charset: 'UTF-8' }],
    ['a/b; x="q;r"; y=z', 'a/b', { x: 'q;r', y: 'z' }],
    ['a/b; x="a\\"b"', 'a/b', { x: 'a"b' }],
    ['a/b; x="C:\\dev"', 'a/b', { x: 'C:\\dev' }],
    ['a/b; x=1; x=1', 'a/b', { x: '1' }],
    ['a/b;', 'a/b', {}],
    ['form-data; name=f', 'form-data', { name: 'f' }],
  ];
  for (const [text, type, params] of cases) {
    const media = parseMediaType(text);
    t.equal(media.type, type, text);
    t.same(Object.fromEntries(media.params), params, text);
    t.equal(media.problem, undefined, text);
  }
});

t.test('what is wrong with a content type is said in the words of Go', async (t) => {
  const cases: [text: string, type: string, problem: string][] = [
    ['', '', 'mime: no media type'],
    ['/b', '', 'mime: no media type'],
    ['a b', '', 'mime: expected slash after first token'],
    ['a/', '', 'mime: expected token after slash'],
    ['a/b c', '', 'mime: unexpected content after media subtype'],
    ['a/b; x', 'a/b', 'mime: invalid media parameter'],
    ['a/b; x="y', 'a/b', 'mime: invalid media parameter'],
    ['a/b; x=1; x=2', '', 'mime: duplicate parameter name'],
  ];
  for (const [text, type, problem] of cases) {
    t.match(parseMediaType(text), { type, problem }, text);
  }
});
