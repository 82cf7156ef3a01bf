/** The functions that plugin SQL may call; those named `pg_…` are ours (`store/sql-functions.ts`). All others are refused. */
import type { TypeWord } from './model.js';
import { EXTRACTION_FIELDS, readFormat, TRUNCATION_FIELDS } from './moments.js';

/** The moment of the statement, as a timestamp is stored. */
export const NOW = "rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.')";

export interface SqlFunction {
  readonly args: readonly [least: number, most: number];
  /** From the translated arguments; `texts` are those that are written as literals. A string is the reason why it cannot be. */
  readonly sql: (
    args: readonly string[],
    texts: readonly (string | undefined)[],
  ) => string | { readonly refused: string };
  readonly type?: TypeWord;
  /** Over the rows of a group, so that DISTINCT, FILTER and OVER may follow. */
  readonly isAggregate?: boolean;
  /** Gives another value each time, so that no index may rest on it. */
  readonly isVolatile?: boolean;
}

type Args = readonly string[];
const MANY = 100;

const named =
  (name: string) =>
  (args: Args): string =>
    `${name}(${args.join(', ')})`;

const plain = (name: string, args: SqlFunction['args'], type?: TypeWord): SqlFunction => ({
  args,
  sql: named(name),
  ...(type && { type }),
});

const aggregate = (name: string, args: SqlFunction['args'], type?: TypeWord): SqlFunction => ({
  ...plain(name, args, type),
  isAggregate: true,
});

const now: SqlFunction = { args: [0, 0], sql: () => NOW, type: 'timestamptz', isVolatile: true };
const length = plain('length', [1, 1], 'integer');
const upper = plain('pg_upper', [1, 1], 'text');
const uuid: SqlFunction = { args: [0, 0], sql: () => 'pg_random_uuid()', type: 'uuid', isVolatile: true };
const power = plain('pow', [2, 2]);
const ceiling = plain('ceil', [1, 1]);
const position: SqlFunction = { args: [2, 2], sql: named('instr'), type: 'integer' };
const jsonObject = plain('json_object', [0, MANY], 'jsonb');
const jsonArray = plain('json_array', [0, MANY], 'jsonb');
const jsonLength = plain('json_array_length', [1, 1], 'integer');

const extraction: SqlFunction = {
  args: [2, 2],
  sql: ([, moment], [field]) => {
    const word = field?.toLowerCase();
    if (word === undefined || !EXTRACTION_FIELDS.includes(word))
      return { refused: `extract(${field ?? '…'}) is not supported` };
    return `pg_extract('${word}', ${moment})`;
  },
  type: 'numeric',
};

const truncation: SqlFunction = {
  args: [2, 2],
  sql: ([, moment], [field]) => {
    const word = field?.toLowerCase();
    if (word === undefined || !TRUNCATION_FIELDS.includes(word))
      return { refused: `date_trunc(${field ?? '…'}) is not supported` };
    return `pg_date_trunc('${word}', ${moment})`;
  },
  type: 'timestamp',
};

const formatting: SqlFunction = {
  args: [2, 2],
  sql: ([value, format], [, text]) => {
    if (text === undefined || readFormat(text) === undefined || !/YY|MM|DD|HH|MI|SS|MS|US/.test(text)) {
      return { refused: `to_char with the format ${text ?? 'of an expression'} is not supported` };
    }
    return `pg_to_char(${value}, ${format})`;
  },
  type: 'text',
};

/** `… AT TIME ZONE 'UTC'`: all moments are stored in UTC. */
const zoned: SqlFunction = {
  args: [2, 2],
  sql: ([, moment], [zone]) =>
    /^(?:utc|gmt|z)$/i.test(zone ?? '') ? moment! : { refused: 'AT TIME ZONE is supported for UTC alone' },
  type: 'timestamp',
};

const substring: SqlFunction = {
  args: [2, 3],
  sql: (args, [, pattern]) =>
    pattern === undefined
      ? `pg_substring(${args.join(', ')})`
      : { refused: 'substring with a pattern is not supported' },
  type: 'text',
};

// biome-ignore format: a table
export const FUNCTIONS: Readonly<Record<string, SqlFunction>> = {
  // moments
  now, transaction_timestamp: now, statement_timestamp: now, clock_timestamp: now,
  extract: extraction, date_part: extraction, date_trunc: truncation, to_char: formatting, timezone: zoned,
  to_timestamp:      plain('pg_from_epoch', [1, 1], 'timestamptz'),
  make_date:         plain('pg_make_date', [3, 3], 'date'),

  // texts
  lower:             plain('pg_lower', [1, 1], 'text'), upper, initcap: plain('pg_initcap', [1, 1], 'text'),
  length, char_length: length, character_length: length,
  octet_length:      plain('octet_length', [1, 1], 'integer'),
  substring, substr: substring,
  left:              plain('pg_left', [2, 2], 'text'),
  right:             plain('pg_right', [2, 2], 'text'),
  lpad:              plain('pg_lpad', [2, 3], 'text'),
  rpad:              plain('pg_rpad', [2, 3], 'text'),
  replace:           plain('replace', [3, 3], 'text'),
  translate:         plain('pg_translate', [3, 3], 'text'),
  btrim:             plain('trim', [1, 2], 'text'),
  ltrim:             plain('ltrim', [1, 2], 'text'),
  rtrim:             plain('rtrim', [1, 2], 'text'),
  concat:            plain('pg_concat', [1, MANY], 'text'),
  concat_ws:         plain('pg_concat_ws', [2, MANY], 'text'),
  repeat:            plain('pg_repeat', [2, 2], 'text'),
  reverse:           plain('pg_reverse', [1, 1], 'text'),
  split_part:        plain('pg_split_part', [3, 3], 'text'),
  strpos: position, position,
  starts_with:       plain('pg_starts_with', [2, 2], 'boolean'),
  regexp_replace:    plain('pg_regexp_replace', [3, 4], 'text'),
  ascii:             plain('unicode', [1, 1], 'integer'),
  chr:               plain('char', [1, 1], 'text'),
  md5:               plain('pg_md5', [1, 1], 'text'),
  to_hex:            plain('pg_to_hex', [1, 1], 'text'),
  encode:            plain('pg_encode', [2, 2], 'text'),
  decode:            plain('pg_decode', [2, 2], 'bytea'),

  // numbers
  abs:               plain('abs', [1, 1]),
  ceil: ceiling, ceiling, floor: plain('floor', [1, 1]),
  round:             plain('pg_round', [1, 2], 'numeric'),
  trunc:             plain('pg_trunc', [1, 2], 'numeric'),
  mod:               { args: [2, 2], sql: ([left, right]) => `(${left} % ${right})`, type: 'integer' },
  div:               { args: [2, 2], sql: ([left, right]) => `trunc(${left} / ${right})`, type: 'numeric' },
  power, pow: power,
  sqrt:              plain('sqrt', [1, 1]),
  exp:               plain('exp', [1, 1]),
  ln:                plain('ln', [1, 1]),
  log:               plain('log10', [1, 1]),
  sign:              plain('sign', [1, 1]),
  pi:                plain('pi', [0, 0]),
  random:            { args: [0, 0], sql: () => 'pg_random()', type: 'double precision', isVolatile: true },

  // identifiers
  gen_random_uuid: uuid, uuid_generate_v4: uuid,

  // JSON
  json_build_object: jsonObject, jsonb_build_object: jsonObject, json_build_array: jsonArray, jsonb_build_array: jsonArray,
  json_array_length: jsonLength, jsonb_array_length: jsonLength,

  // aggregates
  count:             aggregate('count', [0, 1], 'bigint'),
  sum:               aggregate('sum', [1, 1]),
  avg:               aggregate('avg', [1, 1], 'numeric'),
  min:               aggregate('min', [1, 1]),
  max:               aggregate('max', [1, 1]),
  bool_and:          aggregate('min', [1, 1], 'boolean'),
  every:             aggregate('min', [1, 1], 'boolean'),
  bool_or:           aggregate('max', [1, 1], 'boolean'),
  string_agg:        aggregate('group_concat', [2, 2], 'text'),
  json_agg:          aggregate('json_group_array', [1, 1], 'json'),
  jsonb_agg:         aggregate('json_group_array', [1, 1], 'jsonb'),
  json_object_agg:   aggregate('json_group_object', [2, 2], 'json'),
  jsonb_object_agg:  aggregate('json_group_object', [2, 2], 'jsonb'),

  // windows
  row_number:        aggregate('row_number', [0, 0], 'bigint'),
  rank:              aggregate('rank', [0, 0], 'bigint'),
  dense_rank:        aggregate('dense_rank', [0, 0], 'bigint'),
  percent_rank:      aggregate('percent_rank', [0, 0]),
  cume_dist:         aggregate('cume_dist', [0, 0]),
  ntile:             aggregate('ntile', [1, 1], 'integer'),
  lag:               aggregate('lag', [1, 3]),
  lead:              aggregate('lead', [1, 3]),
  first_value:       aggregate('first_value', [1, 1]),
  last_value:        aggregate('last_value', [1, 1]),
  nth_value:         aggregate('nth_value', [2, 2]),
};
