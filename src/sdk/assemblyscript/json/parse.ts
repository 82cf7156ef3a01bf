import { encodeText } from '../text';
import { Json } from './json';

/** Values nested deeper than this are refused, because each level takes call stack. */
const MAX_DEPTH: i32 = 256;

/** Why the last parse gave null, such as `unexpected byte at 12`. */
export let jsonProblem: string = '';

/** Reads a JSON text (RFC 8259, strict); null when it is none, with the reason in `jsonProblem`. */
export function parseJson(text: string): Json | null {
  return parseJsonBytes(encodeText(text));
}

/** As `parseJson`, for a text in UTF-8. */
export function parseJsonBytes(bytes: Uint8Array): Json | null {
  const parser = new Parser(bytes);
  const value = parser.document();
  jsonProblem = value ? '' : parser.problem;
  return value;
}

class Parser {
  problem: string = '';
  private at: i32 = 0;
  private end: i32;

  constructor(private bytes: Uint8Array) {
    this.end = bytes.length;
  }

  document(): Json | null {
    const value = this.value(0);
    if (!value) return null;
    this.space();
    return this.at == this.end ? value : this.unexpected();
  }

  private value(depth: i32): Json | null {
    if (depth > MAX_DEPTH) return this.fail(`more than ${MAX_DEPTH} levels`);
    this.space();
    const byte = this.peek();
    if (byte == 0x7b) return this.object(depth);
    if (byte == 0x5b) return this.list(depth);
    if (byte == 0x22) return this.textValue();
    if (byte == 0x74) return this.word('true', Json.bool(true));
    if (byte == 0x66) return this.word('false', Json.bool(false));
    if (byte == 0x6e) return this.word('null', Json.null);
    return this.number();
  }

  private object(depth: i32): Json | null {
    const object = Json.object();
    this.at++;
    this.space();
    if (this.eat(0x7d)) return object;
    while (true) {
      this.space();
      if (this.peek() != 0x22) return this.unexpected();
      const name = this.text();
      if (name == null) return null;
      this.space();
      if (!this.eat(0x3a)) return this.unexpected();
      const value = this.value(depth + 1);
      if (!value) return null;
      object.set(name, value);
      this.space();
      if (this.eat(0x7d)) return object;
      if (!this.eat(0x2c)) return this.unexpected();
    }
  }

  private list(depth: i32): Json | null {
    const list = Json.list();
    this.at++;
    this.space();
    if (this.eat(0x5d)) return list;
    while (true) {
      const value = this.value(depth + 1);
      if (!value) return null;
      list.push(value);
      this.space();
      if (this.eat(0x5d)) return list;
      if (!this.eat(0x2c)) return this.unexpected();
    }
  }

  private textValue(): Json | null {
    const text = this.text();
    return text == null ? null : Json.text(text);
  }

  /** A string literal, decoded. Runs without escapes are decoded in one go. */
  private text(): string | null {
    let text = '';
    let run = ++this.at;
    while (this.at < this.end) {
      const byte = this.peek();
      if (byte == 0x22) {
        text += this.slice(run, this.at++);
        return text;
      }
      if (byte == 0x5c) {
        text += this.slice(run, this.at++);
        const unit = this.escape();
        if (unit < 0) break;
        text += String.fromCharCode(unit);
        run = this.at;
      } else if (byte < 0x20 || !this.character(byte)) {
        break;
      }
    }
    this.unexpected();
    return null;
  }

  /** The UTF-16 unit of the escape behind a backslash; −1 when it is none. */
  private escape(): i32 {
    const byte = this.peek();
    if (byte == 0x75) return this.hex();
    const index = '"\\/bfnrt'.indexOf(String.fromCharCode(byte));
    if (index < 0 || byte < 0) return -1;
    this.at++;
    return '"\\/\b\f\n\r\t'.charCodeAt(index);
  }

  private hex(): i32 {
    let unit = 0;
    for (let i = 0; i < 4; i++) {
      this.at++;
      const byte = this.peek();
      if (byte >= 0x30 && byte <= 0x39) unit = (unit << 4) | (byte - 0x30);
      else if ((byte | 32) >= 0x61 && (byte | 32) <= 0x66 && byte > 0) unit = (unit << 4) | ((byte | 32) - 0x57);
      else return -1;
    }
    this.at++;
    return unit;
  }

  /** Steps over one character; false when its bytes are not valid UTF-8. */
  private character(first: i32): bool {
    const start = this.at++;
    if (first < 0x80) return true;
    const more = first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2 : first >= 0xf0 && first < 0xf5 ? 3 : 0;
    if (more == 0) return this.back(start);
    const second = this.peek();
    const tooLow = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
    const tooHigh = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
    if (tooLow || tooHigh) return this.back(start);
    for (let i = 0; i < more; i++) {
      if ((this.peek() & 0xc0) != 0x80 || this.at >= this.end) return this.back(start);
      this.at++;
    }
    return true;
  }

  private back(start: i32): bool {
    this.at = start;
    return false;
  }

  /** `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?` */
  private number(): Json | null {
    const start = this.at;
    this.eat(0x2d);
    if (!this.eat(0x30) && !this.digits()) return this.unexpected();
    if (this.eat(0x2e) && !this.digits()) return this.unexpected();
    if (this.eat(0x65) || this.eat(0x45)) {
      if (!this.eat(0x2b)) this.eat(0x2d);
      if (!this.digits()) return this.unexpected();
    }
    return Json.number(this.slice(start, this.at));
  }

  private digits(): bool {
    const start = this.at;
    while (this.peek() >= 0x30 && this.peek() <= 0x39) this.at++;
    return this.at > start;
  }

  private word(word: string, value: Json): Json | null {
    for (let i = 0; i < word.length; i++) {
      if (!this.eat(word.charCodeAt(i))) return this.unexpected();
    }
    return value;
  }

  private space(): void {
    while (this.at < this.end) {
      const byte = this.peek();
      if (byte != 0x20 && byte != 0x0a && byte != 0x0d && byte != 0x09) return;
      this.at++;
    }
  }

  /** The byte at the position; −1 at the end. */
  private peek(): i32 {
    return this.at < this.end ? <i32>unchecked(this.bytes[this.at]) : -1;
  }

  private eat(byte: i32): bool {
    if (this.peek() != byte) return false;
    this.at++;
    return true;
  }

  private slice(start: i32, end: i32): string {
    return String.UTF8.decodeUnsafe(this.bytes.dataStart + start, end - start);
  }

  private unexpected(): Json | null {
    return this.fail(this.at < this.end ? `unexpected byte at ${this.at}` : 'unexpected end');
  }

  private fail(problem: string): Json | null {
    if (this.problem.length == 0) this.problem = problem;
    return null;
  }
}
