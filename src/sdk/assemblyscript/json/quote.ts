import { Writer } from '../wire/writer';

/** Writes a text as a JSON string literal in UTF-8. */
export function writeQuoted(text: string, out: Writer): void {
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
