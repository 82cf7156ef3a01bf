/** What a guest must not get done with calls of `data`: other rows than its own, other words than values, a host that falls over. */
import t from 'tap';
import { decodePayload, encodePayload } from '../../src/protocol/payloads.js';
import { type Random, randomOf } from '../rewrite/random-program.js';
import {
  base64,
  type Caller,
  callOf,
  filter,
  type House,
  jsonBytes,
  openHouse,
  TABLE,
} from '../services/data/house.js';

t.setTimeout(3_600_000);

/** More of everything for a long run. */
const EFFORT = Number(process.env.SANDPOOL_TEST_EFFORT ?? 1);
const SEED = Number(process.env.SANDPOOL_TEST_SEED ?? 1);
const SECRET = `${TABLE}_secret`;
const SQL = `
CREATE TABLE ${TABLE} (id VARCHAR(200) PRIMARY KEY, tenant_id INT NOT NULL DEFAULT 0, title TEXT, count BIGINT, raw BYTEA, updated_at TIMESTAMP);
INSERT INTO ${TABLE} (id, tenant_id, title, count) VALUES ('a', 0, 'first', 1), ('b', 7, 'second', 2), ('c', 8, 'third', 3);
CREATE TABLE ${SECRET} (id INT PRIMARY KEY, title TEXT);
INSERT INTO ${SECRET} VALUES (1, 'nobody reads this');`;

const everything = (house: House): unknown => [
  house.rows(`SELECT id, tenant_id, title, count, hex(raw) FROM ${TABLE} ORDER BY id`),
  house.rows(`SELECT * FROM ${SECRET}`),
  house.rows('SELECT name, sql FROM sqlite_schema ORDER BY name'),
];

const INJECTIONS = [
  `' OR '1'='1`,
  `" OR "1"="1`,
  `'; DROP TABLE ${TABLE}; --`,
  `id"; DELETE FROM ${TABLE}; --`,
  `a' UNION SELECT title FROM ${SECRET} --`,
  `a) OR (1=1`,
  `sandpool_given(0)`,
  `?1`,
  `\u0000'; DROP TABLE ${TABLE}; --`,
  `${TABLE}; ATTACH DATABASE '/tmp/x' AS x`,
  `%' ESCAPE '\\`,
  `$title`,
  `:title`,
  `\ud800'`,
];

t.test('SQL in any text of a call is a value or a refusal, and changes nothing', async (t) => {
  const house = await openHouse(t, { sql: SQL });
  const before = everything(house);
  const list = (plan: object) =>
    encodePayload('HostServiceDataListRequest', { planJson: jsonBytes({ table: TABLE, action: 'list', ...plan }) });
  const mutation = (parts: object) => encodePayload('HostServiceDataMutationRequest', parts);
  for (const text of INJECTIONS) {
    const found: readonly (readonly [method: string, payload: Uint8Array])[] = [
      ['list', list({ filters: [filter('id', 'eq', text)] })],
      ['list', list({ filters: [filter('title', 'in', [text])] })],
      ['list', list({ filters: [filter('title', 'like', text)] })],
      [
        'get',
        encodePayload('HostServiceDataGetRequest', {
          planJson: jsonBytes({ table: TABLE, action: 'get', keyJson: base64(text) }),
        }),
      ],
      ['batch_get', encodePayload('HostServiceDataBatchGetRequest', { keyJson: [jsonBytes(text)] })],
      ['delete', mutation({ keyJson: jsonBytes(text) })],
      ['update', mutation({ keyJson: jsonBytes(text), recordJson: jsonBytes({ title: text }) })],
    ];
    for (const [method, payload] of found) {
      const answered = await house.send(method, payload);
      const isHarmless =
        answered.status === 3 || !/first|second|third|nobody/.test(Buffer.from(answered.payload, 'hex').toString());
      t.ok(isHarmless, `${method} ${text}: ${answered.payload}`);
    }
    const refused: readonly (readonly [method: string, payload: Uint8Array])[] = [
      ['list', list({ fields: [text] })],
      ['list', list({ filters: [filter(text, 'eq', 1)] })],
      ['list', list({ filters: [{ field: 'id', operator: text, valueJson: base64(1) }] })],
      ['list', list({ orders: [{ field: text, direction: 'asc' }] })],
      ['list', list({ orders: [{ field: 'id', direction: text }] })],
      ['list', list({ action: text })],
      ['list', list({ table: text })],
      ['batch_get', encodePayload('HostServiceDataBatchGetRequest', { keyJson: [jsonBytes('a')], fields: [text] })],
      ['create', mutation({ recordJson: jsonBytes({ id: 'x', [text]: 1 }) })],
      ['update', mutation({ keyJson: jsonBytes('a'), recordJson: jsonBytes({ title: 'x', [text]: 1 }) })],
      [
        'transaction',
        encodePayload('HostServiceDataTransactionRequest', { operations: [{ method: text, keyJson: jsonBytes('a') }] }),
      ],
    ];
    for (const [method, payload] of refused)
      t.equal((await house.send(method, payload)).status, 3, `${method} ${text}`);
    for (const method of ['list', 'create', 'delete']) {
      const answered = await house.send(method, list({}), { table: text });
      t.equal(answered.status, 1, `${method} on the table ${text}`);
    }
    const made = await house.send('create', mutation({ recordJson: jsonBytes({ id: `x${text}`, title: text }) }));
    if (made.status === 0) await house.delete(`x${text.replace('\ud800', '\ufffd')}`);
  }
  t.strictSame(everything(house), before);
});

t.test('F032 a table that was not granted is out of reach, in any spelling', async (t) => {
  const house = await openHouse(t, { sql: SQL });
  const before = everything(house);
  const planJson = jsonBytes({ table: SECRET, action: 'list' });
  const list = encodePayload('HostServiceDataListRequest', { planJson });
  const tables = [
    SECRET,
    SECRET.toUpperCase(),
    `"${SECRET}"`,
    `main.${SECRET}`,
    `${TABLE}, ${SECRET}`,
    TABLE.toUpperCase(),
    'sqlite_schema',
    'sandpool_relation',
    '',
  ];
  for (const table of tables) t.equal((await house.send('list', list, { table })).status, 1, table);
  t.equal((await house.send('list', list)).status, 3, 'nor by the plan alone');
  t.strictSame(everything(house), before);
});

t.test('F032 another plugin has a database of its own, whatever it calls its tables', async (t) => {
  const other = 'demo-dynamic-record';
  const house = await openHouse(t, { sql: SQL, plugins: ['demo-dynamic', other] });
  const caller = { pluginId: other };
  t.equal((await house.list({}, caller)).total, 3, 'the prefix of one is a table of the other');
  await house.delete('a', caller);
  t.equal((await house.list({})).total, 3, 'in another file');
  t.equal((await house.list({}, caller)).total, 2);
});

t.test('truncated and overlong payloads are refused, and write nothing', async (t) => {
  const house = await openHouse(t, { sql: SQL });
  const before = everything(house);
  const record = encodePayload('HostServiceDataMutationRequest', {
    keyJson: jsonBytes('a'),
    recordJson: jsonBytes({ title: 'changed' }),
  });
  const whole = new Set([0, 5]);
  for (let length = 0; length < record.length; length += 1) {
    const answered = await house.send('update', record.subarray(0, length));
    t.equal(answered.status, 3, `${length} bytes${whole.has(length) ? ', whole fields' : ''}`);
  }
  const cut = callOf('update', record);
  for (let length = 1; length < cut.length; length += 7) {
    const { status } = await house.sendBytes(cut.subarray(0, length));
    t.ok(status > 0, `${length} bytes of the call`);
  }
  const large = Buffer.alloc(5 * 1024 * 1024, 0x20);
  for (const method of ['list', 'get', 'batch_get', 'create', 'update', 'delete', 'transaction'])
    t.match(await house.send(method, large), { status: 3, errorCode: 'CAPABILITY_LIMIT_EXCEEDED' }, method);
  t.strictSame(everything(house), before);
});

// ---- the fuzzer ----------------------------------------------------------------------------------------------------------------

const METHODS = ['list', 'get', 'batch_get', 'create', 'update', 'delete', 'transaction'];
const FIELDS = ['id', 'tenantId', 'title', 'count', 'raw', 'updatedAt', 'nope', '', '__proto__'];

function anyJson(random: Random, depth = 0): unknown {
  switch (random(depth > 2 ? 8 : 11)) {
    case 0: return null;
    case 1: return random(2) === 0;
    case 2: return random(1000) - 500;
    case 3: return 2 ** random(1100) * (random(2) === 0 ? 1 : -1);
    case 4: return INJECTIONS[random(INJECTIONS.length)];
    case 5: return String.fromCharCode(random(0x10000)).repeat(random(40));
    case 6: return ['a', 'b', 'c', 'x', ''][random(5)];
    case 7: return new Date(random(2 ** 31) * 4000).toISOString();
    case 8: return Array.from({ length: random(6) }, () => anyJson(random, depth + 1));
    default: return Object.fromEntries(Array.from({ length: random(5) }, () => [FIELDS[random(FIELDS.length)], anyJson(random, depth + 1)]));
  }
} // biome-ignore format: a table of choices

function anyPlan(random: Random): object {
  const some = <T>(make: () => T): T[] => Array.from({ length: random(4) }, make);
  const field = () => FIELDS[random(FIELDS.length)] as string;
  return {
    table: random(20) > 0 ? TABLE : anyJson(random),
    action: ['list', 'count', 'get', 'create', 'x'][random(5)],
    ...(random(2) === 0 && { fields: some(field) }),
    ...(random(2) === 0 && {
      filters: some(() => {
        const operator = (['eq', 'like', 'in'] as const)[random(3)]!;
        return filter(field(), operator, operator === 'in' ? [anyJson(random)] : anyJson(random));
      }),
    }),
    ...(random(2) === 0 && {
      orders: some(() => ({ field: field(), direction: ['asc', 'desc', 'x'][random(3)] })),
    }),
    ...(random(2) === 0 && { page: random(5) > 0 ? { pageNum: random(5), pageSize: random(200) } : anyJson(random) }),
    keyJson: base64(anyJson(random) ?? 0),
  };
}

function anyRecord(random: Random): Uint8Array {
  const known = Object.fromEntries(
    FIELDS.slice(0, 6)
      .filter(() => random(3) === 0)
      .map((field) => [field, anyJson(random)]),
  );
  return jsonBytes(random(6) === 0 ? (anyJson(random) ?? null) : known);
}

function anyPayload(random: Random, method: string): Uint8Array {
  const key = () => jsonBytes(anyJson(random) ?? null);
  if (method === 'list') return encodePayload('HostServiceDataListRequest', { planJson: jsonBytes(anyPlan(random)) });
  if (method === 'get')
    return encodePayload('HostServiceDataGetRequest', { planJson: jsonBytes({ ...anyPlan(random), action: 'get' }) });
  if (method === 'batch_get')
    return encodePayload('HostServiceDataBatchGetRequest', {
      keyJson: Array.from({ length: random(9) }, key),
      fields: FIELDS.filter(() => random(8) === 0),
    });
  if (method !== 'transaction')
    return encodePayload('HostServiceDataMutationRequest', { keyJson: key(), recordJson: anyRecord(random) });
  const operations = Array.from({ length: random(6) }, () => ({
    method: METHODS[3 + random(4)]!,
    keyJson: key(),
    recordJson: anyRecord(random),
  }));
  return encodePayload('HostServiceDataTransactionRequest', { operations });
}

/** Some bytes of it changed, left out, or doubled. */
function damaged(random: Random, bytes: Uint8Array): Uint8Array {
  const copy = Buffer.from(bytes);
  for (let index = random(4); index > 0 && copy.length > 0; index -= 1) copy[random(copy.length)] = random(256);
  if (random(4) === 0) return copy.subarray(0, random(copy.length + 1));
  return random(8) === 0 ? Buffer.concat([copy, copy]) : copy;
}

t.test('no bytes of a call make the host fall, break the database, or reach what is not the caller’s', async (t) => {
  const house = await openHouse(t, { sql: SQL });
  const random = randomOf(SEED);
  const statuses = new Map<number, number>();
  for (let round = 0; round < 1500 * EFFORT; round += 1) {
    const method = METHODS[random(METHODS.length)]!;
    const caller: Caller = { tenantId: random(3) === 0 ? 0 : 7 };
    const payload = anyPayload(random, method);
    const isWhole = random(3) > 0;
    const answered = await (isWhole
      ? house.send(method, random(3) === 0 ? damaged(random, payload) : payload, caller)
      : house.sendBytes(damaged(random, callOf(method, payload, caller)), caller));
    statuses.set(answered.status, (statuses.get(answered.status) ?? 0) + 1);
    if (answered.status === 4) t.fail(`round ${round} ${method}: ${answered.fallback}`);
    const text = Buffer.from(answered.payload, 'hex').toString();
    if (/nobody reads this|SQLITE_/.test(text)) t.fail(`round ${round} ${method} tells ${text.slice(0, 300)}`);
    const others =
      isWhole && answered.status === 0 ? recordsOf(method, answered.payload).filter(isOfOthers(caller)) : [];
    if (others.length > 0) t.fail(`round ${round} ${method} tells ${JSON.stringify(others[0])}`);
  }
  t.ok((statuses.get(0) ?? 0) > 50 * EFFORT && (statuses.get(3) ?? 0) > 50 * EFFORT, JSON.stringify([...statuses]));
  t.same(house.rows('PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
  t.same(house.rows(`SELECT title FROM ${SECRET}`), [{ title: 'nobody reads this' }]);
  t.equal((await house.list({ fields: ['id'] })).total >= 0, true, 'and it goes on serving');
});

type Row = Readonly<Record<string, unknown>>;

function recordsOf(method: string, payload: string): readonly Row[] {
  const bytes = Buffer.from(payload, 'hex');
  const parse = (record: Uint8Array) => JSON.parse(Buffer.from(record).toString()) as Row;
  if (method === 'list') return decodePayload('HostServiceDataListResponse', bytes).records.map(parse);
  if (method === 'batch_get') return decodePayload('HostServiceDataBatchGetResponse', bytes).records.map(parse);
  const { found, recordJson } = decodePayload('HostServiceDataGetResponse', method === 'get' ? bytes : Buffer.alloc(0));
  return found ? [parse(recordJson)] : [];
}

const isOfOthers =
  ({ tenantId }: Caller) =>
  (row: Row): boolean =>
    tenantId === 7 && row.tenantId !== undefined && row.tenantId !== 7;

t.test('F032 whatever a tenant sends, rows of others stay as they are', async (t) => {
  const house = await openHouse(t, { sql: SQL });
  const others = () =>
    house.rows(
      `SELECT id, tenant_id, title, count, hex(raw) AS raw, updated_at FROM ${TABLE} WHERE tenant_id <> 7 ORDER BY id`,
    );
  const before = others();
  const random = randomOf(SEED + 1);
  for (let round = 0; round < 500 * EFFORT; round += 1) {
    const method = METHODS[3 + random(4)]!;
    const payload = anyPayload(random, method);
    await house.send(method, random(4) === 0 ? damaged(random, payload) : payload, { tenantId: 7 });
  }
  t.strictSame(others(), before);
});
