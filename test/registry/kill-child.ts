/**
 * Child of journal.test.ts: opens the registry in a directory, performs one operation, and kills itself with SIGKILL at a named
 * step. Arguments: directory, operation, step. Steps: those of the archive, of the staging directory, of the engine, of SQL, of
 * markers and of the transaction.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRegistry, type PreparedRelease } from '../../src/registry/registry.js';
import { openBlobs } from '../../src/store/blobs.js';
import { openDatabase } from '../../src/store/sqlite.js';

const [dir = '', operation = '', step = ''] = process.argv.slice(2);

const die = (reached: string): void => {
  if (reached === step) process.kill(process.pid, 'SIGKILL');
};

let isArmed = false;
const armed = (reached: string): void => {
  if (isArmed) die(reached);
};

/** Allows everything. */
const answer: PreparedRelease['run'] = async () => {
  armed('asked');
  return { ok: true, response: { statusCode: 200, contentType: '', headers: {}, body: new Uint8Array() } };
};

const registry = createRegistry({
  database: openDatabase(join(dir, 'registry.db'), { synchronous: 'FULL' }),
  blobs: openBlobs({ archiveDir: dir, stagingDir: join(dir, 'plugins'), onStep: armed }),
  engine: {
    async prepare() {
      armed('activated');
      return { run: answer, publish: () => armed('published'), discard: () => {} };
    },
    deactivate: () => armed('deactivated'),
  },
  sql: {
    check: () => {},
    run: async (phase) => armed(`sql-${phase}`),
    purge: async () => armed('sql-purged'),
  },
  governance: { check: () => {}, apply: () => armed('menus'), remove: () => armed('no-menus') },
  storage: { purge: async () => armed('objects-deleted') },
  log: { warn: () => {} },
  onStep: armed,
});
await registry.reload();
isArmed = true;
if (operation === 'upload') await registry.upload(readFileSync(join(dir, 'next.bin')), { overwrite: true });
else if (operation === 'install') await registry.install('demo');
else if (operation === 'enable') await registry.enable('demo');
else if (operation === 'upgrade') await registry.upgrade('demo', { confirmed: true });
else if (operation === 'rollback') await registry.rollback('demo', { confirmed: true });
else if (operation === 'uninstall') await registry.uninstall('demo');
else await registry.disable('demo');
process.exit(7);
