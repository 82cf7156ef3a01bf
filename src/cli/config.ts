/** `sandpool config`: the effective configuration and where each value comes from; the JSON schema of the file. */
import { loadConfig } from '../config/load.js';
import { editorSchema, isSecretPath } from '../config/schema.js';
import type { Context, ExitCode } from './command.js';
import { columns } from './table.js';

interface Options {
  readonly config?: string;
  readonly schema?: boolean;
}

export async function run({ options, answer }: Context<Options>): Promise<ExitCode> {
  if (options.schema) {
    const schema = editorSchema();
    answer(schema, JSON.stringify(schema, null, 2));
    return 0;
  }
  const { config, sources } = loadConfig({ file: options.config });
  const shown = masked('', config);
  const rows = Object.entries(sources).map(([path, source]) => [path, textAt(shown, path), source]);
  answer({ config: shown, sources }, columns([['SETTING', 'VALUE', 'SOURCE'], ...rows]));
  return 0;
}

function masked(path: string, value: unknown): unknown {
  if (value === null || typeof value !== 'object') return isSecretPath(path) ? '********' : value;
  if (Array.isArray(value)) return value.map((item) => masked(path, item));
  const below = (key: string) => (path === '' ? key : `${path}.${key}`);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, masked(below(key), inner)]));
}

function textAt(tree: unknown, path: string): string {
  let value = tree;
  for (const key of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[key];
  return value === undefined ? '-' : JSON.stringify(value);
}
