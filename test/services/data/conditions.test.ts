import t from 'tap';
import { openHouse, TABLE } from './house.js';

const SQL = `
CREATE TABLE ${TABLE} (id INT PRIMARY KEY, tenant_id INT NOT NULL DEFAULT 0, title TEXT NOT NULL DEFAULT '');
INSERT INTO ${TABLE} VALUES (1, 0, 'platform'), (2, 7, 'seven'), (3, 8, 'eight');`;
const SEVEN = { tenantId: 7 };
const titles = (records: readonly Record<string, unknown>[]) => records.map(({ title }) => title);

t.test('F032 with a tenant in force only its rows are read', async (t) => {
  const house = await openHouse(t, { sql: SQL });
  const { records, total } = await house.list({}, SEVEN);
  t.strictSame([titles(records), total], [['seven'], 1]);
  t.strictSame(await house.list({ action: 'count' }, SEVEN), { records: [], total: 1 });
  t.equal(await house.get(3, {}, SEVEN), undefined);
  t.match(await house.get(2, {}, SEVEN), { title: 'seven' });
  const batch = await house.send('batch_get', '0a01310a01320a0133', SEVEN);
  t.match(batch.payload, /^0a[0-9a-f]+120131120133$/, 'the keys of others are missing ones');
});

t.test('F032 a filter that names another tenant finds nothing', async (t) => {
  const house = await openHouse(t, { sql: SQL });
  const filters = [{ field: 'tenantId', operator: 'eq', valueJson: Buffer.from('8').toString('base64') }];
  t.strictSame(await house.list({ filters }, SEVEN), { records: [], total: 0 });
});

t.test('F032 with a tenant in force rows of others are neither changed nor deleted', async (t) => {
  const house = await openHouse(t, { sql: SQL });
  t.strictSame(await house.update(3, { title: 'mine' }, SEVEN), { affectedRows: 0, key: 3 });
  t.strictSame(await house.delete(3, SEVEN), { affectedRows: 0, key: 3 });
  t.strictSame(await house.delete(1, SEVEN), { affectedRows: 0, key: 1 });
  t.equal(house.rows(`SELECT * FROM ${TABLE} WHERE title IN ('platform', 'seven', 'eight')`).length, 3);
});

t.test('F032 with a tenant in force rows are written for it, whatever the record says', async (t) => {
  const house = await openHouse(t, { sql: SQL });
  await house.create({ id: 10, title: 'a' }, SEVEN);
  await house.create({ id: 11, title: 'b', tenantId: 8 }, SEVEN);
  await house.update(2, { tenantId: 8 }, SEVEN);
  t.strictSame(house.rows(`SELECT id, tenant_id FROM ${TABLE} WHERE id IN (2, 10, 11) ORDER BY id`), [
    { id: 2, tenant_id: 7 },
    { id: 10, tenant_id: 7 },
    { id: 11, tenant_id: 7 },
  ]);
});

t.test('F032 the platform reads and writes rows of all tenants', async (t) => {
  const house = await openHouse(t, { sql: SQL });
  t.equal((await house.list({})).total, 3);
  await house.create({ id: 12, tenantId: 9 });
  await house.update(3, { title: 'by the platform' });
  t.strictSame(house.rows(`SELECT tenant_id AS tenant, title FROM ${TABLE} WHERE id IN (3, 12)`), [
    { tenant: 8, title: 'by the platform' },
    { tenant: 9, title: '' },
  ]);
});

t.test('F032 the filter can be switched off for one plugin', async (t) => {
  const house = await openHouse(t, {
    sql: SQL,
    tables: [TABLE],
    perPlugin: { 'demo-dynamic': { tenantFilter: false } },
  });
  t.equal((await house.list({}, SEVEN)).total, 3);
  await house.create({ id: 20, tenantId: 8 }, SEVEN);
  t.strictSame(house.rows(`SELECT tenant_id AS tenant FROM ${TABLE} WHERE id = 20`), [{ tenant: 8 }]);
});

t.test('a table without a column for tenants is one for all of them', async (t) => {
  const house = await openHouse(t, { sql: `CREATE TABLE ${TABLE} (id INT PRIMARY KEY, title TEXT)` });
  await house.create({ id: 1, title: 'shared' }, SEVEN);
  t.match(await house.get(1, {}, { tenantId: 8 }), { title: 'shared' });
});

t.test('F032 tenants may be numbered by texts', async (t) => {
  const house = await openHouse(t, {
    sql: `CREATE TABLE ${TABLE} (id INT PRIMARY KEY, tenant_id VARCHAR(20) NOT NULL)`,
  });
  await house.create({ id: 1 }, SEVEN);
  t.strictSame(await house.get(1, {}, SEVEN), { id: 1, tenantId: '7' });
  t.equal(await house.get(1, {}, { tenantId: 8 }), undefined);
});
