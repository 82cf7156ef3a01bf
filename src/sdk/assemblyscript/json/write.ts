import { Json, JsonKind } from './json';
import { Writer } from '../wire/writer';

/** Writes a value as compact JSON in UTF-8. Members keep their order. */
export function writeJson(value: Json, out: Writer): void {
  if (value.kind == JsonKind.Object) writeObject(value, out);
  else if (value.kind == JsonKind.List) writeList(value, out);
  else if (value.kind == JsonKind.Text) writeText(value.literal, out);
  else if (value.kind == JsonKind.Number || value.kind == JsonKind.Bool) out.utf8(value.literal);
  else out.utf8('null');
}

function writeObject(value: Json, out: Writer): void {
  const names = value.names;
  out.byte(0x7b); // {
  for (let i = 0; i < names.length; i++) {
    if (i > 0) out.byte(0x2c); // ,
    writeText(names[i], out);
    out.byte(0x3a); // :
    writeJson(value.get(names[i]), out);
  }
  out.byte(0x7d); // }
}

function writeList(value: Json, out: Writer): void {
  out.byte(0x5b); // [
  for (let i = 0; i < value.length; i++) {
    if (i > 0) out.byte(0x2c);
    writeJson(value.at(i), out);
  }
  out.byte(0x5d); // ]
}

function writeText(text: string, out: Writer): void {
  out.byte(0x22); // "
  let plain = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (isPair(text, i)) {
      i++;
    } else if (mustEscape(unit)) {
      if (plain < i) out.utf8(text.substring(plain, i));
      out.utf8(escape(unit));
      plain = i + 1;
    }
  }
  if (plain < text.length) out.utf8(plain == 0 ? text : text.substring(plain));
  out.byte(0x22);
}

/** Whether a whole surrogate pair begins at `i`; half of one is escaped, because UTF-8 cannot say it. */
function isPair(text: string, i: i32): bool {
  if ((text.charCodeAt(i) & 0xfc00) != 0xd800 || i + 1 >= text.length) return false;
  return (text.charCodeAt(i + 1) & 0xfc00) == 0xdc00;
}

function mustEscape(unit: i32): bool {
  return unit < 0x20 || unit == 0x22 || unit == 0x5c || (unit & 0xf800) == 0xd800;
}

function escape(unit: i32): string {
  if (unit == 0x22) return '\\"';
  if (unit == 0x5c) return '\\\\';
  if (unit == 0x08) return '\\b';
  if (unit == 0x09) return '\\t';
  if (unit == 0x0a) return '\\n';
  if (unit == 0x0c) return '\\f';
  if (unit == 0x0d) return '\\r';
  return '\\u' + unit.toString(16).padStart(4, '0');
}
