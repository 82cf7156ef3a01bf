import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openJournal } from '../../src/registry/journal.js';
import { openDatabase } from '../../src/store/sqlite.js';
import {
  changed,
  DISCOVERED_ONE,
  DISCOVERED_TWO,
  ENABLED,
  enabled,
  INSTALLED,
  installed,
  nothing,
  ONE,
  REFRESHED,
  testKills,
  upload,
} from './kill.js';

// biome-ignore format: a table
testKills([
  ['upload',  nothing,     'temporary-written',  undefined],
  ['upload',  nothing,     'renamed',            DISCOVERED_TWO],
  ['upload',  nothing,     'directories-synced', DISCOVERED_TWO],
  ['upload',  nothing,     'written',            DISCOVERED_TWO],
  ['upload',  nothing,     'committed',          DISCOVERED_TWO],
  ['upload',  upload(ONE), 'temporary-written',  DISCOVERED_ONE],
  ['upload',  upload(ONE), 'renamed',            DISCOVERED_TWO],
  ['upload',  upload(ONE), 'written',            DISCOVERED_TWO],
  ['install', upload(ONE), 'temporary-written',  DISCOVERED_ONE],
  ['install', upload(ONE), 'renamed',            DISCOVERED_ONE],
  ['install', upload(ONE), 'directories-synced', DISCOVERED_ONE],
  ['install', upload(ONE), 'written',            DISCOVERED_ONE],
  ['install', upload(ONE), 'committed',          INSTALLED],
  ['install', changed,     'temporary-written',  ENABLED],
  ['install', changed,     'directories-synced', ENABLED],
  ['install', changed,     'activated',          ENABLED],
  ['install', changed,     'written',            ENABLED],
  ['install', changed,     'committed',          REFRESHED],
  ['enable',  installed,   'activated',          INSTALLED],
  ['enable',  installed,   'written',            INSTALLED],
  ['enable',  installed,   'committed',          ENABLED],
  ['disable', enabled,     'written',            ENABLED],
  ['disable', enabled,     'committed',          INSTALLED],
  ['disable', enabled,     'deactivated',        INSTALLED],
  ['enable',  installed,   'published',          ENABLED],
]);

function openAlone(t: Test) {
  const database = openDatabase(join(t.testdir({}), 'a.db'));
  t.teardown(() => database.close());
  return { database, journal: openJournal({ database, now: () => 1700000000000 }) };
}

t.test('of a change all is written or nothing', async (t) => {
  const { database, journal } = openAlone(t);
  const diagnosis = { action: 'enable', errorCode: 'SBX_TRAP', message: 'x' };
  journal.write({ pluginId: 'demo', basedOn: undefined, diagnosis });
  database.exec(
    `CREATE TRIGGER full BEFORE INSERT ON sandpool_plugin_diagnosis BEGIN SELECT RAISE(ABORT, 'full'); END`,
  );
  const change = { pluginId: 'demo', basedOn: undefined, diagnosis: { ...diagnosis, message: 'y' } };
  t.throws(() => journal.write(change), { code: 'SBX_STORE_FAILED', message: 'the store failed: full' });
  t.same(database.prepare('SELECT message FROM sandpool_plugin_diagnosis').pluck().all(), ['x']);
});

t.test('nobody is listed before the first change', async (t) => {
  const { journal } = openAlone(t);
  t.same(journal.pluginIds(), []);
  t.equal(journal.read('demo'), undefined);
});
