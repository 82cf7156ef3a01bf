/** `hack/config.yaml`, key `wasm`: how a plugin is built, and what no other file of it declares (`spec/artifact.md` §3.3). */
import type { RawBridge } from './bridge.js';
import { type Decoder, entries, list, lookup, notNull, object, text } from './decode.js';
import { decodeHooks, type RawHook } from './hooks.js';
import { isArray, isObject, type JsonObject, type JsonValue } from './json.js';
import { decodeLifecycle, isLifecycleOperation, type LifecycleContract, lifecyclePath } from './lifecycle.js';
import { parseYaml } from './manifest.js';
import { packFailed } from './pack-tree.js';
import { decodeRoutes, type RawRoute } from './routes.js';
import { decodeTableResources, type RawTableResource } from './table-resources.js';
import { isBlank, trim } from './text.js';

/** How the module comes about. */
export type BuildStep =
  | { readonly language: 'assemblyscript'; readonly entry: string }
  | { readonly language: 'go'; readonly package: string }
  | { readonly command: readonly string[]; readonly output: string };

export interface PackConfig {
  readonly build?: BuildStep;
  readonly routes: readonly RawRoute[];
  readonly lifecycle: readonly LifecycleContract[];
  readonly hooks: readonly RawHook[];
  readonly resources: readonly RawTableResource[];
  /** Laid over the bridge that the plugin would have. */
  readonly bridge: Partial<RawBridge>;
  readonly warnings: readonly string[];
}

const FILE = 'hack/config.yaml';
const KEYS: readonly string[] = ['build', 'routes', 'lifecycle', 'hooks', 'resources', 'bridge'];

/** Reads the file's text; without a file nothing is declared. @throws SBX_PACK_FAILED SBX_ARTIFACT_INVALID */
export function parsePackConfig(source: string | undefined): PackConfig {
  if (source !== undefined && isBlank(source)) throw packFailed(`${FILE} is empty`);
  const wasm = source === undefined ? new Map() : wasmOf(parseYaml(source, FILE));
  const get = lookup(wasm);
  const build = readBuild(get('build'));
  const unknown = [...wasm.keys()].filter((key) => !KEYS.some((known) => known === key.toLowerCase()));
  return {
    ...(build && { build }),
    routes: decodeRoutes(get('routes'), 'wasm.routes'),
    lifecycle: readLifecycle(get('lifecycle')),
    hooks: readHooks(get('hooks')),
    resources: decodeTableResources(get('resources'), 'wasm.resources'),
    bridge: readBridge(get('bridge')),
    warnings: unknown.map((key) => `${FILE}: wasm.${key} is unknown and does nothing`),
  };
}

/**
 * Reads a duration as Go writes it, such as `500ms`, `3s` or `1m30s`.
 * @returns milliseconds, whole and above 0.
 * @throws SBX_PACK_FAILED
 */
export function parseDuration(written: string, at: string): number {
  const duration = trim(written);
  const parts = [...duration.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)];
  const sign = /^[+-]/.exec(duration)?.[0] ?? '';
  const covered = parts.reduce((length, [part]) => length + part.length, sign.length);
  if (duration !== '0' && (parts.length === 0 || covered !== duration.length)) {
    throw packFailed(`${at} must include a valid unit, such as 500ms or 3s: ${written}`);
  }
  const ns = parts.reduce((total, [, amount, unit]) => total + Number(amount) * NANOSECONDS[unit!]!, 0);
  if (sign === '-' || ns <= 0) throw packFailed(`${at} must be greater than 0: ${written}`);
  const ms = Math.round(ns) / NANOSECONDS.ms!;
  if (!Number.isInteger(ms)) throw packFailed(`${at} must have millisecond precision: ${written}`);
  return ms;
}

const NANOSECONDS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

function wasmOf(value: JsonValue): JsonObject {
  if (!isObject(value)) throw packFailed(`${FILE} must be a mapping`);
  const wasm = value.get('wasm') ?? null;
  if (wasm !== null && !isObject(wasm)) throw packFailed(`${FILE}: wasm must be a mapping`);
  return wasm ?? new Map();
}

const decodeBuild = object({
  language: ['language', text],
  entry: ['entry', text],
  package: ['package', text],
  command: ['command', list(notNull(text))],
  output: ['output', text],
});

function readBuild(value: JsonValue | undefined): BuildStep | undefined {
  if (value === undefined || value === null) return undefined;
  const { language, entry, package: goPackage, command, output } = decodeBuild(value, 'wasm.build');
  if (command.length > 0) {
    if (isBlank(output))
      throw packFailed(`${FILE}: wasm.build.command needs wasm.build.output, the file that it writes`);
    return { command, output };
  }
  if (language === 'assemblyscript') return { language, entry: entry || 'assembly/index.ts' };
  if (language === 'go') return { language, package: goPackage || '.' };
  throw packFailed(
    `${FILE}: wasm.build.language is assemblyscript or go, or there is a wasm.build.command: ${language}`,
  );
}

// ---- hooks -----------------------------------------------------------------------------------------------------------------

const HOOK_KEYS: readonly string[] = ['event', 'action', 'mode', 'table', 'fields', 'timeout', 'sleep', 'errorMessage'];

function readHooks(value: JsonValue | undefined): readonly RawHook[] {
  if (!isArray(value)) return decodeHooks(value, 'wasm.hooks');
  const durations = value.map((hook, index) => {
    if (!isObject(hook)) return hook;
    const unknown = [...hook.keys()].find((key) => !HOOK_KEYS.includes(key));
    if (unknown !== undefined) throw packFailed(`plugin hook config field is not supported: ${unknown}`);
    return withMilliseconds(hook, { timeout: 'timeoutMs', sleep: 'sleepMs' }, `wasm.hooks[${index}]`);
  });
  return decodeHooks(durations, 'wasm.hooks');
}

/** The object with durations under the names and in the unit of its section. */
function withMilliseconds(value: JsonObject, names: Readonly<Record<string, string>>, at: string): JsonObject {
  return new Map(
    Array.from(value, ([key, item]): [string, JsonValue] => {
      const target = Object.hasOwn(names, key) ? names[key] : undefined;
      if (target === undefined || item === null) return [key, item];
      return [target, { literal: String(parseDuration(text(item, `${at}.${key}`), `${at}.${key}`)), loose: false }];
    }),
  );
}

// ---- lifecycle -------------------------------------------------------------------------------------------------------------

/** A list of contracts; or a mapping with `contracts`, and `timeouts` of the reference's form beside them. */
function readLifecycle(value: JsonValue | undefined): readonly LifecycleContract[] {
  if (!isObject(value)) return readContracts(value, 'wasm.lifecycle');
  const contracts = readContracts(value.get('contracts'), 'wasm.lifecycle.contracts');
  const timeouts = new Map(readTimeouts(value.get('timeouts'), 'wasm.lifecycle.timeouts'));
  for (const operation of timeouts.keys()) {
    if (contracts.some((contract) => contract.operation === operation)) continue;
    throw packFailed(`lifecycle timeout for ${operation} has no matching handler`);
  }
  return contracts.map((contract) => ({
    ...contract,
    timeoutMs: timeouts.get(contract.operation) ?? contract.timeoutMs,
  }));
}

function readContracts(value: JsonValue | undefined, at: string): readonly LifecycleContract[] {
  const items = isArray(value)
    ? value.map((item, index) =>
        isObject(item) ? withMilliseconds(item, { timeout: 'timeoutMs' }, `${at}[${index}]`) : item,
      )
    : value;
  return decodeLifecycle(items, at).map((contract) => ({
    ...contract,
    operation: trim(contract.operation),
    internalPath: isBlank(contract.internalPath) ? lifecyclePath(trim(contract.operation)) : contract.internalPath,
  }));
}

const readTimeouts: Decoder<readonly (readonly [string, number])[]> = (value, at) =>
  entries(text)(value, at).map(([name, duration]) => {
    const operation = trim(name);
    if (!isLifecycleOperation(operation)) throw packFailed(`lifecycle timeout operation is unsupported: ${operation}`);
    return [operation, parseDuration(duration, `${at}.${operation}`)] as const;
  });

// ---- bridge ----------------------------------------------------------------------------------------------------------------

const decodeBridge = object({ allocExport: ['allocExport', text], executeExport: ['executeExport', text] });

/** The only choices that a build leaves: the names of the two exports. */
function readBridge(value: JsonValue | undefined): Partial<RawBridge> {
  const { allocExport, executeExport } = decodeBridge(value, 'wasm.bridge');
  return {
    ...(!isBlank(allocExport) && { allocExport }),
    ...(!isBlank(executeExport) && { executeExport }),
  };
}
