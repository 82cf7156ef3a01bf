/**
 * What stands about objects beside their files, for all threads and processes that share the directory: how much each plugin has
 * stored, which uploads are under way, and the one lock that changes of names are made under.
 *
 * The lock is a file of its own, because SQLite lets go of it by itself when a thread or a process dies. Under it a name is
 * charged first and changed then, in a commit of its own: whoever dies in between has paid for what is not there, and never the
 * other way round. A count that is too high is found when a quota seems to be used up (`objects.ts`); what a power cut has
 * taken from this file, at the next start (`object-upkeep.ts`).
 */
import { join } from 'node:path';
import { SandpoolError } from '../protocol/errors.js';
import { migrate } from './migrations.js';
import { isBusy, neverWait } from './patience.js';
import { type Database, openDatabase } from './sqlite.js';

/** Whose objects: a plugin's, for one tenant; 0 is the platform. */
export interface ObjectScope {
  readonly pluginId: string;
  readonly tenantId: number;
}

export interface Usage {
  readonly bytes: number;
  /** Files and directories. */
  readonly entries: number;
}

/** An upload under way. */
export interface Upload extends ObjectScope {
  readonly id: string;
  readonly path: string;
  readonly contentType: string;
  readonly overwrite: boolean;
  readonly received: number;
  /** ms since the epoch */
  readonly expiresAt: number;
  /** Until when somebody writes a chunk or stores it, in ms since the epoch; 0 when nobody does. */
  readonly claimedUntil: number;
}

export interface ObjectLedger {
  /**
   * Does `work` while no other thread or process changes names or counts.
   * @throws PLUGIN_STORAGE_PROVIDER_UNAVAILABLE when the others have not let go by `until`, in ms since the epoch
   */
  exclusive<Result>(until: number, work: () => Result): Result;
  /** What a plugin has stored for all tenants, and the bytes of its uploads. */
  usageOf(pluginId: string): Usage;
  /** Bytes that all plugins have stored for a tenant, uploads included. */
  tenantBytes(tenantId: number): number;
  /** Counts what comes and, with negative numbers, what goes. */
  charge(scope: ObjectScope, bytes: number, entries: number): void;
  /** Number that grows with every charge of the scope. */
  chargesOf(scope: ObjectScope): number;
  /** Puts a count in place of another; only when nothing was charged since `charges` was read. */
  correct(scope: ObjectScope, usage: Usage, charges: number, at: number): void;
  /** When the scopes of a plugin were last counted anew, in ms since the epoch: the oldest. */
  countedAt(pluginId: string): number;
  addUpload(upload: Upload): void;
  findUpload(id: string): Upload | undefined;
  uploadCount(pluginId: string): number;
  /** Keeps others off the upload until then, and counts bytes that are about to be written. */
  claim(id: string, bytes: number, until: number): void;
  /** Counts them as received, or gives them back. */
  settle(id: string, received: number, expiresAt: number): void;
  removeUpload(id: string): void;
  /** Uploads of one plugin, or those that have expired. */
  uploadsOf(pluginId: string): readonly string[];
  expiredUploads(now: number): readonly string[];
  uploadIds(): ReadonlySet<string>;
  /** What was noted under a name, and notes another. */
  note(name: string, value: string): string | undefined;
  close(): void;
}

const MIGRATIONS = [
  {
    number: 1,
    title: 'usage and uploads',
    sql: `
      CREATE TABLE storage_usage (
        plugin_id  TEXT    NOT NULL,
        tenant_id  INTEGER NOT NULL,
        bytes      INTEGER NOT NULL,
        entries    INTEGER NOT NULL,
        charges    INTEGER NOT NULL,
        counted_at INTEGER NOT NULL,
        PRIMARY KEY (plugin_id, tenant_id)
      ) WITHOUT ROWID;
      CREATE TABLE storage_upload (
        id            TEXT    NOT NULL PRIMARY KEY,
        plugin_id     TEXT    NOT NULL,
        tenant_id     INTEGER NOT NULL,
        path          TEXT    NOT NULL,
        content_type  TEXT    NOT NULL,
        overwrite     INTEGER NOT NULL,
        received      INTEGER NOT NULL,
        claimed       INTEGER NOT NULL,
        claimed_until INTEGER NOT NULL,
        expires_at    INTEGER NOT NULL
      ) WITHOUT ROWID;
      CREATE INDEX storage_upload_plugin ON storage_upload (plugin_id);
      CREATE INDEX storage_upload_expiry ON storage_upload (expires_at);
      CREATE TABLE storage_note (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID`,
  },
];

/** Opens the counts in `<directory>/ledger.db` and the lock beside it. @throws SBX_STORE_FAILED */
export function openObjectLedger(directory: string, now: () => number): ObjectLedger {
  const database = openDatabase(join(directory, 'ledger.db'));
  // While it is opened, others may hold the whole file for a moment: who opens it first, or has it open last.
  const lock = openDatabase(join(directory, 'lock.db'));
  neverWait(lock);
  migrate(database, 'storage', MIGRATIONS);
  return { ...ledgerOver(database), ...exclusion(lock, now), close: () => closeAll(database, lock) };
}

function closeAll(...databases: readonly Database[]): void {
  for (const database of databases) database.close();
}

// ---- the lock ------------------------------------------------------------------------------------------------------------

const sleeper = new Int32Array(new SharedArrayBuffer(4));
/** First and longest pause, in ms, between two looks at the lock, which is held for a few hundredths of one. */
const FIRST_PAUSE_MS = 0.05;
const LONGEST_PAUSE_MS = 2;

function exclusion(lock: Database, now: () => number): Pick<ObjectLedger, 'exclusive'> {
  const [begin, end] = [lock.prepare('BEGIN IMMEDIATE'), lock.prepare('ROLLBACK')];
  const take = (until: number): void => {
    for (let pauseMs = FIRST_PAUSE_MS; !hasBegun(begin); pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)) {
      if (now() > until) throw new SandpoolError('PLUGIN_STORAGE_PROVIDER_UNAVAILABLE', {});
      // Not all at the same moments.
      Atomics.wait(sleeper, 0, 0, pauseMs * (0.5 + Math.random()));
    }
  };
  return {
    exclusive(until, work) {
      take(until);
      try {
        return work();
      } finally {
        end.run();
      }
    },
  };
}

function hasBegun(begin: { run(): unknown }): boolean {
  try {
    begin.run();
    return true;
  } catch (thrown) {
    if (isBusy(thrown)) return false;
    throw thrown;
  }
}

// ---- the counts ----------------------------------------------------------------------------------------------------------

interface UploadRow {
  readonly id: string;
  readonly plugin_id: string;
  readonly tenant_id: number;
  readonly path: string;
  readonly content_type: string;
  readonly overwrite: number;
  readonly received: number;
  readonly claimed_until: number;
  readonly expires_at: number;
}

function ledgerOver(database: Database): Omit<ObjectLedger, 'exclusive' | 'close'> {
  const sql = prepare(database);
  return {
    usageOf: (pluginId) => sql.usage.get(pluginId, pluginId, pluginId) as Usage,
    tenantBytes: (tenantId) => sql.tenantBytes.get(tenantId, tenantId) as number,
    charge: ({ pluginId, tenantId }, bytes, entries) =>
      void sql.charge.run(pluginId, tenantId, bytes, entries, bytes, entries),
    chargesOf: ({ pluginId, tenantId }) => sql.charges.get(pluginId, tenantId) ?? 0,
    correct: ({ pluginId, tenantId }, { bytes, entries }, charges, at) =>
      void sql.correct.run(bytes, entries, at, pluginId, tenantId, charges),
    countedAt: (pluginId) => sql.countedAt.get(pluginId) ?? 0,
    addUpload: ({ id, pluginId, tenantId, path, contentType, overwrite, expiresAt }) =>
      void sql.addUpload.run(id, pluginId, tenantId, path, contentType, overwrite ? 1 : 0, expiresAt),
    findUpload(id) {
      const row = sql.findUpload.get(id);
      return row && uploadOf(row);
    },
    uploadCount: (pluginId) => sql.uploadCount.get(pluginId) as number,
    claim: (id, bytes, until) => void sql.claim.run(bytes, until, until, id),
    settle: (id, received, expiresAt) => void sql.settle.run(received, expiresAt, id),
    removeUpload: (id) => void sql.removeUpload.run(id),
    uploadsOf: (pluginId) => sql.uploadsOf.all(pluginId),
    expiredUploads: (now) => sql.expired.all(now),
    uploadIds: () => new Set(sql.uploadIds.all()),
    note(name, value) {
      const before = sql.noted.get(name);
      if (before !== value) sql.note.run(name, value);
      return before;
    },
  };
}

function uploadOf(row: UploadRow): Upload {
  return {
    id: row.id,
    pluginId: row.plugin_id,
    tenantId: row.tenant_id,
    path: row.path,
    contentType: row.content_type,
    overwrite: row.overwrite === 1,
    received: row.received,
    expiresAt: row.expires_at,
    claimedUntil: row.claimed_until,
  };
}

type Delta = [bytes: number, entries: number];

function prepare(database: Database) {
  const text = <Given extends unknown[]>(sql: string) => database.prepare<Given, string>(sql).pluck();
  const number = <Given extends unknown[]>(sql: string) => database.prepare<Given, number>(sql).pluck();
  return {
    usage: database.prepare<[string, string, string], Usage>(
      `SELECT (SELECT coalesce(sum(bytes), 0) FROM storage_usage WHERE plugin_id = ?)
            + (SELECT coalesce(sum(received + claimed), 0) FROM storage_upload WHERE plugin_id = ?) AS bytes,
              (SELECT coalesce(sum(entries), 0) FROM storage_usage WHERE plugin_id = ?) AS entries`,
    ),
    tenantBytes: number<[number, number]>(
      `SELECT (SELECT coalesce(sum(bytes), 0) FROM storage_usage WHERE tenant_id = ?)
            + (SELECT coalesce(sum(received + claimed), 0) FROM storage_upload WHERE tenant_id = ?)`,
    ),
    charge: database.prepare<[string, number, ...Delta, ...Delta]>(
      `INSERT INTO storage_usage (plugin_id, tenant_id, bytes, entries, charges, counted_at)
       VALUES (?, ?, max(0, ?), max(0, ?), 1, 0)
       ON CONFLICT (plugin_id, tenant_id) DO UPDATE
       SET bytes = max(0, bytes + ?), entries = max(0, entries + ?), charges = charges + 1`,
    ),
    charges: number<[string, number]>('SELECT charges FROM storage_usage WHERE plugin_id = ? AND tenant_id = ?'),
    correct: database.prepare<[number, number, number, string, number, number]>(
      `UPDATE storage_usage SET bytes = ?, entries = ?, counted_at = ?
       WHERE plugin_id = ? AND tenant_id = ? AND charges = ?`,
    ),
    countedAt: number<[string]>('SELECT min(counted_at) FROM storage_usage WHERE plugin_id = ?'),
    addUpload: database.prepare<[string, string, number, string, string, number, number]>(
      'INSERT INTO storage_upload VALUES (?, ?, ?, ?, ?, ?, 0, 0, 0, ?)',
    ),
    findUpload: database.prepare<[string], UploadRow>('SELECT * FROM storage_upload WHERE id = ?'),
    uploadCount: number<[string]>('SELECT count(*) FROM storage_upload WHERE plugin_id = ?'),
    claim: database.prepare<[bytes: number, until: number, until: number, id: string]>(
      'UPDATE storage_upload SET claimed = ?, claimed_until = ?, expires_at = max(expires_at, ?) WHERE id = ?',
    ),
    settle: database.prepare<[number, number, string]>(
      'UPDATE storage_upload SET received = ?, claimed = 0, claimed_until = 0, expires_at = ? WHERE id = ?',
    ),
    removeUpload: database.prepare<[string]>('DELETE FROM storage_upload WHERE id = ?'),
    uploadsOf: text<[string]>('SELECT id FROM storage_upload WHERE plugin_id = ?'),
    expired: text<[number]>('SELECT id FROM storage_upload WHERE expires_at <= ? LIMIT 100'),
    uploadIds: text<[]>('SELECT id FROM storage_upload'),
    noted: text<[string]>('SELECT value FROM storage_note WHERE name = ?'),
    note: database.prepare<[string, string]>('INSERT OR REPLACE INTO storage_note VALUES (?, ?)'),
  };
}
