/** What a translation knows, and the one place where a statement's tables are named. */
import { type Catalog, type Table, tableOf } from './model.js';
import type { Node, RangeVar, SelectStmt } from './parse.js';
import { quoteName } from './quote.js';
import { unsupportedSql } from './refusal.js';

/** A name in reach of an expression; `table` is undefined where the columns' types are not known. */
export interface InReach {
  readonly alias: string;
  readonly table: Table | undefined;
}

export interface Context {
  readonly pluginId: string;
  readonly catalog: Catalog;
  /** Names that `WITH` has given. */
  readonly ctes: ReadonlySet<string>;
  /** Innermost first. */
  readonly inReach: readonly InReach[];
  /** Where the text stays: in the schema it is evaluated later, where nothing bounds its time. */
  readonly place: 'statement' | 'view' | 'default' | 'schema';
  /** Gathers the relations that are read. */
  readonly reads: Set<string>;
  /** Translates an expression; operators, calls and casts hold expressions, which hold them. */
  readonly expression: (node: Node | undefined, context: Context) => string;
  /** Translates a query; expressions hold queries, and queries hold expressions. */
  readonly query: (select: SelectStmt, context: Context) => string;
}

/** `plugin_<id with - as _>`, the name of a plugin's first table and the beginning of all others. */
export function tablePrefixOf(pluginId: string): string {
  return `plugin_${pluginId.replaceAll('-', '_')}`;
}

/**
 * Holds that a name is the plugin's own, in any case of letters (`spec/governance.md` §0.4, `spec/host-services.md` §6.3).
 * @throws SBX_SQL_UNSUPPORTED
 */
export function requireOwn(pluginId: string, name: string, location: number | undefined): void {
  const prefix = tablePrefixOf(pluginId);
  const lower = name.toLowerCase();
  if (lower === prefix || lower.startsWith(`${prefix}_`)) return;
  throw unsupportedSql(
    `${name} is not a table of plugin ${pluginId}: its tables are ${prefix} and ${prefix}_<name>`,
    location,
  );
}

/** The relation's name in the catalog. @throws SBX_SQL_UNSUPPORTED when it is not the plugin's own, or in another schema */
export function ownName(range: RangeVar | undefined, { pluginId }: Pick<Context, 'pluginId'>): string {
  const { catalogname, schemaname, relname = '', relpersistence, location } = range ?? {};
  if (catalogname !== undefined || (schemaname !== undefined && schemaname !== 'public')) {
    const name = [catalogname, schemaname, relname].filter(Boolean).join('.');
    throw unsupportedSql(`${name} is out of reach: only the schema public is there`, location);
  }
  if (relpersistence === 't') throw unsupportedSql('temporary tables are not supported', location);
  requireOwn(pluginId, relname, location);
  return relname;
}

/** A relation that is read: one of `WITH`, or the plugin's own. */
export function readName(
  range: RangeVar,
  context: Context,
): { readonly sql: string; readonly table: Table | undefined } {
  const { relname = '', schemaname } = range;
  if (schemaname === undefined && context.ctes.has(relname)) return { sql: quoteName(relname), table: undefined };
  const name = ownName(range, context);
  context.reads.add(name);
  return { sql: quoteName(name), table: tableOf(context.catalog, name) };
}

export function withInReach(context: Context, inReach: readonly InReach[]): Context {
  return { ...context, inReach: [...inReach, ...context.inReach] };
}

/** The texts of a list of names, such as those of a function or a column. */
export function stringsOf(nodes: readonly Node[] | undefined): readonly string[] {
  return (nodes ?? []).flatMap((node) => ('String' in node ? [node.String.sval ?? ''] : []));
}
