/** Arguments of JSON methods as Go reads them: names in any letter case, unknown members ignored, absent or `null` is zero. */
import { decodeJsonRequest, jsonMember } from '../protocol/host-call.js';
import { wireInvalid } from '../protocol/wire.js';

export interface Arguments {
  /** @throws SBX_WIRE_INVALID when the member is something else. */
  readonly text: (name: string) => string;
  readonly integer: (name: string) => number;
  /** Undefined when it is absent. */
  readonly flag: (name: string) => boolean | undefined;
  readonly texts: (name: string) => readonly string[];
  /** The objects of a list. */
  readonly list: (name: string) => readonly Arguments[];
  readonly textMap: (name: string) => ReadonlyMap<string, string>;
  /** An object within; undefined when it is absent. */
  readonly member: (name: string) => Arguments | undefined;
}

/**
 * Reads the arguments of a JSON method (`spec/host-services.md` §1.6).
 * @throws SBX_WIRE_INVALID `decode capability JSON request failed: …`
 */
export function readArguments(payload: Uint8Array): Arguments {
  return argumentsOf(decodeJsonRequest(payload), 'the request');
}

/** `null` is an object without members. */
function argumentsOf(json: unknown, what: string): Arguments {
  if (Array.isArray(json) || (typeof json !== 'object' && json !== undefined)) throw mismatch(what, 'an object');
  const member = <T>(name: string, read: (value: unknown, name: string) => T, zero: T): T => {
    const value = jsonMember(json, name);
    return value === undefined ? zero : read(value, name);
  };
  return {
    text: (name) => member(name, readText, ''),
    integer: (name) => member(name, readInteger, 0),
    flag: (name) => member<boolean | undefined>(name, readFlag, undefined),
    texts: (name) => member(name, readTexts, []),
    list: (name) => member(name, readList, []),
    textMap: (name) => member(name, readTextMap, new Map()),
    member: (name) => member<Arguments | undefined>(name, argumentsOf, undefined),
  };
}

function readText(value: unknown, name: string): string {
  if (value === null) return '';
  if (typeof value !== 'string') throw mismatch(name, 'a string');
  return value;
}

function readInteger(value: unknown, name: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw mismatch(name, 'an integer');
  return value;
}

function readFlag(value: unknown, name: string): boolean {
  if (typeof value !== 'boolean') throw mismatch(name, 'a boolean');
  return value;
}

function readTexts(value: unknown, name: string): readonly string[] {
  if (!Array.isArray(value)) throw mismatch(name, 'a list of strings');
  return value.map((item: unknown) => readText(item, name));
}

function readList(value: unknown, name: string): readonly Arguments[] {
  if (!Array.isArray(value)) throw mismatch(name, 'a list of objects');
  return value.map((item: unknown) => argumentsOf(item, `an item of ${name}`));
}

function readTextMap(value: unknown, name: string): ReadonlyMap<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw mismatch(name, 'a map of strings');
  return new Map(Object.entries(value).map(([key, item]) => [key, readText(item, name)]));
}

function mismatch(name: string, kind: string) {
  return wireInvalid(`decode capability JSON request failed: ${name} must be ${kind}`);
}
