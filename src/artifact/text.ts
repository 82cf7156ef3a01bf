/** The text rules of the artifact format, which are Go's: what is blank, how case is mapped, how strings are ordered. */
import { trimGo as trim } from '../protocol/text.js';

export { trim };

export function isBlank(text: string): boolean {
  return trim(text) === '';
}

/** Trims, then maps each code point to its one lower-case code point. */
export function lower(text: string): string {
  const trimmed = trim(text);
  return isAscii(trimmed) ? trimmed.toLowerCase() : Array.from(trimmed, lowerOne).join('');
}

/** Trims, then maps each code point to its one upper-case code point, so `ß` stays `ß`. */
export function upper(text: string): string {
  const trimmed = trim(text);
  return isAscii(trimmed) ? trimmed.toUpperCase() : Array.from(trimmed, upperOne).join('');
}

/** Orders by UTF-8 bytes. UTF-16 order, JavaScript's own, differs above U+FFFF. */
export function compareBytes(left: string, right: string): number {
  if (left === right) return 0;
  if (isAscii(left) && isAscii(right)) return left < right ? -1 : 1;
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

/** The first value that occurs a second time. */
export function firstDuplicate(values: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return values.find((value) => seen.size === seen.add(value).size);
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}

function lowerOne(point: string): string {
  if (point === 'İ') return 'i';
  return keepOne(point, point.toLowerCase());
}

function upperOne(point: string): string {
  return keepOne(point, point.toUpperCase());
}

function keepOne(point: string, mapped: string): string {
  return Array.from(mapped).length === 1 ? mapped : point;
}
