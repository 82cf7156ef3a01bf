import { join } from 'node:path';
import t from 'tap';
import { openAssetHistory } from '../../src/resources/asset-history.js';
import { openDatabase } from '../../src/store/sqlite.js';

const release = (version: string, checksum: string, pluginId = 'p') => ({ pluginId, version, checksum });

t.test('a version keeps its promise until other bytes are served under it (F093)', async (t) => {
  const file = join(t.testdir({}), 'a.db');
  const database = openDatabase(file);
  t.teardown(() => database.close());
  const history = openAssetHistory(database);
  t.equal(history.isFirst(release('v1', 'one')), false, 'nothing is promised of what was not seen');
  history.see(release('v1', 'one'));
  history.see(release('v1', 'one'));
  t.equal(history.isFirst(release('v1', 'one')), true);
  history.see(release('v2', 'two'));
  t.equal(history.isFirst(release('v1', 'one')), true, 'another version is another address');
  t.equal(history.isFirst(release('v2', 'two')), true);

  history.see(release('v1', 'refreshed'));
  t.equal(history.isFirst(release('v1', 'refreshed')), false);
  history.see(release('v1', 'one'));
  t.equal(history.isFirst(release('v1', 'one')), false, 'the old bytes are no longer the only ones');
  t.equal(history.isFirst(release('v1', 'one', 'q')), false);

  const again = openDatabase(file);
  t.teardown(() => again.close());
  const restarted = openAssetHistory(again);
  restarted.see(release('v1', 'refreshed'));
  restarted.see(release('v2', 'two'));
  t.equal(restarted.isFirst(release('v1', 'refreshed')), false, 'a restart forgets nothing');
  t.equal(restarted.isFirst(release('v2', 'two')), true);
});

t.test('a store that cannot write says so, and nothing is promised', async (t) => {
  const file = join(t.testdir({}), 'a.db');
  const database = openDatabase(file);
  t.teardown(() => database.close());
  openAssetHistory(database);
  const reader = openDatabase(file);
  t.teardown(() => reader.close());
  const history = openAssetHistory(reader);
  reader.pragma('query_only = ON');
  t.throws(() => history.see(release('v1', 'one')), { code: 'SBX_STORE_FAILED' });
  t.equal(history.isFirst(release('v1', 'one')), false);
});
