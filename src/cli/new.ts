/** `sandpool new`: a plugin directory that packs and runs. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkPluginId } from '../artifact/plugin-id.js';
import { SandpoolError } from '../protocol/errors.js';
import { unreadable } from '../protocol/unreadable.js';
import type { Context, ExitCode } from './command.js';

export const LANGUAGES = ['assemblyscript', 'go'] as const;
export type Language = (typeof LANGUAGES)[number];

export interface Scaffold {
  readonly language: Language;
  /** Created if need be; it must not hold anything yet. */
  readonly directory: string;
}

/** Where the templates and guest libraries lie, seen from the compiled file. */
const SDK = fileURLToPath(new URL('../../../src/sdk/', import.meta.url));

/** The id that the templates are written with. */
const TEMPLATE_ID = 'sandpool-notes';

/** The guest library is copied too, so that the plugin builds without Sandpool's sources. */
const PARTS: Readonly<Record<Language, readonly { readonly from: string; readonly to: string }[]>> = {
  assemblyscript: [
    { from: 'templates/common', to: '.' },
    { from: 'templates/assemblyscript', to: '.' },
    { from: 'assemblyscript', to: 'sdk' },
  ],
  go: [
    { from: 'templates/common', to: '.' },
    { from: 'templates/go', to: '.' },
    { from: 'go', to: 'lina' },
  ],
};

/**
 * Writes the sample plugin (notes: list, create, read, delete, a page, a setting, manifest resources) under a new id, and
 * returns the paths of its files relative to the directory, sorted.
 * @throws PLUGIN_ID_INVALID; SBX_DIRECTORY_NOT_EMPTY when anything is there already, which then stays as it is
 */
export async function scaffold(id: string, { language, directory }: Scaffold): Promise<string[]> {
  checkPluginId(id);
  await refuseOccupied(directory);
  const written: string[] = [];
  for (const { from, to } of PARTS[language]) {
    for (const file of await filesIn(join(SDK, from))) {
      const path = join(to, installedName(relative(join(SDK, from), file)));
      await writeNew(join(directory, path), rename(await readFile(file, 'utf8'), id));
      written.push(path);
    }
  }
  return written.sort();
}

export async function run({ args: [id = ''], options, answer }: Context<{ lang?: string }>): Promise<ExitCode> {
  const language = languageOf(options.lang ?? 'assemblyscript');
  const directory = resolve(id);
  const files = await scaffold(id, { language, directory });
  answer({ id, language, directory, files }, `${directory}\n${linesOf(files)}${nextSteps(id)}`);
  return 0;
}

function languageOf(name: string): Language {
  const language = LANGUAGES.find((known) => known === name);
  if (language) return language;
  throw new SandpoolError('SBX_USAGE', { reason: `--lang ${name} is unknown; it is one of ${LANGUAGES.join(', ')}` });
}

async function refuseOccupied(directory: string): Promise<void> {
  const entries = await readdir(directory).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return [];
    throw unreadable(directory, cause);
  });
  if (entries.length > 0) throw new SandpoolError('SBX_DIRECTORY_NOT_EMPTY', { directory });
}

async function filesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** npm leaves `.gitignore` out of packages, so the template has it under another name. */
function installedName(path: string): string {
  return path === 'gitignore' ? '.gitignore' : path;
}

/** Never overwrites: what appeared since the check stays. */
async function writeNew(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text, { flag: 'wx' });
}

/** Tables are named after the plugin, too, with `_` for what a name in SQL cannot hold. */
function rename(text: string, id: string): string {
  const [from, to] = [TEMPLATE_ID, id].map((name) => name.replaceAll('-', '_')) as [string, string];
  return text.replaceAll(TEMPLATE_ID, id).replaceAll(from, to);
}

/** The files that people will change; the guest library is one line. */
function linesOf(files: readonly string[]): string {
  const isLibrary = (file: string): boolean => /^(?:sdk|lina)\//.test(file);
  const library = files.filter(isLibrary);
  const own = files.filter((file) => !isLibrary(file)).map((file) => `  ${file}\n`);
  return `${own.join('')}  ${library[0]?.split('/')[0]}/ (the guest library, ${library.length} files)\n`;
}

function nextSteps(id: string): string {
  const file = `temp/output/${id}.wasm`;
  const steps = [
    `sandpool pack ${id}`,
    `sandpool run ${file} GET /about`,
    `sandpool install ${file} --grant all --enable    # on a running host, after sandpool login`,
  ];
  return `\nNext:\n${steps.map((step) => `  ${step}`).join('\n')}`;
}
