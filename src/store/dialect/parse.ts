/** The door to PostgreSQL's own parser. */
import { loadModule, type Node, parseSync, SqlError } from 'libpg-query';
import { reasonOf } from '../../protocol/errors.js';
import { invalidSql, unsupportedSql } from './refusal.js';

export type {
  A_Expr,
  AlterTableCmd,
  AlterTableStmt,
  ColumnDef,
  CommentStmt,
  CommonTableExpr,
  Constraint,
  CreateStmt,
  DeleteStmt,
  DropStmt,
  FuncCall,
  IndexElem,
  IndexStmt,
  InsertStmt,
  JoinExpr,
  Node,
  OnConflictClause,
  RangeFunction,
  RangeSubselect,
  RangeVar,
  RenameStmt,
  ResTarget,
  ReturningClause,
  SelectStmt,
  SortBy,
  SubLink,
  TruncateStmt,
  TypeName,
  UpdateStmt,
  ViewStmt,
  WindowDef,
  WithClause,
} from 'libpg-query';

/** `SelectStmt`, `ColumnRef` … */
export type NodeKind = Node extends infer Each ? (Each extends unknown ? keyof Each : never) : never;
export type NodeOf<Kind extends NodeKind> = Node extends infer Each
  ? Each extends Record<Kind, infer Body>
    ? Body
    : never
  : never;

/** Words that begin statements of SQLite, or of MySQL, and never of PostgreSQL. */
const FOREIGN_WORDS = /^\s*(PRAGMA|ATTACH|DETACH|REPLACE|USE|SHOW\s+TABLES|DESCRIBE|INSERT\s+(?:OR|IGNORE))\b/i;

/** Must have resolved once before `parseStatement`; takes about 30 ms the first time. */
export async function loadParser(): Promise<void> {
  await loadModule();
}

/**
 * The tree of one statement; undefined when the text holds none. Locations in it count bytes of UTF-8.
 * @throws SBX_SQL_INVALID where PostgreSQL finds an error, SBX_SQL_UNSUPPORTED where another database's SQL begins
 */
export function parseStatement(text: string): Node | undefined {
  const word = FOREIGN_WORDS.exec(text)?.[1];
  if (word !== undefined) {
    const location = Buffer.byteLength(text.slice(0, text.search(/\S/)));
    throw unsupportedSql(`${word.toUpperCase()} is not PostgreSQL, which the SQL of plugins is written in`, location);
  }
  // PostgreSQL reads a text up to its first NUL, so that what follows would go unseen.
  if (text.includes('\0')) throw invalidSql('the text holds a NUL character', Buffer.byteLength(text.split('\0')[0]!));
  if (text.trim() === '') return undefined;
  return parse(text)[0]?.stmt;
}

function parse(text: string) {
  try {
    return parseSync(text).stmts ?? [];
  } catch (thrown) {
    // A statement nested some thousand times exhausts the parser's stack.
    if (thrown instanceof RangeError) throw unsupportedSql('the statement is nested too deeply', 0, thrown);
    throw invalidSql(reasonOf(thrown), thrown instanceof SqlError ? byteOffset(text, thrown) : 0, thrown);
  }
}

/** Errors are located by characters, unlike the nodes of a tree. */
function byteOffset(text: string, { sqlDetails }: SqlError): number {
  const characters = Array.from(text).slice(0, sqlDetails?.cursorPosition ?? 0);
  return Buffer.byteLength(characters.join(''));
}
