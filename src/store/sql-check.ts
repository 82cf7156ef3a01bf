/** Finds what is wrong with a release's SQL before anybody installs it. Nothing is executed but on an empty copy in memory. */
import { SandpoolError } from '../protocol/errors.js';
import { type Catalog, EMPTY_CATALOG } from './dialect/model.js';
import type { Node } from './dialect/parse.js';
import { readCatalog, writeCatalog } from './plugin-catalog.js';
import { openScratchDatabase } from './plugin-database.js';
import { parsePiece, piecesOf, runStatement, type SqlFile, type Statement } from './plugin-sql.js';
import type { Database } from './sqlite.js';

export interface SqlPhases {
  readonly install: readonly SqlFile[];
  readonly uninstall: readonly SqlFile[];
  readonly mock: readonly SqlFile[];
}

export interface SqlProblem {
  readonly phase: keyof SqlPhases;
  readonly file: string;
  readonly line: number;
  readonly reason: string;
  readonly code: 'SBX_SQL_INVALID' | 'SBX_SQL_UNSUPPORTED' | 'SBX_SQL_FAILED';
  /** A warning says what will go wrong only later: a file that cannot run twice. */
  readonly severity: 'error' | 'warning';
}

/**
 * Everything that is wrong, in order of phase, file and line. Install files run from an empty database, or from the tables of
 * `live` without their rows; then the mock files, then the install files once more, then those of uninstalling. What depends on
 * rows is let pass: a duplicate, a missing parent, a value that a query would find.
 */
export function checkSql(pluginId: string, phases: SqlPhases, live?: Database): readonly SqlProblem[] {
  const database = openScratchDatabase();
  try {
    let catalog = live ? copyTables(live, database) : EMPTY_CATALOG;
    const problems: SqlProblem[] = [];
    const walk = (phase: keyof SqlPhases) => {
      const found = checkPhase(database, pluginId, phase, phases[phase], catalog);
      catalog = found.catalog;
      return found.problems;
    };
    problems.push(...walk('install'), ...walk('mock'));
    const again = problems.length > 0 ? [] : walk('install');
    problems.push(
      ...again.map((problem) => ({
        ...problem,
        reason: `cannot run twice: ${problem.reason}`,
        severity: 'warning' as const,
      })),
    );
    problems.push(...walk('uninstall'));
    return problems;
  } finally {
    database.close();
  }
}

/** Tables, indexes and views as SQLite has them, and what is kept beside them. */
function copyTables(live: Database, database: Database): Catalog {
  const catalog = readCatalog(live);
  const own = "name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'sandpool\\_%' ESCAPE '\\'";
  const texts = live
    .prepare<[], string>(
      `SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND ${own} ORDER BY type = 'view', type = 'index', rowid`,
    )
    .pluck()
    .all();
  for (const text of texts) database.exec(text);
  writeCatalog(database, EMPTY_CATALOG, catalog);
  return catalog;
}

function checkPhase(
  database: Database,
  pluginId: string,
  phase: keyof SqlPhases,
  files: readonly SqlFile[],
  start: Catalog,
): { readonly problems: readonly SqlProblem[]; readonly catalog: Catalog } {
  const problems: SqlProblem[] = [];
  let catalog = start;
  const note = (thrown: unknown, node?: Node) => {
    const problem = problemOf(phase, thrown, node);
    // What the first problem would have made is missing from then on: that is no news.
    const isEcho = problems.length > 0 && /does not exist|no such/.test(problem?.reason ?? '');
    if (problem !== undefined && !isEcho) problems.push(problem);
  };
  const attempt = (work: () => void, node?: Node) => {
    try {
      work();
      return true;
    } catch (thrown) {
      note(thrown, node);
      return false;
    }
  };
  const run = (statement: Statement) => {
    database.exec('PRAGMA foreign_keys = OFF; SAVEPOINT statement');
    const isDone = attempt(() => {
      catalog = runStatement(database, pluginId, statement, catalog);
    }, statement.node);
    database.exec(`${isDone ? '' : 'ROLLBACK TO statement; '}RELEASE statement; PRAGMA legacy_alter_table = OFF`);
  };
  for (const file of files) {
    attempt(() => {
      for (const piece of piecesOf(file)) attempt(() => parsePiece(file.key, piece).forEach(run));
    });
  }
  return { problems, catalog };
}

function problemOf(phase: keyof SqlPhases, thrown: unknown, node: Node | undefined): SqlProblem | undefined {
  if (!(thrown instanceof SandpoolError)) throw thrown;
  const { code, details } = thrown;
  if (code !== 'SBX_SQL_INVALID' && code !== 'SBX_SQL_UNSUPPORTED' && code !== 'SBX_SQL_FAILED') throw thrown;
  if (code === 'SBX_SQL_FAILED' && dependsOnRows(thrown.cause, node)) return undefined;
  const { file, line, reason } = details;
  return { phase, file: String(file), line: Number(line), reason: String(reason), code, severity: 'error' };
}

/** SQLite's own complaint is about the statement; a constraint and a function's complaint are about values. */
function dependsOnRows(cause: unknown, node: Node | undefined): boolean {
  const code = (cause as { readonly code?: unknown } | undefined)?.code;
  if (code === 'SQLITE_ERROR') return false;
  const isWritten = node !== undefined && 'InsertStmt' in node && isValues(node.InsertStmt.selectStmt);
  const isCertain = code === 'SQLITE_CONSTRAINT_CHECK' || code === 'SQLITE_CONSTRAINT_NOTNULL' || code === undefined;
  return !(isWritten && isCertain);
}

function isValues(node: Node | undefined): boolean {
  return node !== undefined && 'SelectStmt' in node && node.SelectStmt.valuesLists !== undefined;
}
