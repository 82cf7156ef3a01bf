/** The query plan of `list` and `get`, from its JSON (`spec/host-services.md` §6.2), read as Go reads it. */
import { reasonOf } from '../../protocol/errors.js';
import { trimGo } from '../../protocol/text.js';
import { MAX_TERMS, MAX_VALUES } from './limits.js';
import { invalidCall, tooMuch } from './refusals.js';
import { type Given, jsonText } from './values.js';

export interface Plan {
  readonly table: string;
  readonly action: string;
  readonly fields: readonly string[];
  readonly filters: readonly Filter[];
  readonly orders: readonly Order[];
  readonly pageNum: number;
  readonly pageSize: number;
  /** JSON text; empty for none. */
  readonly keyJson: string;
}

export interface Filter {
  readonly field: string;
  readonly operator: 'eq' | 'in' | 'like';
  readonly values: readonly Given[];
  /** `eq` with a list compares with any of it. */
  readonly isList: boolean;
}

export interface Order {
  readonly field: string;
  readonly direction: 'asc' | 'desc';
}

const ACTIONS: readonly string[] = ['list', 'get', 'count', 'create', 'update', 'delete', 'transaction'];

/** @throws SBX_WIRE_INVALID */
export function readPlan(planJson: Uint8Array): Plan {
  const members = membersOf(parse(bytesToText(planJson), 'query plan'), 'query plan');
  const table = trimGo(textOf(members, 'table'));
  const action = trimGo(textOf(members, 'action'));
  if (table === '') throw invalidCall('record store query plan table cannot be empty');
  if (action === '') throw invalidCall('record store query plan action cannot be empty');
  if (!ACTIONS.includes(action)) throw invalidCall(`record store query plan action is not supported: ${action}`);
  if (members.transaction !== undefined && action !== 'transaction')
    throw invalidCall('record store query plan transaction is only allowed for transaction actions');
  const page = members.page === undefined ? {} : membersOf(members.page, 'page');
  const filters = listOf(members, 'filters').map(filterOf);
  if (filters.reduce((sum, { values }) => sum + values.length, 0) > MAX_VALUES) throw tooMuch(MAX_VALUES);
  return {
    table,
    action,
    fields: listOf(members, 'fields', MAX_FIELDS).map(fieldOf),
    filters,
    orders: listOf(members, 'orders').map(orderOf),
    pageNum: int32Of(page, 'pageNum'),
    pageSize: int32Of(page, 'pageSize'),
    keyJson: decodedText(members, 'keyJson'),
  };
}

/** The bytes of JSON as text. */
export function bytesToText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
}

/** @throws SBX_WIRE_INVALID */
export function parse(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw invalidCall(`decode data ${what} failed: ${reasonOf(thrown)}`);
  }
}

/** More columns a table of SQLite cannot have. */
const MAX_FIELDS = 2000;

function fieldOf(value: unknown): string {
  const field = typeof value === 'string' ? trimGo(value) : mismatch('fields', 'strings');
  if (field === '') throw invalidCall('record store query plan field cannot be empty');
  return field;
}

function filterOf(value: unknown): Filter {
  const members = membersOf(value, 'filter');
  const field = trimGo(textOf(members, 'field'));
  const operator = trimGo(textOf(members, 'operator'));
  if (field === '') throw invalidCall('record store query plan filter field cannot be empty');
  if (operator === 'in') {
    const values = listOf(members, 'valuesJson', MAX_VALUES).map(valueTextOf).map(scalarOf);
    if (values.length === 0) throw invalidCall('record store query plan in filter needs at least one value');
    return { field, operator, values, isList: true };
  }
  if (operator !== 'eq' && operator !== 'like')
    throw invalidCall(`record store query plan operator is not supported: ${operator}`);
  const text = decodedText(members, 'valueJson');
  if (text === '') throw invalidCall('record store query plan filter value cannot be empty');
  const parsed = parse(text, 'filter value');
  if (operator === 'eq' && Array.isArray(parsed))
    return { field, operator, values: literalsOf(text, parsed), isList: true };
  const [given] = [operator === 'like' && Array.isArray(parsed) ? jsonText(parsed) : scalarOf(text)];
  return { field, operator, values: [operator === 'like' ? (given ?? '') : given], isList: false };
}

function valueTextOf(value: unknown): string {
  return decoded(typeof value === 'string' ? value : mismatch('valuesJson', 'base64 strings'), 'valuesJson');
}

function orderOf(value: unknown): Order {
  const members = membersOf(value, 'order');
  const field = trimGo(textOf(members, 'field'));
  const direction = textOf(members, 'direction');
  if (field === '') throw invalidCall('record store query plan order field cannot be empty');
  if (direction !== 'asc' && direction !== 'desc')
    throw invalidCall(`record store query plan order direction is not supported: ${direction}`);
  return { field, direction };
}

// ---- values of filters -------------------------------------------------------------------------------------------------------

/** A JSON text as the driver takes it; numbers stay as they are written. */
function scalarOf(text: string): Given {
  const parsed = parse(text, 'filter value');
  return literalOf(parsed, () => text.trim());
}

function literalOf(parsed: unknown, literal: () => string): Given {
  if (parsed === null) return null;
  if (typeof parsed === 'number') return literal();
  if (typeof parsed === 'object') return jsonText(parsed);
  return String(parsed);
}

const TOKEN = /\s*("(?:[^"\\]+|\\.)*"|[-+.\w]+|[[\]{},:])/y;

/** The elements of a list whose text is valid JSON. */
function literalsOf(text: string, parsed: readonly unknown[]): readonly Given[] {
  if (parsed.length > MAX_VALUES) throw tooMuch(MAX_VALUES);
  if (parsed.some((element) => typeof element === 'object' && element !== null))
    throw invalidCall('record store query plan filter value holds a list or an object');
  // Scalars alone: between the brackets every second token is one.
  TOKEN.lastIndex = text.indexOf('[') + 1;
  return parsed.map((element) => {
    const token = TOKEN.exec(text)?.[1] ?? '';
    TOKEN.exec(text);
    return literalOf(element, () => token);
  });
}

// ---- members -----------------------------------------------------------------------------------------------------------------

type Members = Readonly<Record<string, unknown>>;

const NAMES = new Map(
  [
    'table action fields filters orders page keyJson recordJson transaction',
    'field operator valueJson valuesJson direction pageNum pageSize',
  ]
    .flatMap((names) => names.split(' '))
    .map((name) => [name.toLowerCase(), name]),
);

/** The known members under their own names, whichever case they came in; `null` is as absent, of two the last counts. */
function membersOf(value: unknown, what: string): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidCall(`decode data ${what} failed: it is not an object`);
  const members: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    const known = NAMES.get(name.toLowerCase());
    if (known !== undefined && member !== null) members[known] = member;
  }
  return members;
}

function textOf(members: Members, name: string): string {
  const value = members[name];
  if (value === undefined) return '';
  return typeof value === 'string' ? value : mismatch(name, 'a string');
}

function listOf(members: Members, name: string, limit = MAX_TERMS): readonly unknown[] {
  const value = members[name];
  if (value === undefined) return [];
  const list = Array.isArray(value) ? (value as unknown[]) : mismatch(name, 'a list');
  if (list.length > limit) throw tooMuch(limit);
  return list;
}

function int32Of(members: Members, name: string): number {
  const value = members[name] ?? 0;
  return typeof value === 'number' && (value | 0) === value ? value : mismatch(name, 'an integer of 32 bits');
}

function decodedText(members: Members, name: string): string {
  return decoded(textOf(members, name), name);
}

/** Go ignores line breaks in base64, and nothing else. */
function decoded(base64: string, name: string): string {
  const given = /[\r\n]/.test(base64) ? base64.replace(/[\r\n]/g, '') : base64;
  const bytes = Buffer.from(given, 'base64');
  if (bytes.toString('base64') !== given) throw invalidCall(`decode data query plan failed: ${name} is no base64`);
  return bytes.toString();
}

function mismatch(name: string, kind: string): never {
  throw invalidCall(`decode data query plan failed: ${name} must be ${kind}`);
}
