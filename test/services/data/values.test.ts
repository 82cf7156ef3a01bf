import t from 'tap';
import { decimalText } from '../../../src/services/data/values.js';
import { filter, openHouse, TABLE } from './house.js';

const house = await openHouse(t, {
  sql: `CREATE TABLE ${TABLE} (
    id INT PRIMARY KEY, small SMALLINT, big BIGINT, real_one REAL, double_one DOUBLE PRECISION, amount NUMERIC(20,2), free NUMERIC,
    done BOOLEAN, code CHAR(4), title VARCHAR(8), body TEXT, doc JSON, docb JSONB, day DATE, clock TIME, at TIMESTAMP,
    at_zone TIMESTAMPTZ, raw BYTEA, ref UUID);`,
});

let lastId = 0;
const next = () => ++lastId;

/** Column, what a record says, what a record then says, and what is stored. */
// biome-ignore format: a table
const ROUND_TRIPS: readonly (readonly [field: string, given: unknown, read: unknown, stored?: unknown])[] = [
  ['small', -32768, -32768],
  ['small', '12', 12],
  ['realOne', 0.25, 0.25],
  ['realOne', 3, 3],
  ['doubleOne', 1e21, 1e21],
  ['doubleOne', -1.5e-9, -1.5e-9],
  ['amount', 12.5, '12.50', 12.5],
  ['amount', '7', '7.00', 7],
  ['amount', 0.005, '0.01'],
  ['amount', -3, '-3.00'],
  ['free', 1.10, '1.1'],
  ['free', '1e20', '100000000000000000000'],
  ['done', true, true, 1],
  ['done', false, false, 0],
  ['done', 1, true],
  ['done', 'off', false],
  ['code', 'ab', 'ab  ', 'ab'],
  ['title', 'naïve', 'naïve'],
  ['title', 5, '5'],
  ['title', true, 'true'],
  ['body', '<b>&"\\\n', '<b>&"\\\n'],
  ['body', { b: 1, a: [true, null, 'x'] }, '{"a":[true,null,"x"],"b":1}'],
  ['body', [1, 2], '[1,2]'],
  ['body', 1e21, '1000000000000000000000'],
  ['body', '\ud800x', '\ufffdx'],
  ['doc', { b: 1, a: 2 }, '{"a":2,"b":1}'],
  ['doc', '{"b": 1,  "a":2}', '{"b": 1,  "a":2}'],
  ['docb', '{"bb":1,"a":2}', '{"a": 2, "bb": 1}'],
  ['day', '2026-05-01', '2026-05-01'],
  ['day', '2026-05-01T23:59:59Z', '2026-05-01'],
  ['clock', '07:08:09.123', '07:08:09', '07:08:09.123'],
  ['at', '2026-05-01T09:00:00.25+02:00', '2026-05-01 09:00:00', '2026-05-01 09:00:00.25'],
  ['atZone', '2026-05-01T09:00:00.25+02:00', '2026-05-01 07:00:00', '2026-05-01 07:00:00.25'],
  ['raw', '\\xdeadbeef', '3q2+7w=='],
  ['ref', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  ['body', null, null],
];
for (const [field, given, read, stored] of ROUND_TRIPS) {
  t.test(`F032 ${field} takes ${JSON.stringify(given)} and gives ${JSON.stringify(read)}`, async (t) => {
    const id = next();
    await house.create({ id, [field]: given });
    t.strictSame(await house.get(id, { fields: [field] }), { [field]: read });
    const column = field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    if (stored !== undefined)
      t.strictSame(house.rows(`SELECT ${column} AS value FROM ${TABLE} WHERE id = ${id}`), [{ value: stored }]);
  });
}

// biome-ignore format: a table
const REFUSED: readonly (readonly [field: string, given: unknown, reason: RegExp])[] = [
  ['small', 32768, /invalid input syntax for type smallint/],
  ['small', 1.5, /invalid input syntax for type smallint: "1.5"/],
  ['small', true, /invalid input syntax for type smallint: "true"/],
  ['big', '9223372036854775808', /invalid input syntax for type bigint/],
  ['amount', 'many', /invalid input syntax for type numeric/],
  ['done', 2, /invalid input syntax for type boolean/],
  ['title', 'ninechars', /value too long for type varchar\(8\)/],
  ['body', 'a\0b', /invalid byte sequence for encoding "UTF8": 0x00/],
  ['doc', '{"a":', /invalid input syntax for type json/],
  ['day', '2026-02-30', /invalid input syntax for type date/],
  ['at', 'yesterday', /invalid input syntax for type timestamp/],
  ['at', 1760000000, /invalid input syntax for type timestamp/],
  ['ref', 'not-one', /invalid input syntax for type uuid/],
];
for (const [field, given, reason] of REFUSED) {
  t.test(`${field} does not take ${JSON.stringify(given)}`, async (t) => {
    await t.rejects(house.create({ id: next(), [field]: given }), { message: reason });
  });
}

t.test('a record of 64-bit integers has all their digits, and filters compare with all of them', async (t) => {
  const id = next();
  house.sql(`INSERT INTO ${TABLE} (id, big, free) VALUES (${id}, 9007199254740993, 9007199254740993)`);
  const { records } = await house.list({ fields: ['big', 'free'], filters: [rawFilter('big', '9007199254740993')] });
  t.strictSame(
    records,
    [{ big: 9007199254740992, free: '9007199254740993' }],
    'JSON.parse of the test rounds, the text does not',
  );
  t.equal((await house.list({ filters: [rawFilter('big', '9007199254740992')] })).total, 0);
  t.equal((await house.list({ filters: [rawFilter('big', '[9007199254740993, 5]')] })).total, 1);
  t.equal((await house.list({ filters: [filter('free', 'in', ['9007199254740993'])] })).total, 1);
});

t.test('integers beyond 2^53 in keys and records are rounded, as in LinaPro', async (t) => {
  const id = next();
  await house.create({ id, big: 9007199254740992 });
  const keyJson = Buffer.from('9007199254740993');
  t.ok(keyJson.length > 0);
  t.strictSame(house.rows(`SELECT CAST(big AS TEXT) AS big FROM ${TABLE} WHERE id = ${id}`), [
    { big: '9007199254740992' },
  ]);
});

/** A filter whose value is this very JSON text. */
function rawFilter(field: string, json: string): object {
  return { field, operator: 'eq', valueJson: Buffer.from(json).toString('base64') };
}

// biome-ignore format: a table
const DECIMALS: readonly (readonly [stored: string, args: readonly number[], text: string])[] = [
  ['5', [], '5'], ['5.0', [], '5'], ['5.50', [], '5.5'], ['1.0e+25', [], '10000000000000000000000000'], ['1.5e-7', [], '0.00000015'],
  ['-1.25e+3', [], '-1250'], ['5', [10, 2], '5.00'], ['5.5', [10, 2], '5.50'], ['12', [10, 0], '12'], ['1.0e-05', [10, 6], '0.000010'],
];
for (const [stored, args, text] of DECIMALS) {
  t.test(`the numeric(${args}) ${stored} is written ${text}`, async (t) => t.equal(decimalText(stored, args), text));
}
