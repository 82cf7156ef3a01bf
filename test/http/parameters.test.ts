import t from 'tap';
import { type ParameterSource, readParameters } from '../../src/http/parameters.js';

const FORM = 'application/x-www-form-urlencoded';
const MULTIPART = 'multipart/form-data; boundary=XX';
const multipart = (name: string, value: string): string =>
  `--XX\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n--XX--`;

/** A request by `POST` unless the query alone matters. */
function source(contentType: string, body: string, rawQuery = '', method = 'POST'): ParameterSource {
  return { method, contentType, rawQuery, body: Buffer.from(body) };
}

t.test('the language parameter is found in form, body and query, in this order', async (t) => {
  const cases: [label: string, from: ParameterSource, lang: string | undefined][] = [
    ['nowhere', source('', ''), undefined],
    ['query', source('', '', 'lang=zh-CN'), 'zh-CN'],
    ['escaped query', source('', '', 'l%61ng=fr'), 'fr'],
    ['form', source(FORM, 'lang=fr', 'lang=zh'), 'fr'],
    ['blank in a form', source(FORM, 'lang=', 'lang=zh'), ''],
    ['last of a form', source(FORM, 'lang=zh&lang=fr'), 'fr'],
    ['multipart', source(MULTIPART, multipart('lang', 'zh')), 'zh'],
    ['JSON', source('application/json', ' {"lang":"fr"}\n', 'lang=zh'), 'fr'],
    ['JSON with escapes', source('', '{"l\\u0061ng":"fr"}'), 'fr'],
    ['null in JSON', source('', '{"lang":null}', 'lang=zh'), 'zh'],
    ['no text in JSON', source('', '{"lang":["fr"]}'), '["fr"]'],
    ['XML', source('', '<r><x><lang>zh</lang></x><!-- <lang>a</lang> --><lang q="1">fr</lang></r>'), 'fr'],
    ['an empty element', source('', '<?xml version="1.0"?><r><lang/></r>'), ''],
    ['broken XML', source('', '<r><lang>fr', 'lang=zh'), 'zh'],
    ['query-style text', source('text/plain', 'a=1&lang=fr'), 'fr'],
    ['broken query-style text', source('', 'lang=zh&a=%zz'), undefined],
    ['a list', source('', '', 'lang[]=zh'), '[]'],
    ['JSON in a form', source(FORM, '{"lang":"fr"}'), 'fr'],
    ['the body of a GET', source('application/json', '{"lang":"fr"}', '', 'GET'), 'fr'],
    ['a body too large to search', source('', `{"lang":"fr","pad":"${'x'.repeat(300_000)}"}`), undefined],
  ];
  for (const [label, from, lang] of cases) t.equal(readParameters(from).lang, lang, label);
});

t.test('a body reaches the guest as it was sent', async (t) => {
  const bodies: [contentType: string, body: string, method?: string][] = [
    ['application/json', '{"a":1}'],
    ['application/octet-stream', '\0\x01'],
    [FORM, 'a=1&b=%20+'],
    [FORM, '{"a":1}&b'],
    [FORM, '{"a":"b=c"}', 'DELETE'],
    ['', 'x', 'GET'],
  ];
  for (const [contentType, body, method] of bodies) {
    t.equal(readParameters(source(contentType, body, '', method)).body.toString(), body, `${contentType} ${body}`);
  }
});

t.test('a multipart body never reaches the guest (R23)', async (t) => {
  t.equal(readParameters(source(MULTIPART, multipart('a', '1'))).body.length, 0);
  t.equal(readParameters(source('Multipart/Form-Data; boundary=XX', 'as sent')).body.toString(), 'as sent');
});

t.test('a document that was sent as a form is unwrapped, its first equals sign lost', async (t) => {
  const cases: [sent: string, received: string][] = [
    ['{"a":"b=c+d%20e=f"}', '{"a":"bc d e=f"}'],
    [' {"a":1} ', '{"a":1}'],
    ['<a>b=1</a>', '<a>b1</a>'],
  ];
  for (const [sent, received] of cases) t.equal(readParameters(source(FORM, sent)).body.toString(), received, sent);
});

t.test('a form that cannot be parsed is refused with the words of the reference', async (t) => {
  const cases: [from: ParameterSource, message: string][] = [
    [source(FORM, 'a=%zz'), 'r.Request.ParseForm failed: invalid URL escape "%zz"'],
    [source(FORM, 'a=1;b=2'), 'r.Request.ParseForm failed: invalid semicolon separator in query'],
    [source(FORM, 'a=1', 'q=1;2'), 'r.Request.ParseForm failed: invalid semicolon separator in query'],
    [source(`${FORM}; charset`, 'a=1'), 'r.Request.ParseForm failed: mime: invalid media parameter'],
    [
      source(FORM, 'a[]=1&a[b]=2'),
      "Parse request parameters failed: expected type 'map[string]any' for key 'a', but got '[]interface {}'",
    ],
    [source('multipart/form-data', 'abc'), 'r.ParseMultipartForm failed: no multipart boundary param in Content-Type'],
    [
      source('multipart/mixed; boundary=XX', 'abc'),
      "r.ParseMultipartForm failed: request Content-Type isn't multipart/form-data",
    ],
    [source(MULTIPART, 'abc'), 'r.ParseMultipartForm failed: multipart: NextPart: EOF'],
    [
      source(MULTIPART, multipart('a', '1'), 'a=1;2'),
      'r.ParseMultipartForm failed: invalid semicolon separator in query',
    ],
  ];
  for (const [from, message] of cases) {
    t.throws(() => readParameters(from), { code: 'SBX_FORM_INVALID', status: 500, message }, message);
  }
  t.equal(readParameters(source(FORM, 'a=%zz', '', 'DELETE')).body.toString(), 'a=%zz', 'only three verbs have forms');
});

t.test('a query that cannot be parsed is refused, unless the language came from the body', async (t) => {
  const cases: [rawQuery: string, message: string][] = [
    ['q=%zz', 'Parse Query failed: url.QueryUnescape failed for string "%zz": invalid URL escape "%zz"'],
    ['lang=zh&q=%', 'Parse Query failed: url.QueryUnescape failed for string "%": invalid URL escape "%"'],
    ['q=1&q[a]=2', "Parse Query failed: expected type 'map[string]any' for key 'q', but got 'string'"],
  ];
  for (const [rawQuery, message] of cases) {
    t.throws(() => readParameters(source('', '', rawQuery)), { code: 'SBX_QUERY_INVALID', status: 500, message });
    t.equal(readParameters(source('', '{"lang":"fr"}', rawQuery)).lang, 'fr', rawQuery);
  }
});
