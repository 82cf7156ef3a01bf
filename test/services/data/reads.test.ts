import t from 'tap';
import { encodePayload } from '../../../src/protocol/payloads.js';
import { base64, filter, jsonBytes, openHouse, TABLE } from './house.js';

const house = await openHouse(t, {
  sql: `CREATE TABLE ${TABLE} (id INT PRIMARY KEY, group_name TEXT, size INT, done BOOLEAN NOT NULL DEFAULT false, body TEXT, made TIMESTAMP);
    INSERT INTO ${TABLE} (id, group_name, size) SELECT n, CASE WHEN n % 10 = 0 THEN NULL ELSE 'g' || (n % 3) END, n % 7 FROM generate_series(1, 250) AS n;
    INSERT INTO ${TABLE} (id, group_name, body, done, made) VALUES
      (1001, 'Case', '100%_sure\\no', true, '2026-05-01 09:00:00'), (1002, 'case', '100xyzsure', false, '2026-05-01 09:00:00.5'), (1003, '', '', false, NULL);`,
});
const ids = async (plan: object): Promise<unknown[]> => (await house.list(plan)).records.map(({ id }) => id);

t.test('F060 a list without a page has ten rows in the order of the key, and the total of all', async (t) => {
  const { records, total } = await house.list({ fields: ['id'] });
  t.strictSame(
    records,
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((id) => ({ id })),
  );
  t.equal(total, 253);
});

// biome-ignore format: a table
const PAGES: readonly (readonly [page: object, first: number | undefined, count: number])[] = [
  [{ pageNum: 2, pageSize: 5 }, 6, 5], [{ pageNum: 0, pageSize: -1 }, 1, 10], [{ pageNum: -3 }, 1, 10], [{ pageSize: 1000 }, 1, 100],
  [{ pageNum: 3, pageSize: 100 }, 201, 53], [{ pageNum: 4, pageSize: 100 }, undefined, 0], [{ pageNum: 2147483647, pageSize: 100 }, undefined, 0],
];
for (const [page, first, count] of PAGES) {
  t.test(`F060 the page ${JSON.stringify(page)} has ${count} rows from ${first}, and the total stays`, async (t) => {
    const { records, total } = await house.list({ page });
    t.strictSame([records[0]?.id, records.length, total], [first, count, 253]);
  });
}

t.test('NULL is the largest value of an order, and the key decides between equals', async (t) => {
  const order = (field: string, direction: string) => ({ orders: [{ field, direction }], page: { pageSize: 3 } });
  t.strictSame(await ids(order('groupName', 'asc')), [1003, 1001, 1002]);
  t.strictSame(await ids(order('groupName', 'desc')), [10, 20, 30]);
  t.strictSame(await ids(order('size', 'desc')), [1001, 1002, 1003]);
  t.strictSame(await ids(order('size', 'asc')), [7, 14, 21]);
});

// biome-ignore format: a table
const FILTERS: readonly (readonly [title: string, filters: readonly object[], found: readonly number[]])[] = [
  ['letter case counts in eq', [filter('groupName', 'eq', 'Case')], [1001]],
  ['letter case counts in like', [filter('groupName', 'like', 'as'), filter('groupName', 'like', 'C')], [1001]],
  ['% stands for any characters', [filter('body', 'like', '1%s')], [1001, 1002]],
  ['_ stands for one character', [filter('body', 'like', '100_y')], [1002]],
  ['\\ takes what follows as it is', [filter('body', 'like', '0\\%')], [1001]],
  ['a backslash is found by two', [filter('body', 'like', 'e\\\\n')], [1001]],
  ['like with an empty text finds what is not NULL', [filter('body', 'like', '')], [1001, 1002, 1003]],
  ['like with null finds what is not NULL', [filter('body', 'like', null)], [1001, 1002, 1003]],
  ['like takes a number for its text', [filter('body', 'like', 100)], [1001, 1002]],
  ['eq with null finds NULL', [filter('body', 'eq', null), filter('id', 'in', [1, 2, 1001])], [1, 2]],
  ['eq with a list finds any of it', [filter('id', 'eq', [3, 1, 999])], [1, 3]],
  ['eq with an empty list finds nothing', [filter('id', 'eq', [])], []],
  ['in with null finds the others', [filter('id', 'in', [null, 5])], [5]],
  ['a text may stand for a number', [filter('id', 'eq', '5')], [5]],
  ['a boolean is one', [filter('done', 'eq', true)], [1001]],
  ['moments are compared with their fractions', [filter('made', 'eq', '2026-05-01T09:00:00.500')], [1002]],
  ['filters are all to hold', [filter('id', 'in', [1, 2, 3]), filter('id', 'in', ['2', '3', '4'])], [2, 3]],
];
for (const [title, filters, found] of FILTERS) {
  t.test(`F060 ${title}`, async (t) => {
    t.strictSame(await ids({ filters }), found);
    t.equal((await house.list({ action: 'count', filters })).total, found.length);
  });
}

t.test('F060 a hundred values of one filter are one question', async (t) => {
  const values = Array.from({ length: 900 }, (_, at) => at * 2);
  t.equal((await house.list({ filters: [filter('id', 'in', values)] })).total, 126);
});

t.test('names of members may be in any case, unknown ones are ignored, null is as absent', async (t) => {
  t.strictSame(await ids({ FIELDS: ['id'], Filters: null, unknown: 1, PAGE: { PageSize: 2 } }), [1, 2]);
});

t.test('fields are told once and in the order of their names', async (t) => {
  const planJson = jsonBytes({ table: TABLE, action: 'get', keyJson: base64(1), fields: ['size', 'id', ' size '] });
  const { payload } = await house.send('get', encodePayload('HostServiceDataGetRequest', { planJson }));
  t.equal(Buffer.from(payload, 'hex').toString('latin1').slice(4), '{"id":1,"size":1}');
});

const at = (field: string) => [{ field, direction: 'asc' }];
// biome-ignore format: a table
const REFUSED: readonly (readonly [plan: object, reason: string | RegExp])[] = [
  [{ fields: ['nope'] }, 'record store capability selected field is not authorized: nope'],
  [{ fields: ['group_name'] }, 'record store capability selected field is not authorized: group_name'],
  [{ fields: [' '] }, /field cannot be empty/],
  [{ fields: 'id' }, /fields must be a list/],
  [{ filters: [filter('nope', 'eq', 1)] }, 'record store capability filter field is not authorized: nope'],
  [{ filters: [filter('__proto__', 'eq', 1)] }, 'record store capability filter field is not authorized: __proto__'],
  [{ filters: [{ field: 'id', operator: 'gt', valueJson: base64(1) }] }, /operator is not supported: gt/],
  [{ filters: [{ field: 'id', operator: 'eq' }] }, /value cannot be empty/],
  [{ filters: [{ field: 'id', operator: 'eq', valueJson: 'e30' }] }, /valueJson is no base64/],
  [{ filters: [{ field: 'id', operator: 'eq', valueJson: 'ew==' }] }, /decode data filter value failed/],
  [{ filters: [{ field: 'id', operator: 'in', valuesJson: [] }] }, /at least one value/],
  [{ filters: [{ field: 'id', operator: 'in', valuesJson: [1] }] }, /valuesJson must be base64 strings/],
  [{ filters: [filter('id', 'eq', 'abc')] }, 'invalid input syntax for type integer: "abc"'],
  [{ filters: [filter('id', 'eq', [[1]])] }, /holds a list or an object/],
  [{ filters: [filter('size', 'like', 1)] }, 'operator does not exist: integer ~~ unknown'],
  [{ filters: [1] }, /it is not an object/],
  [{ orders: at('nope') }, 'record store capability order field is not authorized: nope'],
  [{ orders: [{ field: 'id', direction: 'ASC' }] }, /direction is not supported: ASC/],
  [{ page: { pageSize: 1.5 } }, /pageSize must be an integer of 32 bits/],
  [{ page: { pageNum: 4294967296 } }, /pageNum must be an integer of 32 bits/],
  [{ table: '' }, /table cannot be empty/],
  [{ action: '' }, /action cannot be empty/],
  [{ action: 'drop' }, /action is not supported: drop/],
  [{ action: 'get', keyJson: base64(1) }, /data.list does not support the plan action get/],
  [{ transaction: {} }, /only allowed for transaction/],
];
for (const [plan, reason] of REFUSED) {
  t.test(`a plan with ${JSON.stringify(plan)} is refused`, async (t) => {
    await t.rejects(house.list(plan), { message: typeof reason === 'string' ? `3 ${reason}` : reason });
  });
}

t.test('what is too much is refused with its limit', async (t) => {
  const plans: readonly object[] = [
    { filters: Array.from({ length: 65 }, () => filter('id', 'eq', 1)) },
    {
      filters: [
        filter(
          'id',
          'in',
          Array.from({ length: 1001 }, (_, index) => index),
        ),
      ],
    },
    { orders: Array.from({ length: 65 }, () => at('id')[0]) },
  ];
  for (const plan of plans) {
    const planJson = jsonBytes({ table: TABLE, action: 'list', ...plan });
    const answered = await house.send('list', encodePayload('HostServiceDataListRequest', { planJson }));
    t.match(answered, { status: 3, errorCode: 'CAPABILITY_LIMIT_EXCEEDED' });
  }
  const keyJson = Array.from({ length: 101 }, () => jsonBytes(1));
  const batch = await house.send('batch_get', encodePayload('HostServiceDataBatchGetRequest', { keyJson }));
  t.match(batch, { status: 3, errorCode: 'CAPABILITY_LIMIT_EXCEEDED' });
});

t.test('of equal keys of a batch one is asked for', async (t) => {
  const keyJson = ['1', '1.0', ' 1', '777', '"777"', '7.77e2'].map((text) => Buffer.from(text));
  const payload = encodePayload('HostServiceDataBatchGetRequest', { keyJson, fields: ['id'] });
  const answered = await house.send('batch_get', payload);
  t.equal(Buffer.from(answered.payload, 'hex').toString(), '\n\x08{"id":1}\x12\x03777\x12\x05"777"');
});

for (const key of ['', ' ', 'null', '[1]', '{}', '1 2', 'tru']) {
  t.test(`${key === '' ? 'nothing' : key} is no key`, async (t) => {
    const keyJson = [Buffer.from(key)];
    const answered = await house.send('batch_get', encodePayload('HostServiceDataBatchGetRequest', { keyJson }));
    t.equal(answered.status, 3);
  });
}

t.test('a page of large rows is refused before it fills the memory', async (t) => {
  house.sql(`INSERT INTO ${TABLE} (id, body) SELECT 2000 + n, repeat('x', 1000000) FROM generate_series(1, 12) AS n`);
  const plan = { filters: [filter('body', 'like', 'xxxx')] };
  const planJson = jsonBytes({ table: TABLE, action: 'list', ...plan, page: { pageSize: 100 } });
  const answered = await house.send('list', encodePayload('HostServiceDataListRequest', { planJson }));
  t.match(answered, { status: 3, errorCode: 'CAPABILITY_LIMIT_EXCEEDED' });
  t.equal((await house.list({ ...plan, page: { pageSize: 7 } })).records.length, 7);
  t.equal((await house.list({ ...plan, fields: ['id'], page: { pageSize: 100 } })).records.length, 12);
  t.equal((await house.list({ ...plan, orders: at('size'), page: { pageSize: 7 } })).records.length, 7);
  house.sql(`DELETE FROM ${TABLE} WHERE id > 2000`);
});

t.test('a reply that grows beyond 16 MiB on its way is refused', async (t) => {
  // Six bytes of JSON stand for each of these.
  house.sql(`INSERT INTO ${TABLE} (id, body) SELECT 2000 + n, repeat(chr(1), 1000000) FROM generate_series(1, 3) AS n`);
  const answered = (pageSize: number) => {
    const plan = {
      table: TABLE,
      action: 'list',
      filters: [filter('id', 'in', [2001, 2002, 2003])],
      page: { pageSize },
    };
    return house.send('list', encodePayload('HostServiceDataListRequest', { planJson: jsonBytes(plan) }));
  };
  t.match(await answered(3), { status: 3, errorCode: 'CAPABILITY_LIMIT_EXCEEDED' });
  t.equal((await answered(2)).status, 0);
  house.sql(`DELETE FROM ${TABLE} WHERE id > 2000`);
});
