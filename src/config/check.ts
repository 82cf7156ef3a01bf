/** Compares what a person wrote with the schema: the settings that hold, and a problem for each one that does not. */
import { isIP } from 'node:net';
import { CONFIG_SHAPE, type Config, isSecretPath, SETTINGS, type SettingSchema } from './schema.js';

export type Path = readonly (string | number)[];

export interface Given {
  readonly path: readonly string[];
  readonly value: unknown;
}

export interface Misfit {
  readonly path: Path;
  readonly reason: string;
  /** What is wrong: the name or the value. */
  readonly part: 'key' | 'value';
}

/** Splits a tree of settings, as parsed, into single settings and misfits. Never throws. */
export function readSettings(tree: unknown): { given: Given[]; misfits: Misfit[] } {
  const found = { given: [] as Given[], misfits: [] as Misfit[] };
  readSection(CONFIG_SHAPE, tree, [], found);
  return found;
}

/** Settings that hold one by one but not together. The first path is the one to blame, the second explains it. */
export function conflictsOf({
  pool,
  i18n,
  metrics,
  workspace,
  network,
}: Config): { paths: [string, string]; reason: string }[] {
  const reserved = /^\/(?:api|api\.json|x|x-assets|healthz|readyz)(?:\/|$)/;
  const conflicts: { paths: [string, string]; reason: string; holds: boolean }[] = [
    {
      paths: ['pool.minThreads', 'pool.maxThreads'],
      reason: `must not be above pool.maxThreads (${pool.maxThreads})`,
      holds: pool.maxThreads === 'auto' || pool.minThreads <= pool.maxThreads,
    },
    {
      paths: ['i18n.default', 'i18n.locales'],
      reason: `must be one of i18n.locales (${i18n.locales.join(', ')}), not ${shown(i18n.default)}`,
      holds: i18n.locales.includes(i18n.default),
    },
    {
      paths: ['metrics.path', 'workspace.basePath'],
      reason: `must not be an address that the host uses otherwise: ${metrics.path}`,
      holds: metrics.path !== workspace.basePath && !reserved.test(metrics.path),
    },
    ...noRanges('network.allowedAddresses', network.allowedAddresses),
    ...noRanges('network.deniedAddresses', network.deniedAddresses),
    ...Object.entries(network.plugins).flatMap(([id, own]) =>
      noRanges(`network.plugins.${id}.allowedAddresses`, own.allowedAddresses ?? []),
    ),
  ];
  return conflicts.filter(({ holds }) => !holds).map(({ paths, reason }) => ({ paths, reason }));
}

/** Addresses that look like some and are none, such as 10.0.0.256 and 10.0.0.0/33. */
function noRanges(path: string, addresses: readonly string[]) {
  return addresses.filter(isNoRange).map((address) => ({
    paths: [path, path] as [string, string],
    reason: `must be IP addresses or ranges of them, not ${shown(address)}`,
    holds: false,
  }));
}

function isNoRange(text: string): boolean {
  const [address = '', bits = '0'] = text.split('/');
  const version = isIP(address);
  return version === 0 || Number(bits) > (version === 4 ? 32 : 128);
}

/** A path as a person writes it: `plugin.autoEnable[0].id`. */
export function pathText(path: Path): string {
  return path.reduce<string>(
    (text, step) => (typeof step === 'number' ? `${text}[${step}]` : text === '' ? step : `${text}.${step}`),
    '',
  );
}

/** The candidate that a person most likely meant: one letter in three may be wrong, or the end may be missing. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const wanted = word.toLowerCase();
  const best = candidates
    .map((candidate) => ({ candidate, distance: distanceOf(wanted, candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  if (best !== undefined && best.distance <= Math.max(1, Math.floor(word.length / 3))) return best.candidate;
  return word.length < 3 ? undefined : candidates.find((candidate) => candidate.toLowerCase().startsWith(wanted));
}

/** A sentence part that says what a setting accepts: `an integer from 1 to 1024`. */
export function accepts(schema: SettingSchema): string {
  if (schema.anyOf) return schema.anyOf.map(accepts).join(' or ');
  if (schema.const !== undefined) return String(schema.const);
  if (schema.enum) return `one of ${schema.enum.join(', ')}`;
  if (schema.shape) return schema.shape;
  if (schema.type === 'boolean') return 'true or false';
  if (schema.type === 'integer') {
    return schema.minimum === schema.maximum
      ? `${schema.minimum}`
      : `an integer from ${schema.minimum} to ${schema.maximum}`;
  }
  if (schema.type === 'array') return schema.minItems ? 'a list with at least one entry' : 'a list';
  if (schema.type === 'object') return 'a map';
  return (schema.minLength ?? 0) > 1 ? `a string of at least ${schema.minLength} characters` : 'a string';
}

type Found = { given: Given[]; misfits: Misfit[] };

function readSection(schema: SettingSchema, value: unknown, path: readonly string[], found: Found): void {
  // A section whose settings are all commented out is null in YAML.
  if (value === null || value === undefined) return;
  if (!isMap(value)) {
    found.misfits.push({ path, reason: `must be a map of settings, not ${shown(value)}`, part: 'value' });
    return;
  }
  for (const [key, inner] of Object.entries(value)) {
    const below = [...path, key];
    const known = schemaAt(schema, key);
    if (known === undefined) found.misfits.push(unknownKey(schema, path, key));
    else if (known.properties || known.patternProperties) readSection(known, inner, below, found);
    else readSetting(known, inner, below, found);
  }
}

function schemaAt(schema: SettingSchema, key: string): SettingSchema | undefined {
  if (schema.properties && Object.hasOwn(schema.properties, key)) return schema.properties[key];
  return Object.entries(schema.patternProperties ?? {}).find(([pattern]) => new RegExp(pattern).test(key))?.[1];
}

function readSetting(schema: SettingSchema, value: unknown, path: readonly string[], found: Found): void {
  const misfits = misfitsOf(schema, value, path);
  if (misfits.length > 0) found.misfits.push(...misfits);
  else found.given.push({ path, value });
}

function misfitsOf(schema: SettingSchema, value: unknown, path: Path): Misfit[] {
  if (schema.items && Array.isArray(value) && value.length >= (schema.minItems ?? 0)) {
    const { items } = schema;
    return value.flatMap((item, index) => misfitsOf(items, item, [...path, index]));
  }
  if (schema.properties && isMap(value)) return entryMisfits(schema, value, path);
  if (fits(schema, value)) return [];
  const actual = isSecretPath(path.join('.')) ? '' : `, not ${shown(value)}`;
  return [{ path, reason: `must be ${accepts(schema)}${actual}`, part: 'value' }];
}

/** The few keywords that a setting has; the validator of typebox would double the start of every command. */
function fits(schema: SettingSchema, value: unknown): boolean {
  if (schema.anyOf) return schema.anyOf.some((member) => fits(member, value));
  if (schema.const !== undefined) return value === schema.const;
  if (schema.enum) return schema.enum.some((member) => member === value);
  if (schema.type === 'object') return isMap(value);
  if (schema.type === 'array') return Array.isArray(value) && value.length >= (schema.minItems ?? 0);
  if (schema.type === 'integer') {
    return Number.isInteger(value) && Number(value) >= (schema.minimum ?? 0) && Number(value) <= (schema.maximum ?? 0);
  }
  if (schema.type === 'string') {
    return typeof value === 'string' && value.length >= (schema.minLength ?? 0) && matches(schema.pattern, value);
  }
  return typeof value === schema.type;
}

function matches(pattern: string | undefined, value: string): boolean {
  return pattern === undefined || new RegExp(pattern).test(value);
}

function entryMisfits(schema: SettingSchema, entry: Record<string, unknown>, path: Path): Misfit[] {
  const missing = (schema.required ?? []).filter((key) => !Object.hasOwn(entry, key));
  return [
    ...missing.map((key) => ({ path: [...path, key], reason: 'is missing', part: 'key' as const })),
    ...Object.entries(entry).flatMap(([key, value]) => {
      const known = schemaAt(schema, key);
      return known ? misfitsOf(known, value, [...path, key]) : [unknownKey(schema, path, key)];
    }),
  ];
}

function unknownKey(schema: SettingSchema, path: Path, key: string): Misfit {
  const near = nearest(key, Object.keys(schema.properties ?? {}));
  const elsewhere = SETTINGS.find((setting) => setting.path.endsWith(`.${key}`))?.path;
  const meant = near === undefined ? elsewhere : pathText([...path, near]);
  const what = schema.patternProperties
    ? schema.properties
      ? 'neither a setting nor a plugin id'
      : 'not a plugin id'
    : 'not a setting';
  return {
    path: [...path, key],
    reason: `is ${what}${meant === undefined ? '' : `; did you mean ${meant}?`}`,
    part: 'key',
  };
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a map';
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** Edits that turn one word into the other: insert, delete, replace. */
function distanceOf(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  let before = row;
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (let column = 1; column <= to.length; column++) {
      const replaced = row[column - 1]! + (letter === to[column - 1] ? 0 : 1);
      const isSwapped = letter === to[column - 2] && from[index - 1] === to[column - 1];
      const swapped = isSwapped ? before[column - 2]! + 1 : replaced;
      next.push(Math.min(replaced, swapped, row[column]! + 1, next[column - 1]! + 1));
    }
    [before, row] = [row, next];
  }
  return row[to.length]!;
}
