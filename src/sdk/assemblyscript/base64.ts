import { decodeText } from './text';
import { Writer } from './wire/writer';

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

/** Padded standard base64 of bytes. */
export function encodeBase64(bytes: Uint8Array): string {
  const out = new Writer(((bytes.length + 2) / 3) * 4);
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const bits = (<i32>bytes[i] << 16) | (left > 1 ? <i32>bytes[i + 1] << 8 : 0) | (left > 2 ? <i32>bytes[i + 2] : 0);
    out.byte(letterOf(bits >> 18));
    out.byte(letterOf((bits >> 12) & 63));
    out.byte(left > 1 ? letterOf((bits >> 6) & 63) : 0x3d); // =
    out.byte(left > 2 ? letterOf(bits & 63) : 0x3d);
  }
  return decodeText(out.toBytes());
}

function letterOf(digit: i32): i32 {
  if (digit < 26) return digit + 65;
  if (digit < 52) return digit + 71;
  if (digit < 62) return digit - 4;
  return digit == 62 ? 43 : 47;
}

function digitOf(unit: i32): i32 {
  if (unit >= 65 && unit <= 90) return unit - 65;
  if (unit >= 97 && unit <= 122) return unit - 71;
  if (unit >= 48 && unit <= 57) return unit + 4;
  return unit == 43 ? 62 : unit == 47 ? 63 : -1;
}
