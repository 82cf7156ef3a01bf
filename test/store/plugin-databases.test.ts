import { existsSync } from 'node:fs';
import t, { type Test } from 'tap';
import { openPluginDatabase, pluginDatabasePath, purgePluginDatabase } from '../../src/store/plugin-database.js';
import { createPluginDatabases } from '../../src/store/plugin-databases.js';

function open(t: Test, options: { maxOpen?: number } = {}) {
  const dataDir = t.testdir();
  const clock = { ms: 1000 };
  const databases = createPluginDatabases({ dataDir, idleMs: 500, now: () => clock.ms, ...options });
  t.teardown(databases.close);
  const make = (pluginId: string, sql = 'CREATE TABLE t (id)') => {
    const database = openPluginDatabase(dataDir, pluginId);
    database.exec(sql);
    database.close();
  };
  let deadlineAt = 0;
  const get = (pluginId: string, releaseKey = 1) => databases.get(pluginId, { releaseKey, deadlineAt: ++deadlineAt });
  return { dataDir, clock, databases, make, get };
}

t.test('a plugin has no connection before it has a database', async (t) => {
  const { dataDir, make, get, databases } = open(t);
  t.equal(get('p'), undefined);
  t.notOk(existsSync(pluginDatabasePath(dataDir, 'p')));
  make('p');
  t.ok(get('p'));
  t.equal(get('p'), get('p'));
  t.equal(databases.count(), 1);
  t.equal(createPluginDatabases({ now: Date.now }).get('p', { releaseKey: 1, deadlineAt: 1 }), undefined);
});

t.test(
  'a schema that has changed is met over another connection: at once by another release, else within 100 ms',
  async (t) => {
    const { clock, make, get } = open(t);
    make('p');
    const first = get('p');
    make('p', 'CREATE TABLE u (id)');
    t.equal(get('p'), first);
    const second = get('p', 2);
    t.not(second, first);
    make('p', 'CREATE TABLE v (id)');
    clock.ms += 100;
    t.not(get('p', 2), second);
    t.equal(first?.open, false);
  },
);

t.test('all calls of an invocation have the same connection', async (t) => {
  const { clock, make, databases } = open(t);
  make('p');
  const asker = { releaseKey: 1, deadlineAt: 7 };
  const first = databases.get('p', asker);
  make('p', 'CREATE TABLE u (id)');
  clock.ms += 1000;
  t.equal(databases.get('p', asker), first);
});

t.test('a database that was removed and made anew is another one, and its file stays whole', async (t) => {
  const { dataDir, clock, make, get } = open(t);
  make('p', "CREATE TABLE t (id); INSERT INTO t VALUES ('old')");
  const old = get('p');
  purgePluginDatabase(dataDir, 'p');
  make('p', "CREATE TABLE t (id); INSERT INTO t VALUES ('new')");
  const writer = openPluginDatabase(dataDir, 'p');
  writer.exec("INSERT INTO t VALUES ('newer')");
  clock.ms += 100;
  const current = get('p');
  t.equal(old?.open, false);
  t.strictSame(current?.prepare('SELECT id FROM t').pluck().all(), ['new', 'newer']);
  writer.close();
  purgePluginDatabase(dataDir, 'p');
  t.equal(get('p', 2), undefined);
});

t.test('a connection that nobody asks for is closed', async (t) => {
  const { clock, databases, make, get } = open(t);
  make('p');
  make('q');
  const [p, q] = [get('p'), get('q')];
  clock.ms += 400;
  get('q');
  clock.ms += 100;
  databases.freeIdle();
  t.strictSame([p?.open, q?.open, databases.count()], [false, true, 1]);
  t.not(get('p'), p);
});

t.test('of more plugins than connections, those that asked last have one', async (t) => {
  const { databases, make, get } = open(t, { maxOpen: 2 });
  for (const id of ['p', 'q', 'r']) make(id);
  const [p, q] = [get('p'), get('q')];
  get('p');
  get('r');
  t.strictSame([p?.open, q?.open, databases.count()], [true, false, 2]);
});

t.test('a plugin that is forgotten has no connection until it asks', async (t) => {
  const { databases, make, get } = open(t);
  make('p');
  const p = get('p');
  databases.forget('p');
  databases.forget('q');
  t.equal(p?.open, false);
  t.equal(get('p')?.open, true);
});
