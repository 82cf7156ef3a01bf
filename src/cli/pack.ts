/** `sandpool pack`: a plugin's directory becomes an artifact (`spec/artifact.md` §3). */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { type Manifest, parsePluginYaml } from '../artifact/manifest.js';
import { moduleOf, type PackedPlugin, packPlugin, publishedFolders } from '../artifact/pack.js';
import { type PackConfig, parsePackConfig } from '../artifact/pack-config.js';
import { packFailed, packsHidden, selectFiles, type TreeEntry } from '../artifact/pack-tree.js';
import { readSections } from '../artifact/sections.js';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import { unreadable } from '../protocol/unreadable.js';
import type { Context, ExitCode } from './command.js';
import { buildModule, usualBuild } from './pack-build.js';

export interface PackOptions {
  /** A module that is built already, or an artifact whose code is taken. */
  readonly wasm?: string;
}

export interface Packed {
  readonly bytes: Uint8Array;
  readonly manifest: Manifest;
  readonly warnings: readonly string[];
}

interface CommandOptions extends PackOptions {
  readonly output?: string;
}

export async function run({ args: [given = ''], options, answer, note }: Context<CommandOptions>): Promise<ExitCode> {
  const directory = resolve(given);
  const plugins = await dynamicPluginsIn(directory);
  if (plugins === undefined) {
    const document = await packFile(directory, options, note);
    answer(document, textOf(document));
    return 0;
  }
  await checkChoices(options);
  const artifacts: Document[] = [];
  for (const plugin of plugins) artifacts.push(await packFile(plugin, options, note));
  answer({ artifacts }, artifacts.map(textOf).join('\n'));
  return 0;
}

/** Directories of dynamic plugins in a directory that is no plugin itself; undefined for that of a plugin. */
async function dynamicPluginsIn(directory: string): Promise<readonly string[] | undefined> {
  await checkDirectory(directory);
  if (existsSync(join(directory, 'plugin.yaml'))) return undefined;
  const plugins: string[] = [];
  for (const name of (await readdir(directory)).sort()) {
    const text = await textIfPresent(join(directory, name, 'plugin.yaml'));
    if (text !== undefined && parsePluginYaml(text).manifest.type.trim() === 'dynamic')
      plugins.push(join(directory, name));
  }
  if (plugins.length > 0) return plugins;
  throw packFailed(`missing plugin.yaml: neither ${directory} nor a directory in it is a dynamic plugin`);
}

/** Several plugins have several files and several modules. */
async function checkChoices({ wasm, output }: CommandOptions): Promise<void> {
  if (wasm !== undefined) throw new SandpoolError('SBX_USAGE', { reason: '--wasm is for one plugin' });
  if (output === undefined || (await stat(output).catch(() => undefined))?.isDirectory()) return;
  throw new SandpoolError('SBX_USAGE', { reason: `${output} is no directory, and several plugins are packed` });
}

async function packFile(directory: string, options: CommandOptions, note: (text: string) => void) {
  const { bytes, artifact, warnings } = await packFrom(directory, options);
  for (const warning of warnings) note(`warning: ${warning}`);
  const { id, version } = artifact.manifest;
  const file = await outputFile(options.output, id);
  await writeWhole(file, bytes);
  const sections = readSections(bytes)
    .filter(({ name }) => name.startsWith('lina.plugin.'))
    .map(({ name, sizeBytes }) => ({ name, sizeBytes }));
  return { file, id, version, bytes: bytes.length, checksum: artifact.checksum, warnings, sections };
}

type Document = Awaited<ReturnType<typeof packFile>>;

function textOf({ file, id, version, bytes, sections }: Document): string {
  return `${file}\n${id} ${version}, ${bytes} bytes, ${sections.length} sections`;
}

/**
 * Builds and packs a plugin, so that every host accepts what comes out.
 * @throws SBX_PACK_FAILED SBX_ARTIFACT_INVALID PLUGIN_ID_INVALID with what is wrong; SBX_FILE_UNREADABLE
 */
export async function packDirectory(directory: string, options: PackOptions = {}): Promise<Packed> {
  const { bytes, artifact, warnings } = await packFrom(resolve(directory), options);
  return { bytes, manifest: artifact.manifest, warnings };
}

async function packFrom(directory: string, { wasm }: PackOptions): Promise<PackedPlugin> {
  await checkDirectory(directory);
  const published = publishedFolders((await textIfPresent(join(directory, 'plugin.yaml'))) ?? '{}');
  const config = parsePackConfig(await textIfPresent(join(directory, 'hack/config.yaml')));
  const module = wasm === undefined ? await build(directory, config) : moduleOf(await readBytes(resolve(wasm)));
  const embed = await textIfPresent(join(directory, 'plugin_embed.go'));
  const paths = selectFiles(await treeOf(directory, await realpath(directory)), embed, published);
  const files = new Map<string, Uint8Array>();
  for (const path of paths) files.set(path, await readBytes(join(directory, path)));
  const packed = packPlugin({ files, config, withHidden: packsHidden(embed), ...(module && { module }) });
  if (module) await checkExports(module, packed);
  return { ...packed, warnings: [...packed.warnings, ...undiscovered(directory, config)] };
}

/** The reference's builder reads contracts out of Go sources and generates a dispatcher; this one reads declarations. */
function undiscovered(directory: string, { routes }: PackConfig): readonly string[] {
  if (routes.length > 0 || !existsSync(join(directory, 'backend/plugin.go'))) return [];
  return ['backend/ is not searched for routes and callbacks: declare them in hack/config.yaml under wasm'];
}

async function build(directory: string, config: PackConfig): Promise<Uint8Array | undefined> {
  const step = config.build ?? usualBuild(directory);
  return step && moduleOf(await buildModule(directory, step));
}

/** A host finds these out at the first request; here is the person who can change them. */
async function checkExports(module: Uint8Array, { artifact }: PackedPlugin): Promise<void> {
  const compiled = await WebAssembly.compile(Uint8Array.from(module)).catch((cause) => {
    throw packFailed(`the module is not valid WebAssembly: ${reasonOf(cause)}`, cause);
  });
  const exported = WebAssembly.Module.exports(compiled).map(({ name }) => name);
  const { allocExport = '', executeExport = '' } = artifact.bridge ?? {};
  const missing = ['memory', allocExport, executeExport].filter((name) => !exported.includes(name));
  if (missing.length > 0) throw packFailed(`the module does not export ${missing.join(', ')}`);
}

// ---- the disk ----------------------------------------------------------------------------------------------------------------

/** Folders of tools, which are large and never packed. */
const SKIPPED: readonly string[] = ['node_modules', '.git'];

/** @param root the directory with every link resolved. */
async function treeOf(directory: string, root: string, prefix = ''): Promise<readonly TreeEntry[]> {
  const found: TreeEntry[] = [];
  for (const entry of await readdir(join(directory, prefix), { withFileTypes: true })) {
    const path = prefix + entry.name;
    if (SKIPPED.includes(entry.name)) continue;
    const kind = entry.isDirectory()
      ? 'directory'
      : entry.isFile()
        ? 'file'
        : await kindOf(join(directory, path), root);
    found.push({ path, kind });
    if (kind === 'directory') found.push(...(await treeOf(directory, root, `${path}/`)));
  }
  return found;
}

/** What a link leads to. */
async function kindOf(path: string, root: string): Promise<TreeEntry['kind']> {
  const target = await stat(path).catch(() => undefined);
  if (target?.isDirectory()) return 'linked directory';
  if (!target?.isFile()) return 'unreadable';
  return (await realpath(path)).startsWith(root + sep) ? 'file' : 'outside';
}

async function checkDirectory(directory: string): Promise<void> {
  const found = await stat(directory).catch((cause) => fail(directory, cause));
  if (!found.isDirectory()) fail(directory, new Error('it is not a directory'));
}

async function textIfPresent(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) =>
    cause.code === 'ENOENT' || cause.code === 'ENOTDIR' ? undefined : fail(file, cause),
  );
}

async function readBytes(file: string): Promise<Uint8Array> {
  return readFile(file).catch((cause) => fail(file, cause));
}

function fail(file: string, cause: unknown): never {
  throw unreadable(file, cause);
}

/** A directory that exists gets a file of the plugin's name. */
async function outputFile(given: string | undefined, id: string): Promise<string> {
  if (given === undefined) return resolve('temp/output', `${id}.wasm`);
  const found = await stat(given).catch(() => undefined);
  return found?.isDirectory() ? resolve(given, `${id}.wasm`) : resolve(given);
}

/** A host that looks at the directory meanwhile sees the old file or the new one. */
async function writeWhole(file: string, bytes: Uint8Array): Promise<void> {
  const aside = `${file}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(aside, bytes);
    await rename(aside, file);
  } catch (cause) {
    // Of two failures the first is the one to tell.
    await rm(aside, { force: true }).catch(() => undefined);
    throw packFailed(`cannot write ${file}: ${reasonOf(cause)}`, cause);
  }
}
