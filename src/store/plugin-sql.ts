/** Runs files of PostgreSQL on a plugin's database: all of them, or nothing of them. */
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import { type Catalog, withRelations } from './dialect/model.js';
import { type Node, parseStatement } from './dialect/parse.js';
import { mayRebuild, translate } from './dialect/statement.js';
import { readCatalog, writeCatalog } from './plugin-catalog.js';
import { type Piece, splitSql } from './sql-split.js';
import { type Database, storeFailure } from './sqlite.js';

export interface SqlFile {
  /** `001-records.sql` */
  readonly key: string;
  readonly content: string;
}

/** Longest file that is read, and most statements in it. */
const MAX_FILE_BYTES = 8 * 1024 * 1024;
const MAX_STATEMENTS = 20_000;

export interface Statement {
  readonly file: string;
  readonly piece: Piece;
  readonly node: Node;
}

/** @throws SBX_SQL_INVALID, SBX_SQL_UNSUPPORTED with file, line and reason */
export function parseFile(file: SqlFile): readonly Statement[] {
  return piecesOf(file).flatMap((piece) => parsePiece(file.key, piece));
}

/** @throws SBX_SQL_UNSUPPORTED when the file is too large */
export function piecesOf({ key, content }: SqlFile): readonly Piece[] {
  const isLong = Buffer.byteLength(content) > MAX_FILE_BYTES;
  const pieces = isLong ? [] : splitSql(content);
  if (!isLong && pieces.length <= MAX_STATEMENTS) return pieces;
  const reason = isLong
    ? `the file is larger than ${MAX_FILE_BYTES} bytes`
    : `the file holds more than ${MAX_STATEMENTS} statements`;
  throw new SandpoolError('SBX_SQL_UNSUPPORTED', { file: key, line: 1, reason });
}

export function parsePiece(file: string, piece: Piece): readonly Statement[] {
  return placed(file, piece, () => {
    const node = parseStatement(piece.text);
    return node === undefined ? [] : [{ file, piece, node }];
  });
}

export interface RunOptions {
  readonly pluginId: string;
  readonly files: readonly SqlFile[];
  /** Runs within the transaction, before the first file: from now on nobody else writes. */
  readonly afterBegin?: (() => void) | undefined;
  /** Runs within the transaction, after the last file. */
  readonly beforeCommit?: (catalog: Catalog) => void;
}

/**
 * Runs the files in one transaction; whatever fails leaves nothing behind.
 * @throws SBX_SQL_INVALID, SBX_SQL_UNSUPPORTED, SBX_SQL_FAILED with file, line and reason; SBX_STORE_FAILED; what `afterBegin` and
 *   `beforeCommit` throw
 */
export function runFiles(database: Database, { pluginId, files, afterBegin, beforeCommit }: RunOptions): void {
  const statements = files.flatMap(parseFile);
  // Cannot be switched within a transaction. Without them nothing cascades, and what is left dangling is found at the end.
  const isWatched = !statements.some(({ node }) => mayRebuild(node));
  database.exec(`PRAGMA foreign_keys = ${isWatched ? 'ON' : 'OFF'}`);
  try {
    begin(database);
    afterBegin?.();
    const before = readCatalog(database);
    let catalog = before;
    for (const statement of statements) catalog = runStatement(database, pluginId, statement, catalog);
    if (!isWatched) requireParents(database, statements.at(-1)!);
    writeCatalog(database, before, catalog);
    beforeCommit?.(catalog);
    commit(database);
  } catch (thrown) {
    if (database.inTransaction) database.exec('ROLLBACK');
    throw thrown instanceof SandpoolError ? thrown : storeFailure(thrown);
  } finally {
    database.exec('PRAGMA legacy_alter_table = OFF; PRAGMA foreign_keys = ON');
  }
}

function begin(database: Database): void {
  try {
    database.exec('BEGIN IMMEDIATE');
  } catch (thrown) {
    throw storeFailure(thrown);
  }
}

/** Deferred foreign keys are looked at here. */
function commit(database: Database): void {
  try {
    database.exec('COMMIT');
  } catch (thrown) {
    throw storeFailure(thrown);
  }
}

/** The catalog after the statement. @throws as `runFiles` */
export function runStatement(database: Database, pluginId: string, statement: Statement, catalog: Catalog): Catalog {
  const { file, piece, node } = statement;
  return placed(file, piece, () => {
    const { sql, relations } = translate(node, pluginId, catalog);
    for (const text of sql) execute(database, text);
    return relations.size === 0 ? catalog : withRelations(catalog, relations);
  });
}

function execute(database: Database, sql: string): void {
  try {
    database.exec(sql);
  } catch (thrown) {
    // Names are always quoted here, so that SQLite's advice about them leads astray; a table on its way has none.
    const reason = reasonOf(thrown)
      .replace(' - should this be a string literal in single-quotes?', '')
      .replaceAll('sandpool_rebuilt.', '');
    throw new SandpoolError('SBX_SQL_FAILED', { reason, location: 0 }, { cause: thrown });
  }
}

/** @throws SBX_SQL_FAILED for a row whose foreign key leads nowhere */
function requireParents(database: Database, { file, piece }: Statement): void {
  const [orphan] = database.prepare<[], { table: string; parent: string }>('PRAGMA foreign_key_check').all();
  if (orphan === undefined) return;
  const reason = `rows of ${orphan.table} refer to rows of ${orphan.parent} that are not there`;
  throw new SandpoolError('SBX_SQL_FAILED', { file, line: lineOf(piece, undefined), reason });
}

/** Adds file and line to what is thrown within a statement. */
function placed<Result>(file: string, piece: Piece, work: () => Result): Result {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof RangeError) {
      const facts = { file, line: lineOf(piece, undefined), reason: 'the statement is nested too deeply' };
      throw new SandpoolError('SBX_SQL_UNSUPPORTED', facts, { cause: thrown });
    }
    if (!(thrown instanceof SandpoolError) || !('location' in thrown.details)) throw thrown;
    const { location, ...facts } = thrown.details;
    const line = lineOf(piece, Number(location));
    throw new SandpoolError(thrown.code, { file, line, ...facts }, { cause: thrown.cause ?? thrown });
  }
}

/** The line of a byte of the statement; of its first word where the byte is not known. */
function lineOf({ text, line }: Piece, location: number | undefined): number {
  const before = location ? Buffer.from(text).subarray(0, location).toString() : text.slice(0, text.search(/\S/));
  return line + before.split('\n').length - 1;
}
