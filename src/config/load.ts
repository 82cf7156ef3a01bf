/**
 * Reads the configuration: one YAML file, overridden by environment variables, overridden by flags. Nothing else in the host
 * reads `process.env`. Every offending setting is named at once, with its line or variable.
 */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from 'yaml';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import { unreadable } from '../protocol/unreadable.js';
import { conflictsOf, type Given, type Path, pathText, readSettings } from './check.js';
import { type Config, type ConfigFlag, defaults, FLAG_NAMES, FLAGS, SETTINGS, type Setting } from './schema.js';
import { NOT_SETTINGS, readText, settingOfVariable, unknownVariable } from './variables.js';

export type ConfigSource = 'default' | 'file' | 'environment' | 'flag';

export interface LoadedConfig {
  /** Deep-frozen. */
  readonly config: Config;
  /** Where each setting comes from, by its path; a plugin's own section counts as one setting, `plugin.<id>`. */
  readonly sources: Readonly<Record<string, ConfigSource>>;
}

export interface ConfigInputs {
  /** A file that must exist; without it `./sandpool.yaml` is read if present. */
  readonly file?: string | undefined;
  readonly env?: NodeJS.ProcessEnv;
  readonly flags?: Readonly<Partial<Record<ConfigFlag, string | undefined>>>;
}

/** One thing that is wrong with the configuration. */
export interface Problem {
  /** `file:line:column`, the name of a variable, or a flag. */
  readonly where: string;
  /** The setting's path; empty when no setting is concerned. */
  readonly path: string;
  readonly reason: string;
}

/**
 * Gives the effective configuration and the source of each setting (spec/product.md §3).
 * @throws SBX_CONFIG_INVALID naming every problem at once; its `details.problems` are `Problem`s.
 * @throws SBX_FILE_UNREADABLE when a configuration file cannot be read.
 */
export function loadConfig({ file, env = process.env, flags = {} }: ConfigInputs = {}): LoadedConfig {
  const layers = [fileLayer(file), environmentLayer(env), flagLayer(flags)];
  refuse(layers.flatMap(({ problems }) => problems));

  const config = structuredClone(defaults) as Config;
  const sources = new Map<string, ConfigSource>(
    SETTINGS.filter(({ path }) => !path.includes('<')).map(({ path }) => [path, 'default']),
  );
  const places = new Map<string, string>();
  for (const { source, settings } of layers) {
    for (const { path, value, where } of settings) {
      setIn(config, path, value);
      sources.set(path.join('.'), source);
      places.set(path.join('.'), where);
    }
  }
  dropTrailingSlash(config);
  refuse(conflictsOf(config).map(({ paths, reason }) => conflictAt(paths, reason, places)));
  return { config: freeze(config), sources: Object.fromEntries(sources) };
}

/** What a command takes from the environment besides settings. */
export interface Environment {
  readonly url?: string;
  readonly token?: string;
  /** Password of the first administrator. */
  readonly adminPassword?: string;
  /** Directory for this person's Sandpool files. */
  readonly userDir: string;
}

/** Reads what is in the environment and is not a setting: `SANDPOOL_URL`, `SANDPOOL_TOKEN`, `SANDPOOL_ADMIN_PASSWORD`. */
export function readEnvironment(env: NodeJS.ProcessEnv = process.env): Environment {
  const { SANDPOOL_URL: url, SANDPOOL_TOKEN: token, SANDPOOL_ADMIN_PASSWORD: adminPassword } = env;
  const configHome = env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config');
  return {
    ...(url && { url }),
    ...(token && { token }),
    ...(adminPassword && { adminPassword }),
    userDir: join(configHome, 'sandpool'),
  };
}

interface Layer {
  readonly source: ConfigSource;
  readonly settings: readonly (Given & { where: string })[];
  readonly problems: readonly Problem[];
}

// ── file ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

function fileLayer(file: string | undefined): Layer {
  const name = file ?? 'sandpool.yaml';
  const text = readFile(name, file === undefined);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  const problem = (offset: number, path: string, reason: string) => ({ where: place(offset), path, reason });

  const syntax = [...document.errors, ...document.warnings].map((error) => problem(error.pos[0], '', error.message));
  if (syntax.length > 0) return { source: 'file', settings: [], problems: syntax };

  const twice = duplicateKeys(document).map(({ path, offset }) => problem(offset, path, 'is given twice'));
  const { given, misfits } = readSettings(plain(document, (reason) => twice.push(problem(0, '', reason))));
  return {
    source: 'file',
    settings: given.map((setting) => ({ ...setting, where: place(offsetOf(document, setting.path, 'value')) })),
    problems: [
      ...twice,
      ...misfits.map(({ path, reason, part }) => problem(offsetOf(document, path, part), pathText(path), reason)),
    ],
  };
}

function readFile(file: string, mayBeAbsent: boolean): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    if (mayBeAbsent && (error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw unreadable(file, error);
  }
}

function plain(document: Document, refused: (reason: string) => void): unknown {
  try {
    // An alias that unfolds to more than this many nodes is an attack or a mistake.
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    refused(reasonOf(error));
    return null;
  }
}

function duplicateKeys(document: Document): { path: string; offset: number }[] {
  const found: { path: string; offset: number }[] = [];
  visit(document, {
    Map(_, map, ancestors) {
      const above = ancestors.filter(isPair).map(({ key }) => keyText(key));
      const seen = new Set<string>();
      for (const { key } of map.items) {
        const text = keyText(key);
        if (seen.has(text)) found.push({ path: [...above, text].join('.'), offset: startOf(key) });
        seen.add(text);
      }
    },
  });
  return found;
}

/** Where a setting's name or value stands, or else the nearest thing above it. */
function offsetOf(document: Document, path: Path, part: 'key' | 'value'): number {
  let node: unknown = document.contents;
  let offset = startOf(node);
  for (const step of path) {
    const container = isAlias(node) ? node.resolve(document) : node;
    const pair = isMap(container) ? container.items.find(({ key }) => keyText(key) === step) : undefined;
    node = isSeq(container) ? container.items[Number(step)] : pair?.value;
    if (node === undefined && pair === undefined) return offset;
    offset = startOf(pair?.key ?? node);
  }
  return part === 'value' && hasPlace(node) ? startOf(node) : offset;
}

const hasPlace = (node: unknown): boolean =>
  isAlias(node) || isSeq(node) || (isScalar(node) && (node.value !== null || node.source !== ''));
const keyText = (key: unknown): string => String(isScalar(key) ? key.value : key);
const startOf = (node: unknown): number => (node as Node | null | undefined)?.range?.[0] ?? 0;

// ── environment and flags ────────────────────────────────────────────────────────────────────────────────────────────────

function environmentLayer(env: NodeJS.ProcessEnv): Layer {
  const names = Object.keys(env).filter((name) => name.startsWith('SANDPOOL_') && !NOT_SETTINGS.includes(name));
  const known = names.flatMap((where) => {
    const setting = settingOfVariable(where);
    return setting ? [{ where, setting, text: env[where] }] : [];
  });
  const unknown = names.filter((name) => !settingOfVariable(name));
  const { settings, problems } = textLayer('environment', known);
  return {
    source: 'environment',
    settings,
    problems: [...unknown.map((where) => ({ where, path: '', reason: unknownVariable(where) })), ...problems],
  };
}

function flagLayer(flags: NonNullable<ConfigInputs['flags']>): Layer {
  const texts = SETTINGS.flatMap((setting) => {
    const flag = FLAG_NAMES.find((name) => FLAGS[name] === setting.path);
    return flag ? [{ where: `--${flag}`, setting, text: flags[flag] }] : [];
  });
  return textLayer('flag', texts);
}

function textLayer(
  source: ConfigSource,
  texts: readonly { where: string; setting: Setting; text: string | undefined }[],
): Layer {
  const read = texts.flatMap(({ where, setting, text }) => {
    if (text === undefined) return [];
    const keys = setting.path.split('.');
    const tree = keys.reduceRight<unknown>((value, key) => ({ [key]: value }), readText(setting.schema, text));
    return [{ where, ...readSettings(tree) }];
  });
  return {
    source,
    settings: read.flatMap(({ where, given }) => given.map((setting) => ({ ...setting, where }))),
    problems: read.flatMap(({ where, misfits }) =>
      misfits.map(({ path, reason }) => ({ where, path: pathText(path), reason })),
    ),
  };
}

// ── together ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

function refuse(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const lines = problems.map(({ where, path, reason }) => `  ${[where, path, reason].filter(Boolean).join(' ')}`);
  throw new SandpoolError(
    'SBX_CONFIG_INVALID',
    { problems },
    { message: `the configuration is invalid:\n${lines.join('\n')}` },
  );
}

function conflictAt(paths: readonly string[], reason: string, places: ReadonlyMap<string, string>): Problem {
  const where = paths.map((path) => places.get(path)).find((place) => place !== undefined);
  return { where: where ?? 'defaults', path: paths[0] ?? '', reason };
}

function setIn(target: object, path: readonly string[], value: unknown): void {
  let section = target as Record<string, unknown>;
  for (const key of path.slice(0, -1)) {
    // A plugin may be called like something that every object inherits.
    if (!Object.hasOwn(section, key)) section[key] = {};
    section = section[key] as Record<string, unknown>;
  }
  section[path.at(-1)!] = value;
}

/** `/admin/` and `/admin` are the same base path (spec/governance.md §5.1). */
function dropTrailingSlash({ workspace }: { workspace: { basePath: string } }): void {
  if (workspace.basePath.length > 1) workspace.basePath = workspace.basePath.replace(/\/$/, '');
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) freeze(inner);
  return Object.freeze(value);
}
