/** Bytes of padded standard base64. Characters outside the alphabet end the text. */
export function decodeBase64(text: string): Uint8Array {
  const bytes = new Uint8Array((text.length * 3) / 4);
  let length = 0;
  let bits = 0;
  let held = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = digitOf(text.charCodeAt(i));
    if (digit < 0) break;
    bits = (bits << 6) | digit;
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes[length++] = <u8>(bits >> held);
    }
  }
  return bytes.subarray(0, length);
}

function digitOf(unit: i32): i32 {
  if (unit >= 65 && unit <= 90) return unit - 65;
  if (unit >= 97 && unit <= 122) return unit - 71;
  if (unit >= 48 && unit <= 57) return unit + 4;
  return unit == 43 ? 62 : unit == 47 ? 63 : -1;
}
