import { trim } from '../text';

/** Groups nested deeper than this are refused. */
const MAX_GROUP_DEPTH: i32 = 100;

/**
 * The reading half of the wire format. Fields are told apart by number only; the wire type of a known field is not looked at.
 * After a problem `next` is false and `problem` says what it was, in the words of the bridge.
 *
 *     while (reader.next()) {
 *       if (reader.field == 1) id = reader.text('id');
 *       else reader.skip();
 *     }
 */
export class Reader {
  problem: string = '';
  field: i32 = 0;
  private wireType: i32 = 0;
  private at: i32;
  private end: i32;

  /** Reads `bytes`; `message` is the name that problems carry, such as `bridge request`. */
  constructor(private bytes: Uint8Array, private message: string) {
    this.at = 0;
    this.end = bytes.length;
  }

  /** Moves to the next field; false at the end and after a problem. */
  next(): bool {
    if (this.problem.length > 0 || this.at >= this.end) return false;
    return this.tag() || this.fail(`failed to decode ${this.message} tag`);
  }

  text(name: string): string {
    const bytes = this.body(name);
    return String.UTF8.decodeUnsafe(bytes.dataStart, bytes.length);
  }

  /** A view of the input, not a copy. */
  body(name: string): Uint8Array {
    const bytes = this.chunk();
    if (bytes) return bytes;
    this.failField(name);
    return new Uint8Array(0);
  }

  i32(name: string): i32 {
    return <i32>this.u64(name);
  }

  u32(name: string): u32 {
    return <u32>this.u64(name);
  }

  bool(name: string): bool {
    return this.u64(name) > 0;
  }

  /** Adds an entry {1: key, 2: value}; an entry with a blank key is dropped. */
  textMapEntry(name: string, map: Map<string, string>): void {
    const entry = new Reader(this.body(name), 'string map entry');
    let key = '';
    let value = '';
    while (entry.next()) {
      if (entry.field == 1) key = entry.text('key');
      else if (entry.field == 2) value = entry.text('value');
      else entry.skip();
    }
    if (this.adopt(entry) && trim(key).length > 0) map.set(key, value);
  }

  /** Adds an entry {1: key, 2: each value}; a later entry of the same key replaces the earlier one. */
  listMapEntry(name: string, map: Map<string, string[]>): void {
    const entry = new Reader(this.body(name), 'string list entry');
    let key = '';
    const values: string[] = [];
    while (entry.next()) {
      if (entry.field == 1) key = entry.text('key');
      else if (entry.field == 2) values.push(entry.text('value'));
      else entry.skip();
    }
    if (this.adopt(entry) && trim(key).length > 0) map.set(key, values);
  }

  /** Takes over the problem of a nested reader; true when there is none. */
  adopt(nested: Reader): bool {
    if (this.problem.length == 0) this.problem = nested.problem;
    return this.problem.length == 0;
  }

  /** Steps over a field that nobody knows. */
  skip(): void {
    if (!this.skipValue(this.wireType, this.field, 0)) this.fail(`failed to skip unknown ${this.message} field`);
  }

  private u64(name: string): u64 {
    const value = this.varint();
    if (!this.truncated) return value;
    this.failField(name);
    return 0;
  }

  private failField(name: string): void {
    this.fail(`failed to decode ${this.message} ${name}`);
  }

  private fail(problem: string): bool {
    if (this.problem.length == 0) this.problem = problem;
    this.at = this.end;
    return false;
  }

  private tag(): bool {
    const tag = this.varint();
    if (this.truncated || tag >> 3 == 0 || tag >> 3 > 0x1fffffff) return false;
    this.field = <i32>(tag >> 3);
    this.wireType = <i32>(tag & 7);
    return true;
  }

  /** Whether the last varint ended too early or had more than 64 bits. */
  private truncated: bool = false;

  private varint(): u64 {
    let value: u64 = 0;
    for (let shift = 0; shift < 70 && this.at < this.end; shift += 7) {
      const byte = unchecked(this.bytes[this.at++]);
      if (shift == 63 && byte > 1) break;
      value |= <u64>(byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.truncated = false;
        return value;
      }
    }
    this.truncated = true;
    return 0;
  }

  private chunk(): Uint8Array | null {
    const length = this.varint();
    if (this.truncated || length > <u64>(this.end - this.at)) return null;
    const start = this.at;
    this.at += <i32>length;
    return this.bytes.subarray(start, this.at);
  }

  private skipValue(wireType: i32, field: i32, depth: i32): bool {
    if (wireType == 0) {
      this.varint();
      return !this.truncated;
    }
    if (wireType == 1) return this.advance(8);
    if (wireType == 2) return this.chunk() != null;
    if (wireType == 3) return depth < MAX_GROUP_DEPTH && this.skipGroup(field, depth + 1);
    return wireType == 5 && this.advance(4);
  }

  private skipGroup(field: i32, depth: i32): bool {
    while (this.at < this.end) {
      if (!this.tag()) return false;
      if (this.wireType == 4) return this.field == field;
      if (!this.skipValue(this.wireType, this.field, depth)) return false;
    }
    return false;
  }

  private advance(size: i32): bool {
    if (size > this.end - this.at) return false;
    this.at += size;
    return true;
  }
}
