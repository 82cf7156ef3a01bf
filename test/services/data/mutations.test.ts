import t from 'tap';
import { decodePayload, encodePayload } from '../../../src/protocol/payloads.js';
import { jsonBytes, openHouse, TABLE } from './house.js';

const MOMENT = /^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d/;

const changes = (...operations: readonly [method: string, key?: unknown, record?: object][]): Uint8Array =>
  encodePayload('HostServiceDataTransactionRequest', {
    operations: operations.map(([method, key, record]) => ({
      method,
      ...(key !== undefined && { keyJson: jsonBytes(key) }),
      recordJson: record ? jsonBytes(record) : Buffer.from('null'),
    })),
  });

t.test('F032 times of creation and change are written by the host alone', async (t) => {
  const sql = `CREATE TABLE ${TABLE} (id INT PRIMARY KEY, title TEXT, created_at TIMESTAMP, updated_at TIMESTAMP(0));`;
  const house = await openHouse(t, { sql });
  await house.create({ id: 1, title: 'a' });
  const [row] = house.rows(`SELECT created_at, updated_at FROM ${TABLE}`);
  t.match(row, { created_at: MOMENT, updated_at: /^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d$/ });
  house.sql(`UPDATE ${TABLE} SET created_at = '2001-01-01 00:00:00', updated_at = '2001-01-01 00:00:00'`);
  await house.update(1, { title: 'b' });
  const record = (await house.get(1)) as { createdAt: string; updatedAt: string };
  t.equal(record.createdAt, '2001-01-01 00:00:00');
  t.match(record.updatedAt, /^20[2-9]\d-/);
  for (const field of ['createdAt', 'updatedAt']) {
    const given = { title: 'c', [field]: '2001-01-01' };
    await t.rejects(house.update(1, given), { message: `3 data mutation field is not authorized: ${field}` });
  }
});

t.test('times under the other names may be given, and are written when they are not', async (t) => {
  const house = await openHouse(t, {
    sql: `CREATE TABLE ${TABLE} (id INT PRIMARY KEY, create_at DATE, update_at BIGINT);`,
  });
  await house.create({ id: 1 });
  await house.create({ id: 2, createAt: '2001-01-01', updateAt: 5 });
  const [first, second] = house.rows(`SELECT create_at, update_at FROM ${TABLE} ORDER BY id`);
  t.match(first, { create_at: /^20\d\d-\d\d-\d\d$/ });
  t.ok(Number(first?.update_at) > 1_700_000_000);
  t.strictSame(second, { create_at: '2001-01-01', update_at: 5 });
});

const SOFT: readonly (readonly [type: string, stored: RegExp | number])[] = [
  ['TIMESTAMP', MOMENT],
  ['BIGINT NOT NULL', /^1\d{9}$/],
  ['INTEGER NOT NULL DEFAULT 0', /^1\d{9}$/],
  ['BOOLEAN NOT NULL', /^1$/],
  ['BOOLEAN NOT NULL DEFAULT false', /^1$/],
];
for (const [type, stored] of SOFT) {
  t.test(`F032 with deleted_at ${type} a deleted row stays, and is not there`, async (t) => {
    const sql = `CREATE TABLE ${TABLE} (id INT PRIMARY KEY, title TEXT, updated_at TIMESTAMP, deleted_at ${type});`;
    const house = await openHouse(t, { sql });
    await house.create({ id: 1, title: 'a' });
    await house.create({ id: 2, title: 'b' });
    house.sql(`UPDATE ${TABLE} SET updated_at = '2001-01-01 00:00:00'`);
    t.strictSame(await house.delete(1), { affectedRows: 1, key: 1 });
    t.strictSame(await house.delete(1), { affectedRows: 0, key: 1 });
    t.strictSame(await house.update(1, { title: 'c' }), { affectedRows: 0, key: 1 });
    t.equal(await house.get(1), undefined);
    t.strictSame((await house.list({ fields: ['id'] })).records, [{ id: 2 }]);
    t.equal((await house.list({ action: 'count' })).total, 1);
    const [row] = house.rows(`SELECT title, updated_at, deleted_at FROM ${TABLE} WHERE id = 1`);
    t.match(String(row?.deleted_at), stored);
    t.match(row, { title: 'a', updated_at: '2001-01-01 00:00:00' });
    await t.rejects(house.create({ id: 1 }), { message: /UNIQUE constraint failed/ });
  });
}

t.test('F032 a key that the database makes is answered', async (t) => {
  const sql = `CREATE TABLE ${TABLE} (id BIGINT GENERATED ALWAYS AS IDENTITY (START WITH 41) PRIMARY KEY, title TEXT);`;
  const house = await openHouse(t, { sql });
  t.strictSame(await house.create({ title: 'a' }), { affectedRows: 1, key: 41 });
  t.strictSame(await house.create({ title: 'b' }), { affectedRows: 1, key: 42 });
  await t.rejects(house.create({ id: 7, title: 'c' }), { message: '3 data mutation field is not authorized: id' });
  await t.rejects(house.create({ id: 7 }), { message: '3 data mutation record contains no writable fields' });
});

t.test('a serial key may be given', async (t) => {
  const house = await openHouse(t, { sql: `CREATE TABLE ${TABLE} (id SERIAL PRIMARY KEY, title TEXT);` });
  t.strictSame(await house.create({ id: 7, title: 'a' }), { affectedRows: 1, key: 7 });
  t.strictSame(await house.create({ title: 'b' }), { affectedRows: 1, key: 8 });
});

t.test('an integer key with a default is answered, and a key of another type must be given', async (t) => {
  const house = await openHouse(t, {
    sql: `CREATE TABLE ${TABLE} (id INT DEFAULT 12, title TEXT, PRIMARY KEY (id, title)); CREATE TABLE ${TABLE}_u (id UUID PRIMARY KEY DEFAULT gen_random_uuid(), title TEXT);`,
    tables: [TABLE, `${TABLE}_u`],
  });
  t.strictSame(await house.create({ title: 'a' }), { affectedRows: 1, key: 12 });
  const other = { table: `${TABLE}_u` };
  await t.rejects(house.create({ title: 'a' }, other), { message: /LastInsertId is not supported/ });
  t.strictSame(house.rows(`SELECT * FROM ${TABLE}_u`), [], 'and nothing is written');
});

t.test('an integer key that nobody makes must be given', async (t) => {
  const house = await openHouse(t, { sql: `CREATE TABLE ${TABLE} (id INT PRIMARY KEY, title TEXT);` });
  await t.rejects(house.create({ title: 'a' }), { message: `3 NOT NULL constraint failed: ${TABLE}.id` });
  t.strictSame(house.rows(`SELECT * FROM ${TABLE}`), []);
});

t.test('a table without a primary key has the key id, and without that none', async (t) => {
  const house = await openHouse(t, {
    sql: `CREATE TABLE ${TABLE} (title TEXT, id TEXT); CREATE TABLE ${TABLE}_n (title TEXT);`,
    tables: [TABLE, `${TABLE}_n`, `${TABLE}_missing`],
  });
  await house.create({ id: 'a', title: 't' });
  t.match(await house.get('a'), { title: 't' });
  await t.rejects(house.list({}, { table: `${TABLE}_n` }), { message: /missing a recognizable primary key/ });
  await t.rejects(house.list({}, { table: `${TABLE}_missing` }), { message: /does not exist/ });
});

const RECORDS: readonly (readonly [record: string, reason: string | RegExp])[] = [
  ['', 'data mutation record contains no writable fields'],
  ['null', 'data mutation record contains no writable fields'],
  ['{}', 'data mutation record contains no writable fields'],
  ['{"nope":1}', 'data mutation record contains no writable fields'],
  ['{"Title":"x"}', 'data mutation record contains no writable fields'],
  ['{"title":"x","__proto__":1}', 'data mutation field is not authorized: __proto__'],
  ['[]', /it is not an object/],
  ['"x"', /it is not an object/],
  ['{"title":', /decode data mutation record failed/],
];
t.test('a record is an object with something to write', async (t) => {
  const house = await openHouse(t, { sql: `CREATE TABLE ${TABLE} (id INT PRIMARY KEY, title TEXT);` });
  for (const [record, reason] of RECORDS) {
    const payload = encodePayload('HostServiceDataMutationRequest', { recordJson: Buffer.from(record) });
    const answered = await house.send('create', payload);
    t.equal(answered.status, 3, record);
    t.match(answered.fallback, reason);
  }
  const deep = encodePayload('HostServiceDataMutationRequest', {
    recordJson: Buffer.from(`{"title":${'['.repeat(200_000)}${']'.repeat(200_000)}}`),
  });
  t.equal((await house.send('create', deep)).status, 3);
  const large = encodePayload('HostServiceDataMutationRequest', {
    recordJson: jsonBytes({ title: 'x'.repeat(4 * 1024 * 1024) }),
  });
  t.match(await house.send('create', large), { status: 3, errorCode: 'CAPABILITY_LIMIT_EXCEEDED' });
  t.strictSame(house.rows(`SELECT * FROM ${TABLE}`), []);
});

t.test('what a constraint forbids is status 3 with the words of the database', async (t) => {
  const house = await openHouse(t, {
    sql: `CREATE TABLE ${TABLE} (id INT PRIMARY KEY, title TEXT NOT NULL UNIQUE CHECK (title <> 'no'), parent INT REFERENCES ${TABLE} (id));`,
  });
  await house.create({ id: 1, title: 'a' });
  await t.rejects(house.create({ id: 2, title: 'a' }), { message: /^3 UNIQUE constraint failed/ });
  await t.rejects(house.create({ id: 2, title: null }), { message: /^3 NOT NULL constraint failed/ });
  await t.rejects(house.create({ id: 2, title: 'no' }), { message: /^3 CHECK constraint failed/ });
  await t.rejects(house.create({ id: 2, title: 'b', parent: 9 }), { message: /^3 FOREIGN KEY constraint failed/ });
  t.equal(house.rows(`SELECT * FROM ${TABLE}`).length, 1);
});

t.test('F032 a transaction is done as a whole or not at all', async (t) => {
  const sql = `CREATE TABLE ${TABLE} (id INT PRIMARY KEY, title TEXT NOT NULL);`;
  const house = await openHouse(t, { sql });
  const good = await house.send(
    'transaction',
    changes(
      ['CREATE ', undefined, { id: 1, title: 'a' }],
      ['update', 1, { title: 'b' }],
      ['create', undefined, { id: 2, title: 'c' }],
      ['delete', 2],
      ['delete', 9],
    ),
  );
  const { results, affectedRows } = decodePayload(
    'HostServiceDataTransactionResponse',
    Buffer.from(good.payload, 'hex'),
  );
  t.equal(affectedRows, 4);
  t.strictSame(
    results.map(({ affectedRows, keyJson }) => [affectedRows, Buffer.from(keyJson).toString()]),
    [
      [1, '1'],
      [1, '1'],
      [1, '2'],
      [1, '2'],
      [0, '9'],
    ],
  );
  const bad = await house.send(
    'transaction',
    changes(['create', undefined, { id: 3, title: 'd' }], ['create', undefined, { id: 1, title: 'e' }]),
  );
  t.equal(bad.status, 3);
  t.strictSame(house.rows(`SELECT id, title FROM ${TABLE}`), [{ id: 1, title: 'b' }]);
  const next = await house.send('transaction', changes(['create', undefined, { id: 3, title: 'd' }]));
  t.equal(next.status, 0, 'and no transaction is left open');
});

t.test('a transaction has at least one operation and at most a thousand', async (t) => {
  const house = await openHouse(t, { sql: `CREATE TABLE ${TABLE} (id INT PRIMARY KEY, title TEXT);` });
  t.equal((await house.send('transaction', '')).status, 3);
  const many = Array.from({ length: 1001 }, () => ['delete', 1] as [string, unknown]);
  t.match(await house.send('transaction', changes(...many)), { status: 3, errorCode: 'CAPABILITY_LIMIT_EXCEEDED' });
  t.equal((await house.send('transaction', changes(...many.slice(1)))).status, 0);
});

t.test('each operation of a transaction needs its own method', async (t) => {
  const sql = `CREATE TABLE ${TABLE} (id INT PRIMARY KEY, title TEXT);`;
  const house = await openHouse(t, { sql, methods: ['create', 'transaction'] });
  const answered = await house.send('transaction', changes(['create', undefined, { id: 1 }], ['delete', 1]));
  t.equal(answered.status, 1);
  t.match(answered.fallback, /delete is not authorized/);
  t.strictSame(house.rows(`SELECT * FROM ${TABLE}`), []);
});

t.test('a plugin without a database is told that the table is not there', async (t) => {
  const house = await openHouse(t, { sql: '' });
  await t.rejects(house.list({}), { message: `3 data table ${TABLE} does not exist` });
});
