/** PostgreSQL's types and what SQLite makes of them. */
import { stringsOf } from './context.js';
import type { Column, ColumnType, Identity, TypeWord } from './model.js';
import { describeType } from './model.js';
import type { TypeName } from './parse.js';
import { quoteName } from './quote.js';
import { unsupportedSql } from './refusal.js';

// biome-ignore format: a table
const WORDS: Readonly<Record<string, TypeWord>> = {
  int2: 'smallint', int4: 'integer', int8: 'bigint', smallint: 'smallint', integer: 'integer', bigint: 'bigint',
  float4: 'real', float8: 'double precision', numeric: 'numeric', bool: 'boolean', boolean: 'boolean',
  bpchar: 'char', varchar: 'varchar', text: 'text', timestamp: 'timestamp', timestamptz: 'timestamptz', date: 'date',
  time: 'time', json: 'json', jsonb: 'jsonb', uuid: 'uuid', bytea: 'bytea',
};

// biome-ignore format: a table
const SERIALS: Readonly<Record<string, TypeWord>> = {
  smallserial: 'smallint', serial2: 'smallint', serial: 'integer', serial4: 'integer', bigserial: 'bigint', serial8: 'bigint',
};

/** The type that a name says, and whether it is one of the serial types. @throws SBX_SQL_UNSUPPORTED */
export function readType(type: TypeName | undefined): { readonly type: ColumnType; readonly identity?: Identity } {
  const name = typeNameOf(type);
  if (type?.arrayBounds !== undefined)
    throw unsupportedSql(`arrays (${name}[]) are not supported: use JSONB`, type.location);
  const args = argsOf(type);
  const serial = SERIALS[name];
  if (serial !== undefined) return { type: { word: serial, args: [] }, identity: 'serial' };
  const word = WORDS[name];
  if (word === undefined) throw unsupportedSql(`the type ${name} is not supported`, type?.location);
  // `real` and `float(n)` say their size in the word alone.
  return { type: { word, args: word === 'char' && args.length === 0 ? [1] : args } };
}

/** The last part of a type's name; `interval` too, which no column has. */
export function typeNameOf(type: TypeName | undefined): string {
  return stringsOf(type?.names).at(-1) ?? '';
}

function argsOf(type: TypeName | undefined): readonly number[] {
  return (type?.typmods ?? []).map((node) => {
    if ('A_Const' in node && node.A_Const.ival) return node.A_Const.ival.ival ?? 0;
    throw unsupportedSql(`the length of type ${typeNameOf(type)} is not a number`, type?.location);
  });
}

/**
 * The type as SQLite declares it; it decides the affinity, which must not turn a text into a number. An `INTEGER PRIMARY KEY` would be
 * SQLite's own row number, which has no default and is made up where there is none; an `INT PRIMARY KEY` is a column like others.
 */
export function declaredType({ word, args }: ColumnType): string {
  const length = args.length > 0 ? `(${args.join(', ')})` : '';
  switch (word) {
    case 'varchar':
    case 'char':
    case 'numeric':
      return `${word.toUpperCase()}${length}`;
    case 'bytea':
      return 'BLOB';
    case 'integer':
      return 'INT';
    case 'smallint':
    case 'bigint':
    case 'real':
    case 'double precision':
    case 'boolean':
      return word.toUpperCase();
    default:
      return 'TEXT';
  }
}

const DATE_GLOB = '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]';
const TIME_GLOB = '[0-2][0-9]:[0-5][0-9]:[0-5][0-9]';

const BOUNDS = { smallint: 32_768n, integer: 2_147_483_648n } as const;

/** The condition that keeps values of another type out, as SQLite by itself would not; undefined where there is none. */
export function typeCheck({ name, type }: Pick<Column, 'name' | 'type'>): string | undefined {
  const condition = conditionOf(quoteName(name), type);
  return condition && `CONSTRAINT ${quoteName(`${name} must be ${describeType(type)}`)} CHECK (${condition})`;
}

/** All of them are unknown, and so hold, for NULL. */
function conditionOf(column: string, { word, args }: ColumnType): string | undefined {
  const [first] = args;
  const isNumber = `typeof(${column}) IN ('integer', 'real', 'null')`;
  switch (word) {
    case 'smallint':
    case 'integer':
      return `typeof(${column}) IN ('integer', 'null') AND ${column} BETWEEN -${BOUNDS[word]} AND ${BOUNDS[word] - 1n}`;
    case 'bigint':
      return `typeof(${column}) IN ('integer', 'null')`;
    case 'real':
    case 'double precision':
      return isNumber;
    case 'numeric':
      return first === undefined ? isNumber : `${isNumber} AND abs(${column}) < 1e${first - (args[1] ?? 0)}`;
    case 'boolean':
      return `${column} IN (0, 1)`;
    case 'varchar':
    case 'char':
      return first === undefined ? undefined : `length(${column}) <= ${first}`;
    case 'timestamp':
    case 'timestamptz':
      return `${column} GLOB '${DATE_GLOB} ${TIME_GLOB}*'`;
    case 'date':
      return `${column} GLOB '${DATE_GLOB}'`;
    case 'time':
      return `${column} GLOB '${TIME_GLOB}*'`;
    case 'json':
    case 'jsonb':
      return `json_valid(${column})`;
    case 'uuid':
      return `${column} GLOB '????????-????-????-????-????????????'`;
    case 'bytea':
      return `typeof(${column}) IN ('blob', 'null')`;
    case 'text':
      return undefined;
  }
}
