import { trim } from '../text';

/** Groups nested deeper than this are refused. */
// @ts-ignore: decorator
@inline const MAX_GROUP_DEPTH: i32 = 100;

/**
 * The reading half of the wire format. Fields are told apart by number only; the wire type of a known field is not looked at.
 * After a problem `next` is false and `problem` says what it was, in the words of the bridge.
 *
 *     while (reader.next()) {
 *       if (reader.field == 1) id = reader.text('id');
 *       else reader.skip();
 *     }
 *
 * It works on addresses and makes no objects of its own: allocation is most of what a request costs.
 */
export class Reader {
  problem: string = '';
  field: i32 = 0;
  private wireType: i32 = 0;
  private at: usize;
  private end: usize;
  /** The last length-delimited value. */
  private spanStart: usize = 0;
  private spanEnd: usize = 0;
  /** Whether the last varint ended too early or had more than 64 bits. */
  private truncated: bool = false;

  /** Reads `bytes`; `message` is the name that problems carry, such as `bridge request`. */
  constructor(private readonly bytes: Uint8Array, private message: string) {
    this.at = bytes.dataStart;
    this.end = bytes.dataStart + bytes.length;
  }

  /** Moves to the next field; false at the end and after a problem. */
  next(): bool {
    if (this.problem.length > 0 || this.at >= this.end) return false;
    return this.tag() || this.fail(`failed to decode ${this.message} tag`);
  }

  text(name: string): string {
    if (!this.pass(name) || this.spanStart == this.spanEnd) return '';
    return String.UTF8.decodeUnsafe(this.spanStart, this.spanEnd - this.spanStart);
  }

  /** A view of the input, not a copy. */
  body(name: string): Uint8Array {
    if (!this.pass(name)) return new Uint8Array(0);
    const start = this.bytes.dataStart;
    return this.bytes.subarray(<i32>(this.spanStart - start), <i32>(this.spanEnd - start));
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

  u64(name: string): u64 {
    const value = this.varint();
    if (this.truncated) this.failField(name);
    return value;
  }

  /** Adds an entry {1: key, 2: value}; an entry with a blank key is dropped. */
  textMapEntry(name: string, map: Map<string, string>): void {
    const outer = this.enter(name, 'string map entry');
    let key = '';
    let value = '';
    while (this.next()) {
      if (this.field == 1) key = this.text('key');
      else if (this.field == 2) value = this.text('value');
      else this.skip();
    }
    if (this.leave(outer) && trim(key).length > 0) map.set(key, value);
  }

  /** Adds an entry {1: key, 2: each value}; a later entry of the same key replaces the earlier one. */
  listMapEntry(name: string, map: Map<string, string[]>): void {
    const outer = this.enter(name, 'string list entry');
    let key = '';
    const values: string[] = [];
    while (this.next()) {
      if (this.field == 1) key = this.text('key');
      else if (this.field == 2) values.push(this.text('value'));
      else this.skip();
    }
    if (this.leave(outer) && trim(key).length > 0) map.set(key, values);
  }

  /** Steps over an entry of a map and finds its problems; `message` as the entry's reader would call it. */
  passEntry(name: string, message: string): void {
    const outer = this.enter(name, message);
    while (this.next()) {
      if (this.field == 1) this.pass('key');
      else if (this.field == 2) this.pass('value');
      else this.skip();
    }
    this.leave(outer);
  }

  /** Steps over a length-delimited value; false when it is truncated. */
  pass(name: string): bool {
    return this.span() || this.failField(name);
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

  /** What `leave` needs to go on behind a nested message. */
  private outerMessage: string = '';

  /** Goes into a nested message, one level deep; returns the end of the outer one. */
  private enter(name: string, message: string): usize {
    const outerEnd = this.end;
    this.outerMessage = this.message;
    if (!this.pass(name)) return outerEnd;
    this.at = this.spanStart;
    this.end = this.spanEnd;
    this.message = message;
    return outerEnd;
  }

  private leave(outerEnd: usize): bool {
    this.end = outerEnd;
    this.message = this.outerMessage;
    return this.problem.length == 0;
  }

  private failField(name: string): bool {
    return this.fail(`failed to decode ${this.message} ${name}`);
  }

  private fail(problem: string): bool {
    if (this.problem.length == 0) this.problem = problem;
    return false;
  }

  private tag(): bool {
    const tag = this.varint();
    if (this.truncated || tag >> 3 == 0 || tag >> 3 > 0x1fffffff) return false;
    this.field = <i32>(tag >> 3);
    this.wireType = <i32>(tag & 7);
    return true;
  }

  private varint(): u64 {
    this.truncated = false;
    let at = this.at;
    const end = this.end;
    let value: u64 = 0;
    for (let shift = 0; shift < 70 && at < end; shift += 7) {
      const byte = load<u8>(at++);
      if (shift == 63 && byte > 1) break;
      value |= <u64>(byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.at = at;
        return value;
      }
    }
    this.truncated = true;
    return 0;
  }

  /** Reads a length and steps over so many bytes. */
  private span(): bool {
    const length = this.varint();
    if (this.truncated || length > <u64>(this.end - this.at)) return false;
    this.spanStart = this.at;
    this.spanEnd = this.at + <usize>length;
    this.at = this.spanEnd;
    return true;
  }

  private skipValue(wireType: i32, field: i32, depth: i32): bool {
    if (wireType == 0) {
      this.varint();
      return !this.truncated;
    }
    if (wireType == 1) return this.advance(8);
    if (wireType == 2) return this.span();
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

  private advance(size: usize): bool {
    if (size > this.end - this.at) return false;
    this.at += size;
    return true;
  }
}
