/** Whether a JSON number literal is an integer between −2^63 and 2^63 − 1. */
export function isInt64(literal: string): bool {
  const start = literal.startsWith('-') ? 1 : 0;
  const digits = literal.length - start;
  if (digits == 0 || digits > 19) return false;
  for (let i = start; i < literal.length; i++) {
    const unit = literal.charCodeAt(i);
    if (unit < 48 || unit > 57) return false;
  }
  if (digits < 19) return true;
  return literal.substring(start) <= (start == 1 ? '9223372036854775808' : '9223372036854775807');
}

/** The integer of a literal that `isInt64` accepts. */
export function parseInt64(literal: string): i64 {
  const negative = literal.startsWith('-');
  let value: i64 = 0;
  for (let i = negative ? 1 : 0; i < literal.length; i++) value = value * 10 + (literal.charCodeAt(i) - 48);
  return negative ? -value : value;
}
