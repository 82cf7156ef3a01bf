import t from 'tap';
import { base64, jsonBytes, openHouse, TABLE } from './house.js';

const SQL = `
CREATE TABLE ${TABLE} (
  id VARCHAR(64) PRIMARY KEY,
  tenant_id INTEGER NOT NULL DEFAULT 0,
  title VARCHAR(128) NOT NULL DEFAULT '',
  updated_at TIMESTAMP
);`;
const TWO_ROWS = `INSERT INTO ${TABLE} (id, title) VALUES ('a', 'adv-1'), ('b', 'adv-2');`;
const KEY_A = '0a03226122';

t.test('29.5 #50 F060 a list is filtered, ordered and has the selected fields', async (t) => {
  const house = await openHouse(t, { sql: SQL + TWO_ROWS });
  const answered = await house.send(
    'list',
    '0ad9027b227461626c65223a22706c7567696e5f64656d6f5f64796e616d69635f7265636f7264222c22616374696f6e223a226c697374222c226669656c6473223a5b226964222c227469746c65225d2c2266696c74657273223a5b7b226669656c64223a2274656e616e744964222c226f70657261746f72223a226571222c2276616c75654a736f6e223a224d413d3d227d2c7b226669656c64223a227469746c65222c226f70657261746f72223a226c696b65222c2276616c75654a736f6e223a22496d466b64693069227d2c7b226669656c64223a226964222c226f70657261746f72223a22696e222c2276616c7565734a736f6e223a5b22496d4569222c22496d4969225d7d5d2c226f7264657273223a5b7b226669656c64223a226964222c22646972656374696f6e223a2264657363227d5d2c2270616765223a7b22706167654e756d223a312c227061676553697a65223a31307d7d',
  );
  t.equal(
    answered.payload,
    '0a1a7b226964223a2262222c227469746c65223a226164762d32227d0a1a7b226964223a2261222c227469746c65223a226164762d31227d1002',
  );
});

t.test('29.5 #51 a count is the total alone', async (t) => {
  const house = await openHouse(t, { sql: SQL + TWO_ROWS });
  const payload =
    '0a377b227461626c65223a22706c7567696e5f64656d6f5f64796e616d69635f7265636f7264222c22616374696f6e223a22636f756e74227d';
  t.equal((await house.send('list', payload)).payload, '1002');
});

t.test('29.5 #52 #54 a row is got by its key, and a missing one is success without payload', async (t) => {
  const house = await openHouse(t, { sql: SQL + TWO_ROWS });
  const payload =
    '0a467b227461626c65223a22706c7567696e5f64656d6f5f64796e616d69635f7265636f7264222c22616374696f6e223a22676574222c226b65794a736f6e223a22496d4569227d';
  const record =
    '7b226964223a2261222c2274656e616e744964223a302c227469746c65223a226164762d31222c22757064617465644174223a6e756c6c7d';
  t.equal((await house.send('get', payload)).payload, `08011238${record}`);
  const missing = await house.send('get', payload.replace('496d4569', '496d6f69'));
  t.strictSame(missing, { status: 0, payload: '', fallback: '', errorCode: '' });
});

t.test('29.5 #53 a row is not got without a key', async (t) => {
  const house = await openHouse(t, { sql: SQL });
  const payload =
    '0a357b227461626c65223a22706c7567696e5f64656d6f5f64796e616d69635f7265636f7264222c22616374696f6e223a22676574227d';
  const answered = await house.send('get', payload);
  t.equal(answered.status, 3);
  t.equal(answered.fallback, 'record store key cannot be empty');
});

t.test('29.5 #55 many rows are got at once, the missing keys told as they came', async (t) => {
  const sql = `CREATE TABLE ${TABLE} (id INT PRIMARY KEY, current_state TEXT); INSERT INTO ${TABLE} VALUES (1, 'pending');`;
  const house = await openHouse(t, { sql });
  const answered = await house.send('batch_get', '0a01310a06393939393939120c63757272656e745374617465');
  t.equal(answered.payload, '0a1a7b2263757272656e745374617465223a2270656e64696e67227d1206393939393939');
});

t.test('29.5 #56 a created row answers with its key', async (t) => {
  const house = await openHouse(t, { sql: SQL });
  const answered = await house.send('create', '121a7b226964223a2261222c227469746c65223a226164762d31227d');
  t.equal(answered.payload, '08011203226122');
  t.match(house.rows(`SELECT id, title FROM ${TABLE}`), [{ id: 'a', title: 'adv-1' }]);
});

t.test('29.5 #57 an unknown field is refused', async (t) => {
  const house = await openHouse(t, { sql: SQL });
  const answered = await house.send('create', '12167b227469746c65223a2278222c226e6f7065223a317d');
  t.equal(answered.status, 3);
  t.equal(answered.fallback, 'data mutation field is not authorized: nope');
  t.strictSame(house.rows(`SELECT id FROM ${TABLE}`), []);
});

t.test('29.5 #58 an update answers with the key, and the time of the change is written', async (t) => {
  const house = await openHouse(t, { sql: SQL + TWO_ROWS });
  t.equal((await house.send('update', '0a03226122120f7b227469746c65223a226e6577227d')).payload, '08011203226122');
  const [row] = house.rows(`SELECT title, updated_at FROM ${TABLE} WHERE id = 'a'`);
  t.equal(row?.title, 'new');
  t.match(row?.updated_at, /^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d/);
});

t.test('29.5 #59 an update does not touch the key', async (t) => {
  const house = await openHouse(t, { sql: SQL + TWO_ROWS });
  const answered = await house.send('update', '0a03226122120a7b226964223a227a227d');
  t.equal(answered.status, 3);
  t.equal(answered.fallback, 'data update cannot modify keyField: id');
});

t.test('29.5 #60 what is deleted a second time affects no row', async (t) => {
  const house = await openHouse(t, { sql: SQL + TWO_ROWS });
  t.equal((await house.send('delete', KEY_A)).payload, '08011203226122');
  t.equal((await house.send('delete', KEY_A)).payload, '1203226122');
  t.strictSame(house.rows(`SELECT id FROM ${TABLE}`), [{ id: 'b' }]);
});

t.test('29.5 #61 a transaction answers for each of its operations', async (t) => {
  const sql = `
    CREATE TABLE ${TABLE} (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name TEXT);
    INSERT INTO ${TABLE} (name) SELECT 'n' || n FROM generate_series(1, 9) AS n;`;
  const house = await openHouse(t, { sql });
  const payload = '0a1a0a066372656174651a107b226e616d65223a22616c706861227d0a0b0a0664656c657465120132';
  t.equal((await house.send('transaction', payload)).payload, '0a0608011202' + '3130' + '0a050801120132' + '1002');
});

t.test('29.5 #62 an operation that is none undoes the transaction', async (t) => {
  const house = await openHouse(t, { sql: SQL });
  const answered = await house.send('transaction', '0a060a046c697374');
  t.equal(answered.status, 3);
  t.equal(answered.fallback, 'record store transaction operation is not supported: list');
});

t.test('29.5 #63 #64 a route is asked for a user, a job is not', async (t) => {
  const house = await openHouse(t, { sql: SQL });
  const record = '121a7b226964223a2261222c227469746c65223a226164762d31227d';
  const anonymous = await house.send('create', record, { userId: 0 });
  t.equal(anonymous.status, 3);
  t.match(anonymous.fallback, /authenticated user/);
  for (const source of ['jobs', 'lifecycle', 'hook', 'jobs.discovery'] as const) {
    const answered = await house.send('delete', KEY_A, { userId: 0, source });
    t.equal(answered.status, 0, source);
  }
});

t.test('29.5 #65 tables of others are out of reach, even when they are granted', async (t) => {
  const tables = ['sys_user', 'plugin_other_x', 'plugin_demo_dynamicx'];
  const house = await openHouse(t, { sql: SQL, tables });
  for (const table of tables) {
    const answered = await house.send('delete', KEY_A, { table });
    t.equal(answered.status, 1, table);
    t.equal(answered.fallback, 'data host service table is outside plugin namespace');
  }
});

t.test('29.5 #66 a plan is for the table of the call', async (t) => {
  const house = await openHouse(t, { sql: SQL });
  const planJson = jsonBytes({ table: `${TABLE}_x`, action: 'list' });
  const answered = await house.send('list', Buffer.concat([Buffer.of(0x0a, planJson.length), planJson]));
  t.equal(answered.status, 3);
  t.equal(answered.fallback, `record store query plan table mismatch: ${TABLE}_x != ${TABLE}`);
});

t.test('29.5 #67 an action that is not told is none', async (t) => {
  const house = await openHouse(t, { sql: SQL });
  for (const [method, action] of [
    ['list', ''],
    ['get', ''],
    ['list', 'get'],
  ] as const) {
    const planJson = jsonBytes({ table: TABLE, action, keyJson: base64('a') });
    const answered = await house.send(method, Buffer.concat([Buffer.of(0x0a, planJson.length), planJson]));
    t.equal(answered.status, 3, `${method} "${action}"`);
    t.match(answered.fallback, /action/);
  }
});
