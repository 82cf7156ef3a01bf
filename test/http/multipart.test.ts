import t from 'tap';
import { MultipartProblem, parseMultipart } from '../../src/http/multipart.js';

const part = (name: string, value: string): string =>
  `--XX\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;

t.test('the values of a form are read, its files stepped over', async (t) => {
  const cases: [label: string, body: string, values: [string, string][]][] = [
    ['one value', `${part('lang', 'zh')}--XX--\r\n`, [['lang', 'zh']]],
    ['no line end after the last boundary', `${part('a', '1')}--XX--`, [['a', '1']]],
    ['a preamble and an epilogue', `pre\r\n${part('a', '1')}--XX--\r\nepilogue`, [['a', '1']]],
    ['an empty value', `${part('a', '')}--XX--`, [['a', '']]],
    ['no content at all', '--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\n--XX--', [['a', '']]],
    ['no parts', '--XX--', []],
    ['an end behind a boundary', '--XX\r\n', []],
    ['a part without a name', '--XX\r\nA: b\r\n\r\nx\r\n--XX--', []],
    ['bare line feeds', '--XX\nContent-Disposition: form-data; name="lang"\n\nfr\n--XX--\n', [['lang', 'fr']]],
    [
      'a file with something like a boundary',
      `--XX\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n--X\r\n--XXY\r\n${part('a', '1')}--XX--`,
      [['a', '1']],
    ],
    ['blanks after a boundary', '--XX \t\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--XX-- ', [['a', '1']]],
    ['UTF-8', `${part('中', '文')}--XX--`, [['中', '文']]],
  ];
  for (const [label, body, values] of cases) t.same(parseMultipart(Buffer.from(body), 'XX'), values, label);
});

t.test('a malformed form is refused in the words of Go', async (t) => {
  const cases: [label: string, body: string, boundary: string, message: string][] = [
    ['no boundary line', 'abc', 'XX', 'multipart: NextPart: EOF'],
    ['an unfinished boundary', '--XX', 'XX', 'multipart: NextPart: EOF'],
    ['an empty boundary', '--\r\n', '', 'multipart: boundary is empty'],
    ['a bad header', '--XX\r\nbad\r\n\r\nx\r\n--XX--', 'XX', 'malformed MIME header: missing colon: "bad"'],
    ['an end within the headers', '--XX\r\nA: b', 'XX', 'unexpected EOF'],
    ['an end within a value', `${part('a', '1')}junk`, 'YY', 'multipart: NextPart: EOF'],
    ['a value without an end', '--XX\r\nA: b\r\n\r\nx', 'XX', 'unexpected EOF'],
  ];
  for (const [label, body, boundary, message] of cases) {
    t.throws(() => parseMultipart(Buffer.from(body), boundary), new MultipartProblem(message), label);
  }
});

t.test('a body of nothing but line ends, near boundaries or tiny parts is given up on', async (t) => {
  const tooLarge = new MultipartProblem('multipart: message too large');
  t.throws(() => parseMultipart(Buffer.from('\n'.repeat(300_000)), 'XX'), tooLarge);
  const nearBoundaries = `--XX\r\nA: b\r\n\r\n${'\r\n--XXY'.repeat(300_000)}`;
  t.throws(() => parseMultipart(Buffer.from(nearBoundaries), 'XX'), tooLarge);
  t.throws(() => parseMultipart(Buffer.from(`${part('a', '1').repeat(1001)}--XX--`), 'XX'), tooLarge);
  t.equal(parseMultipart(Buffer.from(`${part('a', '1').repeat(1000)}--XX--`), 'XX').length, 1000);
});
