import { invoke, invokeJson } from '../invoke';
import { Json } from '../json/json';
import { Reply } from '../reply';
import { trim } from '../text';
import { doneJson, foundText, jsonOf, textPayload } from './decode';
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

/** A parameter that administrators keep in the host's table of parameters. */
export class SystemParameter {
  constructor(
    readonly key: string,
    readonly value: string,
    /** Whether it is managed by the system itself. */
    readonly systemManageable: bool,
    /** Key of a translation. */
    readonly labelKey: string,
    readonly label: string,
  ) {}
}

/** Parameters of the host; each key must be declared in plugin.yaml. */
export namespace system {
  export function get(key: string): Reply<SystemParameter> {
    const reply = invokeJson('hostconfig', 'sys_config.get', Json.object().set('key', key), key);
    const error = reply.error;
    if (error) return Reply.failed<SystemParameter>(error);
    const told = reply.value;
    return Reply.of<SystemParameter>(
      new SystemParameter(
        told.get('Key').asText(),
        told.get('Value').asText(),
        told.get('SystemManageable').asBool(),
        told.get('LabelKey').asText(),
        told.get('Label').asText(),
      ),
    );
  }

  export function set(key: string, value: string): Reply<bool> {
    const argument = Json.object().set('key', key).set('value', value);
    return doneJson(invokeJson('hostconfig', 'sys_config.value.set', argument, key));
  }

  /** As `set`, and says whether the system itself manages it. */
  export function setManaged(key: string, value: string, systemManageable: bool): Reply<bool> {
    const argument = Json.object().set('key', key).set('value', value).set('systemManageable', systemManageable);
    return doneJson(invokeJson('hostconfig', 'sys_config.value.set', argument, key));
  }

  /** Makes a parameter empty. */
  export function reset(key: string): Reply<bool> {
    return doneJson(invokeJson('hostconfig', 'sys_config.reset', Json.object().set('key', key), key));
  }
}
