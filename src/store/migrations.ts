import { SandpoolError } from '../protocol/errors.js';
import { type Database, storeFailure } from './sqlite.js';

/** One step of a room's tables. Once released it is never changed; a later step corrects it. */
export interface Migration {
  /** 1, 2, 3 … without gaps, in order. */
  readonly number: number;
  readonly title: string;
  readonly sql: string;
}

const LEDGER = `
  CREATE TABLE IF NOT EXISTS sandpool_migration (
    room       TEXT    NOT NULL,
    number     INTEGER NOT NULL,
    title      TEXT    NOT NULL,
    applied_at INTEGER NOT NULL,
    PRIMARY KEY (room, number)
  ) WITHOUT ROWID`;

/**
 * Brings the tables of one room up to date: all missing steps or none. Rooms that share a file count their steps apart.
 * @throws SBX_STORE_FAILED when a step fails, or when the file was written by a newer Sandpool.
 */
export function migrate(database: Database, room: string, migrations: readonly Migration[]): void {
  const applyMissing = database.transaction(() => {
    database.exec(LEDGER);
    const applied = lastApplied(database, room);
    if (applied > migrations.length) throw newerFile(room, applied);
    for (const migration of migrations.slice(applied)) apply(database, room, migration);
  });
  try {
    // Takes the write lock first: two hosts that start together must not both find a step missing.
    applyMissing.immediate();
  } catch (thrown) {
    throw thrown instanceof SandpoolError ? thrown : storeFailure(thrown);
  }
}

function lastApplied(database: Database, room: string): number {
  const last = database.prepare('SELECT max(number) FROM sandpool_migration WHERE room = ?').pluck().get(room);
  return typeof last === 'number' ? last : 0;
}

function apply(database: Database, room: string, { number, title, sql }: Migration): void {
  database.exec(sql);
  database.prepare('INSERT INTO sandpool_migration VALUES (?, ?, ?, ?)').run(room, number, title, Date.now());
}

function newerFile(room: string, applied: number): SandpoolError {
  const reason = `the tables of ${room} are at step ${applied}, which this version does not know`;
  return new SandpoolError('SBX_STORE_FAILED', { reason });
}
