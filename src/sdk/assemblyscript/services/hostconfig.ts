import { invoke } from '../invoke';
import { Json } from '../json/json';
import { Reply } from '../reply';
import { trim } from '../text';
import { foundText, jsonOf, textPayload } from './decode';
import { boolSetting, durationSetting, intSetting, textSetting } from './setting';

/** The value of one of the host's settings, which must be declared in plugin.yaml; `Json.missing` when it is not set. */
export function get(key: string): Reply<Json> {
  const reply = invoke('hostconfig', 'get', key, '', textPayload(trim(key)));
  return jsonOf(foundText(reply, 'host service config get response'));
}

export function getString(key: string, fallback: string = ''): Reply<string> {
  return textSetting(key, get(key), fallback);
}

export function getBool(key: string, fallback: bool = false): Reply<bool> {
  return boolSetting(key, get(key), fallback);
}

export function getInt(key: string, fallback: i64 = 0): Reply<i64> {
  return intSetting(key, get(key), fallback);
}

/** A duration such as `45s`, in milliseconds. */
export function getDurationMs(key: string, fallbackMs: i64 = 0): Reply<i64> {
  return durationSetting(key, get(key), fallbackMs);
}
