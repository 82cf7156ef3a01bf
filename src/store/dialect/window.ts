/** Orders and windows of rows. */
import type { Context } from './context.js';
import type { Node, SortBy, WindowDef } from './parse.js';
import { quoteName } from './quote.js';
import { unsupportedSql } from './refusal.js';

/** NULLs are the largest values in PostgreSQL, and the smallest in SQLite. */
export function ordering(nodes: readonly Node[], context: Context): string {
  return nodes
    .map((node) => {
      const sort: SortBy = 'SortBy' in node ? node.SortBy : {};
      if (sort.sortby_dir === 'SORTBY_USING') throw unsupportedSql('ORDER BY … USING is not supported', sort.location);
      const descending = sort.sortby_dir === 'SORTBY_DESC';
      const isFirst =
        sort.sortby_nulls === 'SORTBY_NULLS_DEFAULT' ? descending : sort.sortby_nulls === 'SORTBY_NULLS_FIRST';
      return `${context.expression(sort.node, context)} ${descending ? 'DESC' : 'ASC'} NULLS ${isFirst ? 'FIRST' : 'LAST'}`;
    })
    .join(', ');
}

/** PostgreSQL's bits of a window's frame. */
const FRAME = {
  nonDefault: 0x1,
  rows: 0x4,
  groups: 0x8,
  startUnbounded: 0x20,
  endUnbounded: 0x100,
  startCurrent: 0x200,
  endCurrent: 0x400,
  startPreceding: 0x800,
  endPreceding: 0x1000,
  startFollowing: 0x2000,
  endFollowing: 0x4000,
  exclusions: 0x38000,
} as const;

/** What stands behind OVER, or in WINDOW. @throws SBX_SQL_UNSUPPORTED */
export function windowOf(window: WindowDef, context: Context): string {
  const { name, refname, partitionClause, orderClause, frameOptions = 0 } = window;
  const isFramed = (frameOptions & FRAME.nonDefault) !== 0;
  if (name !== undefined && partitionClause === undefined && orderClause === undefined && !isFramed)
    return quoteName(name);
  const parts = [
    refname && quoteName(refname),
    partitionClause && `PARTITION BY ${partitionClause.map((node) => context.expression(node, context)).join(', ')}`,
    orderClause && `ORDER BY ${ordering(orderClause, context)}`,
    isFramed && frameOf(window, context),
  ];
  return `(${parts.filter(Boolean).join(' ')})`;
}

function frameOf({ frameOptions: bits = 0, startOffset, endOffset, location }: WindowDef, context: Context): string {
  if ((bits & FRAME.exclusions) !== 0) throw unsupportedSql('EXCLUDE of a window is not supported', location);
  const mode = (bits & FRAME.rows) !== 0 ? 'ROWS' : (bits & FRAME.groups) !== 0 ? 'GROUPS' : 'RANGE';
  const offset = (node: Node | undefined, way: string) => `${context.expression(node, context)} ${way}`;
  const start = () => {
    if ((bits & FRAME.startUnbounded) !== 0) return 'UNBOUNDED PRECEDING';
    if ((bits & FRAME.startCurrent) !== 0) return 'CURRENT ROW';
    return offset(startOffset, (bits & FRAME.startPreceding) !== 0 ? 'PRECEDING' : 'FOLLOWING');
  };
  const end = () => {
    if ((bits & FRAME.endUnbounded) !== 0) return 'UNBOUNDED FOLLOWING';
    if ((bits & FRAME.endCurrent) !== 0) return 'CURRENT ROW';
    return offset(endOffset, (bits & FRAME.endPreceding) !== 0 ? 'PRECEDING' : 'FOLLOWING');
  };
  return `${mode} BETWEEN ${start()} AND ${end()}`;
}
