/** Keys of rows, from their JSON (`spec/host-services.md` §6.4). */
import { trimGo } from '../../protocol/text.js';
import type { SqlValue } from '../../store/dialect/values.js';
import type { Field } from './contract.js';
import { bytesToText, parse } from './plan.js';
import { invalidCall } from './refusals.js';
import { comparedOf, givenOf } from './values.js';

export interface Key {
  /** As it came. */
  readonly raw: string;
  /** As Go writes it again: numbers are doubles by now. */
  readonly json: string;
  /** As the column holds it. */
  readonly stored: SqlValue;
}

/** @throws SBX_WIRE_INVALID for what is no scalar, and for what the column's type cannot be */
export function readKey(keyJson: Uint8Array | string, field: Field): Key {
  const raw = typeof keyJson === 'string' ? keyJson : bytesToText(keyJson);
  if (trimGo(raw) === '') throw empty();
  const value = parse(raw, 'key');
  if (value === null) throw empty();
  if (typeof value === 'object') throw invalidCall('record store key must be a scalar');
  const stored = comparedOf(givenOf(value), field.column);
  return { raw, json: JSON.stringify(value), stored };
}

/** The key as a record has it. */
export function encodeKey({ stored }: Key, field: Field): string {
  return field.encode(readBack(stored, field));
}

function empty(): Error {
  return invalidCall('record store key cannot be empty');
}

/** What SQLite would give for the value. */
function readBack(stored: SqlValue, { column: { type } }: Field) {
  if (typeof stored !== 'bigint') return type === 'numeric' && stored !== null ? String(stored) : stored;
  return type === 'bigint' || type === 'numeric' ? String(stored) : Number(stored);
}
