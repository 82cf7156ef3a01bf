/** Settings as environment variables: their names, and their values as text. */
import { nearest } from './check.js';
import { PLUGIN_ID_PATTERN, SETTINGS, type Setting, type SettingSchema } from './schema.js';

/** Variables that begin like settings and are something else. */
export const NOT_SETTINGS: readonly string[] = ['SANDPOOL_URL', 'SANDPOOL_TOKEN', 'SANDPOOL_ADMIN_PASSWORD'];

/** Stands for any plugin's id in the path of a setting. */
const ANY_PLUGIN = '<plugin-id>';

/** The environment variable of a setting: `pool.maxThreads` → `SANDPOOL_POOL_MAX_THREADS`. */
export function variableOf(path: string): string {
  const words = path.replaceAll('MiB', 'Mib').replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2');
  return `SANDPOOL_${words.replaceAll(/[.-]/g, '_').toUpperCase()}`;
}

/** The setting that a variable gives. A plugin id inside a name is unambiguous: ids have no underscore. */
export function settingOfVariable(name: string): Setting | undefined {
  const named = SETTINGS.find(({ path }) => !path.includes(ANY_PLUGIN) && variableOf(path) === name);
  if (named) return named;
  for (const { path, schema } of SETTINGS.filter(({ path }) => path.includes(ANY_PLUGIN))) {
    const [before, after] = path.split(ANY_PLUGIN) as [string, string];
    const [start, end] = [variableOf(before), variableOf(after).slice('SANDPOOL_'.length)];
    const id = name
      .slice(start.length, name.length - end.length)
      .toLowerCase()
      .replaceAll('_', '-');
    const fits = name.startsWith(start) && name.endsWith(end) && new RegExp(PLUGIN_ID_PATTERN).test(id);
    if (fits) return { path: path.replace(ANY_PLUGIN, id), schema };
  }
  return undefined;
}

/** Says that a variable is not a setting, and which one was probably meant. */
export function unknownVariable(name: string): string {
  const names = SETTINGS.filter(({ path }) => !path.includes(ANY_PLUGIN)).map(({ path }) => variableOf(path));
  const meant = nearest(name, [...names, ...NOT_SETTINGS]);
  return `is not a setting${meant === undefined ? '' : `; did you mean ${meant}?`}`;
}

/**
 * Reads a text as the setting's type. Lists and maps are JSON; a list of strings may also be separated by commas. Text that
 * does not fit stays text, for the check to refuse.
 */
export function readText(schema: SettingSchema, text: string): unknown {
  if (schema.anyOf) {
    const values = schema.anyOf.map((member) => readText(member, text));
    return values.find((value) => typeof value !== 'string') ?? text;
  }
  if (schema.type === 'integer' && /^-?\d{1,15}$/.test(text)) return Number(text);
  if (schema.type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  if (schema.type === 'array' && schema.items?.type === 'string' && !text.trimStart().startsWith('[')) {
    return text.split(',').map((item) => item.trim());
  }
  return schema.type === 'array' || schema.type === 'object' ? readJson(text) : text;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
