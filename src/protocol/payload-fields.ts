/**
 * Words to describe a message in: the kinds of fields that the reference's codecs know, and what is special about one. The
 * table made of them (`payload-table.ts`) is at once the codec, the TypeScript type and the JSON form of a message.
 */
import { NO_BYTES } from './wire.js';
import { type ListMap, NO_ENTRIES, type StringMap } from './wire-map.js';

export type Kind =
  | 'string'
  | 'bytes'
  | 'bool'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'stringMap'
  | 'listMap'
  | 'message'
  | 'strings'
  | 'bytesList'
  | 'int64List'
  | 'messages';

/** A field whose decoded value is a `V` and that is encoded from an `I`. */
export interface Field<V, I> {
  readonly number: number;
  readonly kind: Kind;
  /** What an absent field decodes to. */
  readonly zero: V;
  /** Strings only: the encoder trims. */
  readonly trims?: boolean;
  /** Integers: the encoder leaves out negative values too. Messages of a list: empty ones. */
  readonly drops?: boolean;
  /** In the JSON form the member is there even when it is zero. */
  readonly always?: boolean;
  /** What could not be decoded, in errors; by default the message's name and the field's. */
  readonly label?: string;
  /** The message of a `message` or `messages` field. */
  readonly message?: Message;
  /** Only for the compiler: what the encoder takes. */
  readonly input?: I;
}

export type AnyField = Field<unknown, unknown>;
export type Fields = Readonly<Record<string, AnyField>>;

export interface Message<F extends Fields = Fields> {
  /** Name in errors, as `state get request`. */
  readonly name: string;
  /** Name in the error about an unknown field, where the reference uses another. */
  readonly unknownName: string;
  readonly fields: F;
  readonly byNumber: readonly (readonly [key: string, field: AnyField, label: string] | undefined)[];
  /** Every field's zero, to start decoding from. */
  readonly zeros: Readonly<Record<string, unknown>>;
}

/** A decoded message: every member is there. */
export type ValueOf<F extends Fields> = { [K in keyof F]: F[K] extends Field<infer V, infer _I> ? V : never };

/** What a message is encoded from: an absent member is zero. */
export type InputOf<F extends Fields> = {
  readonly [K in keyof F]?: (F[K] extends Field<infer _V, infer I> ? I : never) | undefined;
};

export function message<F extends Fields>(name: string, fields: F, unknownName = name): Message<F> {
  const byNumber: [string, AnyField, string][] = [];
  const zeros: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(fields)) {
    byNumber[field.number] = [key, field, field.label ?? `${name} ${key}`];
    zeros[key] = field.zero;
  }
  return { name, unknownName, fields, byNumber, zeros };
}

type Plain<T> = Field<T, T>;
type Integer = number | bigint;

const EMPTY: readonly never[] = Object.freeze([]);

/** A string that is written as it is. */
export const string = (number: number): Plain<string> => ({ number, kind: 'string', zero: '' });
/** A string that the encoder trims. */
export const trimmed = (number: number): Plain<string> => ({ number, kind: 'string', zero: '', trims: true });
export const bytes = (number: number): Plain<Uint8Array> => ({ number, kind: 'bytes', zero: NO_BYTES });
export const bool = (number: number): Plain<boolean> => ({ number, kind: 'bool', zero: false });
export const int32 = (number: number): Plain<number> => ({ number, kind: 'int32', zero: 0 });
export const uint32 = (number: number): Plain<number> => ({ number, kind: 'uint32', zero: 0 });
/** A number where that is exact, a bigint beyond ±(2^53 − 1). */
export const int64 = (number: number): Plain<Integer> => ({ number, kind: 'int64', zero: 0 });
export const stringMap = (number: number): Plain<StringMap> => ({ number, kind: 'stringMap', zero: NO_ENTRIES });
export const listMap = (number: number): Plain<ListMap> => ({ number, kind: 'listMap', zero: NO_ENTRIES });
/** Strings as they are; empty ones are left out by the encoder. */
export const strings = (number: number): Plain<readonly string[]> => ({ number, kind: 'strings', zero: EMPTY });
/** Strings that the encoder trims; blank ones are left out. */
export const trimmedStrings = (number: number): Plain<readonly string[]> => ({ ...strings(number), trims: true });
/** Byte strings; empty ones are left out by the encoder. */
export const bytesList = (number: number): Plain<readonly Uint8Array[]> => ({
  number,
  kind: 'bytesList',
  zero: EMPTY,
});
/** Integers, of which the encoder writes the positive ones. */
export const int64List = (number: number): Plain<readonly Integer[]> => ({ number, kind: 'int64List', zero: EMPTY });

/** A nested message; present even when all of it is zero. */
export function nested<F extends Fields>(
  number: number,
  of: Message<F>,
): Field<ValueOf<F> | undefined, InputOf<F> | null> {
  return { number, kind: 'message', zero: undefined, message: of as unknown as Message };
}

/** A list of nested messages; nulls are left out by the encoder. */
export function messages<F extends Fields>(
  number: number,
  of: Message<F>,
): Field<readonly ValueOf<F>[], readonly (InputOf<F> | null)[]> {
  return { number, kind: 'messages', zero: EMPTY, message: of as unknown as Message };
}

/** The member is in the JSON form even when it is zero. */
export const always = <V, I>(field: Field<V, I>): Field<V, I> => ({ ...field, always: true });
/** The encoder leaves out negative integers, or empty messages of a list. */
export const dropped = <V, I>(field: Field<V, I>): Field<V, I> => ({ ...field, drops: true });
/** Errors name the field so. */
export const labelled = <V, I>(label: string, field: Field<V, I>): Field<V, I> => ({ ...field, label });
