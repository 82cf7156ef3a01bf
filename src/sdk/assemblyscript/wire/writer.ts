import { compareBytes, trim } from '../text';

/** Bytes that grow at their end, and the writing half of the wire format: fields in protobuf encoding. */
export class Writer {
  private buffer: ArrayBuffer;
  /** Number of bytes written. */
  length: i32 = 0;

  constructor(capacity: i32 = 64) {
    this.buffer = new ArrayBuffer(capacity);
  }

  /** Begins anew in the same memory; what `toBytes` gave is overwritten. */
  clear(capacity: i32): void {
    if (capacity > this.buffer.byteLength) this.buffer = new ArrayBuffer(capacity);
    this.length = 0;
  }

  /** What was written, without a copy: write no more afterwards. */
  toBytes(): Uint8Array {
    return Uint8Array.wrap(this.buffer, 0, this.length);
  }

  byte(value: i32): void {
    store<u8>(this.reserve(1), value);
  }

  raw(bytes: Uint8Array): void {
    memory.copy(this.reserve(bytes.length), bytes.dataStart, bytes.length);
  }

  /** UTF-8 bytes of a text; half a surrogate pair becomes U+FFFD. */
  utf8(text: string): void {
    const at = this.reserve(String.UTF8.byteLength(text));
    String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, at, false, String.UTF8.ErrorMode.REPLACE);
  }

  varint(value: u64): void {
    while (value > 0x7f) {
      this.byte(<i32>(value & 0x7f) | 0x80);
      value >>= 7;
    }
    this.byte(<i32>value);
  }

  /** A number, left out when 0. Negative ones take ten bytes. */
  int(field: i32, value: i64): void {
    if (value == 0) return;
    this.tag(field, 0);
    this.varint(<u64>value);
  }

  bool(field: i32, value: bool): void {
    this.int(field, value ? 1 : 0);
  }

  /** A trimmed text, left out when blank. */
  trimmed(field: i32, text: string): void {
    this.text(field, trim(text));
  }

  /** A text as it is, left out when empty. */
  text(field: i32, text: string): void {
    if (text.length > 0) this.textEvenEmpty(field, text);
  }

  textEvenEmpty(field: i32, text: string): void {
    this.tag(field, 2);
    this.varint(String.UTF8.byteLength(text));
    this.utf8(text);
  }

  /** Bytes, left out when there are none. */
  bytes(field: i32, bytes: Uint8Array): void {
    if (bytes.length > 0) this.message(field, bytes);
  }

  /** A nested message, written even when it is empty. */
  message(field: i32, body: Uint8Array): void {
    this.tag(field, 2);
    this.varint(body.length);
    this.raw(body);
  }

  /** Entries {1: key, 2: value}, both trimmed and always present, in byte order of the untrimmed keys. */
  textMap(field: i32, map: Map<string, string>): void {
    const keys = map.keys().sort(compareBytes);
    for (let i = 0; i < keys.length; i++) {
      const entry = new Writer();
      entry.textEvenEmpty(1, trim(keys[i]));
      entry.textEvenEmpty(2, trim(map.get(keys[i])));
      this.message(field, entry.toBytes());
    }
  }

  /** Entries {1: key, 2: each value}, as `textMap`; a key without values stands alone. */
  listMap(field: i32, map: Map<string, string[]>): void {
    const keys = map.keys().sort(compareBytes);
    for (let i = 0; i < keys.length; i++) {
      const entry = new Writer();
      entry.textEvenEmpty(1, trim(keys[i]));
      const values = map.get(keys[i]);
      for (let j = 0; j < values.length; j++) entry.textEvenEmpty(2, trim(values[j]));
      this.message(field, entry.toBytes());
    }
  }

  private tag(field: i32, wireType: i32): void {
    this.varint(<u64>((field << 3) | wireType));
  }

  /** Makes room for `size` more bytes and returns the address of the first. */
  private reserve(size: i32): usize {
    const start = this.length;
    const needed = start + size;
    if (needed > this.buffer.byteLength) {
      const larger = new ArrayBuffer(max(needed, this.buffer.byteLength << 1));
      memory.copy(changetype<usize>(larger), changetype<usize>(this.buffer), start);
      this.buffer = larger;
    }
    this.length = needed;
    return changetype<usize>(this.buffer) + start;
  }
}
