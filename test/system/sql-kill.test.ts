import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { runPhase } from '../../src/registry/install-sql.js';
import { loadParser } from '../../src/store/dialect/parse.js';
import { readCatalog, readLedger } from '../../src/store/plugin-catalog.js';
import { openPluginDatabase } from '../../src/store/plugin-database.js';

await loadParser();

const module = (path: string) => JSON.stringify(new URL(`../../src/${path}.js`, import.meta.url).href);

/** Upgrades for ever, and says so each time; every second file rebuilds the table. */
const CHILD = `
  const { runPhase } = await import(${module('registry/install-sql')});
  const { loadParser } = await import(${module('store/dialect/parse')});
  const { openPluginDatabase } = await import(${module('store/plugin-database')});
  await loadParser();
  const database = openPluginDatabase(process.argv[1], 'p');
  for (let round = 1; ; round += 1) {
    runPhase(database, { pluginId: 'p', releaseId: round, phase: 'upgrade', files: [
      { key: '001-a.sql', content: 'INSERT INTO plugin_p SELECT n, ' + round + ' FROM generate_series(1, 300) AS n' },
      { key: '002-b.sql', content: 'ALTER TABLE plugin_p ALTER COLUMN round TYPE ' + (round % 2 ? 'BIGINT' : 'INT') },
    ] });
    process.stdout.write('.');
  }`;

t.test('kill -9 in the midst of SQL leaves whole phases, and the ledger of just those (F073)', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'sandpool-'));
  t.teardown(() => rmSync(dataDir, { recursive: true, force: true }));
  const first = openPluginDatabase(dataDir, 'p');
  const content = 'CREATE TABLE plugin_p (n INT, round INT)';
  runPhase(first, { pluginId: 'p', releaseId: 0, phase: 'install', files: [{ key: '001-a.sql', content }] });
  first.close();
  for (let killed = 1; killed <= 8; killed += 1) {
    await killAfter(killed, dataDir);
    const database = openPluginDatabase(dataDir, 'p');
    const rounds = new Set(
      readLedger(database).flatMap(({ phase, releaseId }) => (phase === 'upgrade' ? [releaseId] : [])),
    );
    const rows = database
      .prepare<[], { round: number; count: number }>('SELECT round, count(*) AS count FROM plugin_p GROUP BY round')
      .all();
    t.same(
      rows.map(({ round }) => round),
      [...rounds].sort((left, right) => left - right),
      'the ledger names what is there',
    );
    t.ok(
      rows.every(({ count }) => count % 300 === 0),
      'no phase is there by half',
    );
    t.same([...readCatalog(database).keys()], ['plugin_p']);
    const types = database.prepare('SELECT count(*) FROM sqlite_schema WHERE name LIKE ?').pluck().get('%rebuilt%');
    t.equal(types, 0, 'no table is left on its way');
    t.equal(database.pragma('integrity_check', { simple: true }), 'ok');
    database.close();
  }
});

/** Kills while the phase after the `phases`-th one is under way. */
function killAfter(phases: number, dataDir: string): Promise<void> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', CHILD, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let seen = 0;
  child.stdout.on('data', (data: Buffer) => {
    seen += data.length;
    if (seen >= phases) child.kill('SIGKILL');
  });
  return new Promise((resolve) => child.once('exit', () => resolve()));
}
