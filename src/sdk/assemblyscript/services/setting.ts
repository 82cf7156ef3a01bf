import { Json } from '../json/json';
import { HostError, Reply } from '../reply';

/** The setting as text, `fallback` when it is not set. A setting of another kind is an error, not the fallback. */
export function textSetting(key: string, setting: Reply<Json>, fallback: string): Reply<string> {
  const error = setting.error;
  if (error) return Reply.failed<string>(error);
  const value = setting.value;
  if (value.isMissing) return Reply.of<string>(fallback);
  return isText(value) ? Reply.of<string>(value.asText()) : wrongKind<string>(key, 'a text');
}

export function boolSetting(key: string, setting: Reply<Json>, fallback: bool): Reply<bool> {
  const error = setting.error;
  if (error) return Reply.failed<bool>(error);
  const value = setting.value;
  if (value.isMissing) return Reply.of<bool>(fallback);
  return value.asBool(true) == value.asBool(false) ? Reply.of<bool>(value.asBool()) : wrongKind<bool>(key, 'true or false');
}

export function intSetting(key: string, setting: Reply<Json>, fallback: i64): Reply<i64> {
  const error = setting.error;
  if (error) return Reply.failed<i64>(error);
  const value = setting.value;
  if (value.isMissing) return Reply.of<i64>(fallback);
  return value.isInt ? Reply.of<i64>(value.asInt()) : wrongKind<i64>(key, 'a whole number');
}

/** A duration such as `45s`, `1h30m` or `250ms`, in milliseconds. */
export function durationSetting(key: string, setting: Reply<Json>, fallbackMs: i64): Reply<i64> {
  const error = setting.error;
  if (error) return Reply.failed<i64>(error);
  const value = setting.value;
  if (value.isMissing) return Reply.of<i64>(fallbackMs);
  const ms = durationMs(value.asText());
  return isNaN<f64>(ms) ? wrongKind<i64>(key, 'a duration such as 45s') : Reply.of<i64>(<i64>ms);
}

function isText(value: Json): bool {
  return value.asText('a') == value.asText('b');
}

function wrongKind<T>(key: string, kind: string): Reply<T> {
  return Reply.failed<T>(HostError.local(3, `setting ${key} is not ${kind}`));
}

/** Milliseconds of a duration in Go's syntax; NaN when it is none. */
function durationMs(text: string): f64 {
  let rest = text.startsWith('-') ? text.substring(1) : text;
  if (rest.length == 0) return NaN;
  if (rest == '0') return 0;
  let total: f64 = 0;
  while (rest.length > 0) {
    const digits = spanOf(rest, true);
    const unit = spanOf(rest.substring(digits), false);
    const factor = unitMs(rest.substring(digits, digits + unit));
    const amount = F64.parseFloat(rest.substring(0, digits));
    if (digits == 0 || isNaN<f64>(amount) || factor == 0) return NaN;
    total += amount * factor;
    rest = rest.substring(digits + unit);
  }
  return text.startsWith('-') ? -total : total;
}

/** Length of the run of digits and points, or of other characters, that a text begins with. */
function spanOf(text: string, digits: bool): i32 {
  let length = 0;
  while (length < text.length) {
    const unit = text.charCodeAt(length);
    if (((unit >= 48 && unit <= 57) || unit == 46) != digits) break;
    length++;
  }
  return length;
}

function unitMs(unit: string): f64 {
  if (unit == 'h') return 3600000;
  if (unit == 'm') return 60000;
  if (unit == 's') return 1000;
  if (unit == 'ms') return 1;
  if (unit == 'us' || unit == 'µs') return 0.001;
  return unit == 'ns' ? 0.000001 : 0;
}
