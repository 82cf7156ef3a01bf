/**
 * Removes white space at both ends, as Go's `strings.TrimSpace` does. It differs from `String.trim`: U+0085 is white space
 * and U+FEFF is not.
 */
export function trim(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return end - start == text.length ? text : text.substring(start, end);
}

function isSpace(unit: i32): bool {
  if (unit < 0x85) return unit == 0x20 || (unit >= 0x09 && unit <= 0x0d);
  return (
    unit == 0x85 || unit == 0xa0 || unit == 0x1680 || (unit >= 0x2000 && unit <= 0x200a) ||
    unit == 0x2028 || unit == 0x2029 || unit == 0x202f || unit == 0x205f || unit == 0x3000
  );
}

/** Orders texts by their UTF-8 bytes, which is the order of code points and not that of UTF-16 units. */
export function compareBytes(a: string, b: string): i32 {
  const length = min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left != right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points behind U+FFFF, so they come after every other unit. */
function rank(unit: i32): i32 {
  return (unit & 0xf800) == 0xd800 ? unit + 0x10000 : unit;
}

/** The UTF-8 bytes of a text. Half a surrogate pair becomes U+FFFD. */
export function encodeText(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text, false, String.UTF8.ErrorMode.REPLACE));
}

/** The text of UTF-8 bytes. The bytes are not validated. */
export function decodeText(bytes: Uint8Array): string {
  return String.UTF8.decodeUnsafe(bytes.dataStart, bytes.length);
}

/** Text that is safe inside HTML elements and quoted attributes. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
