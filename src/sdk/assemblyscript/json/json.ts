import { decodeText } from '../text';
import { Writer } from '../wire/writer';
import { isInt64, parseInt64 } from './int64';
import { writeQuoted } from './quote';

export enum JsonKind {
  /** What `get` and `at` give for a member or element that is not there. Never written. */
  Missing,
  Null,
  Bool,
  Number,
  Text,
  List,
  Object,
}

/**
 * A JSON value. Reading never fails: what is not there is `Json.missing`, and the `as…` readers take a fallback for it and for
 * values of another kind. So `body.get('owner').get('name').asText('nobody')` is always a text.
 *
 * Numbers keep the literal they were read from, so that integers of 64 bits survive.
 */
export class Json {
  static readonly missing: Json = new Json(JsonKind.Missing);
  static readonly null: Json = new Json(JsonKind.Null);

  private constructor(
    readonly kind: JsonKind,
    /** The text, or the literal of a number or truth value. */
    readonly literal: string = '',
    private readonly items: Json[] = [],
    private readonly members: Map<string, Json> | null = null,
  ) {}

  static object(): Json {
    return new Json(JsonKind.Object, '', [], new Map<string, Json>());
  }

  static list(): Json {
    return new Json(JsonKind.List);
  }

  static text(value: string): Json {
    return new Json(JsonKind.Text, value);
  }

  static bool(value: bool): Json {
    return new Json(JsonKind.Bool, value ? 'true' : 'false');
  }

  static int(value: i64): Json {
    return new Json(JsonKind.Number, value.toString());
  }

  /** A number; NaN and infinities, which JSON does not have, become null. */
  static float(value: f64): Json {
    if (!isFinite<f64>(value)) return Json.null;
    const literal = value.toString();
    return Json.number(literal.endsWith('.0') ? literal.substring(0, literal.length - 2) : literal);
  }

  /** A number by its literal. */
  static number(literal: string): Json {
    return new Json(JsonKind.Number, literal);
  }

  /** The JSON value of a text, number, truth value, array of those, or Json itself. */
  static of<T>(value: T): Json {
    if (isNullable<T>()) {
      if (changetype<usize>(value) == 0) return Json.null;
    }
    if (isString<T>()) return Json.text(changetype<string>(value));
    if (isBoolean<T>()) return Json.bool(<bool>value);
    if (isInteger<T>()) return Json.int(<i64>value);
    if (isFloat<T>()) return Json.float(<f64>value);
    if (idof<T>() == idof<Json>()) return changetype<Json>(value);
    if (isArray<T>()) return listOf<valueof<T>>(changetype<Array<valueof<T>>>(value));
    ERROR('Json.of takes texts, numbers, truth values, arrays of them, and Json');
    return Json.null;
  }

  get isMissing(): bool {
    return this.kind == JsonKind.Missing;
  }

  get isNull(): bool {
    return this.kind == JsonKind.Null;
  }

  /** The member of an object; `Json.missing` when there is none or this is no object. */
  get(name: string): Json {
    const members = this.members;
    return members && members.has(name) ? members.get(name) : Json.missing;
  }

  has(name: string): bool {
    return !this.get(name).isMissing;
  }

  /** Names of an object's members, in the order in which they were set. */
  get names(): string[] {
    const members = this.members;
    return members ? members.keys() : [];
  }

  /** The element of a list; `Json.missing` when there is none. */
  at(index: i32): Json {
    return index >= 0 && index < this.items.length ? this.items[index] : Json.missing;
  }

  /** Number of elements of a list, of members of an object; else 0. */
  get length(): i32 {
    const members = this.members;
    return members ? members.size : this.items.length;
  }

  asText(fallback: string = ''): string {
    return this.kind == JsonKind.Text ? this.literal : fallback;
  }

  asBool(fallback: bool = false): bool {
    return this.kind == JsonKind.Bool ? this.literal == 'true' : fallback;
  }

  /** A whole number of 64 bits; the fallback for fractions and for what is too large. */
  asInt(fallback: i64 = 0): i64 {
    return this.isInt ? parseInt64(this.literal) : fallback;
  }

  asFloat(fallback: f64 = 0): f64 {
    return this.kind == JsonKind.Number ? F64.parseFloat(this.literal) : fallback;
  }

  /** Whether `asInt` has an answer of its own. */
  get isInt(): bool {
    return this.kind == JsonKind.Number && isInt64(this.literal);
  }

  /** Sets a member of an object: `Json.object().set('id', 7).set('tags', ['a', 'b'])`. */
  set<T>(name: string, value: T): Json {
    const members = this.members;
    assert(members != null, `JSON: ${name} was set on what is no object`);
    const member = Json.of<T>(value);
    if (!member.isMissing) members!.set(name, member);
    return this;
  }

  /** Appends an element to a list. */
  push<T>(value: T): Json {
    assert(this.kind == JsonKind.List, 'JSON: an element was pushed to what is no list');
    const element = Json.of<T>(value);
    this.items.push(element.isMissing ? Json.null : element);
    return this;
  }

  /** Compact JSON in UTF-8. Members keep their order. */
  toBytes(): Uint8Array {
    const out = new Writer(256);
    this.write(out);
    return out.toBytes();
  }

  toString(): string {
    return decodeText(this.toBytes());
  }

  private write(out: Writer): void {
    if (this.kind == JsonKind.Object) this.writeMembers(out);
    else if (this.kind == JsonKind.List) this.writeItems(out);
    else if (this.kind == JsonKind.Text) writeQuoted(this.literal, out);
    else if (this.kind == JsonKind.Number || this.kind == JsonKind.Bool) out.utf8(this.literal);
    else out.utf8('null');
  }

  private writeMembers(out: Writer): void {
    const names = this.names;
    out.byte(0x7b); // {
    for (let i = 0; i < names.length; i++) {
      if (i > 0) out.byte(0x2c); // ,
      writeQuoted(names[i], out);
      out.byte(0x3a); // :
      this.get(names[i]).write(out);
    }
    out.byte(0x7d); // }
  }

  private writeItems(out: Writer): void {
    out.byte(0x5b); // [
    for (let i = 0; i < this.items.length; i++) {
      if (i > 0) out.byte(0x2c);
      this.items[i].write(out);
    }
    out.byte(0x5d); // ]
  }
}

function listOf<T>(values: T[]): Json {
  const list = Json.list();
  for (let i = 0; i < values.length; i++) list.push<T>(values[i]);
  return list;
}
