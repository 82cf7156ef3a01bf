/** Builds the module of a plugin (`spec/artifact.md` §3.6). Compilers run without a shell, in the plugin's directory. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { BuildStep } from '../artifact/pack-config.js';
import { packFailed } from '../artifact/pack-tree.js';
import { reasonOf } from '../protocol/errors.js';

/** The first build of a Go plugin on a machine compiles Go's library too. */
const BUILD_DEADLINE_MS = 10 * 60_000;
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/** The step that a plugin without `wasm.build` means by what lies in it; nothing for a plugin of resources alone. */
export function usualBuild(directory: string): BuildStep | undefined {
  if (existsSync(join(directory, 'main.go'))) return { language: 'go', package: '.' };
  const entry = 'assembly/index.ts';
  return existsSync(join(directory, entry)) ? { language: 'assemblyscript', entry } : undefined;
}

/** Runs the step and gives the module. @throws SBX_PACK_FAILED with what the compiler said. */
export function buildModule(directory: string, step: BuildStep): Promise<Uint8Array> {
  if ('command' in step) return buildByCommand(directory, step);
  return step.language === 'go' ? buildGo(directory, step.package) : buildAssemblyScript(directory, step.entry);
}

/** With the plugin's `asconfig.json`, or else the flags of the one that `sandpool new` writes. */
async function buildAssemblyScript(directory: string, entry: string): Promise<Uint8Array> {
  // The compiler takes a second to load, which no other command should wait for.
  const { default: asc } = await import('assemblyscript/asc');
  let module: Uint8Array | undefined;
  const flags = existsSync(join(directory, 'asconfig.json')) ? [] : flagsFor(directory);
  const { error, stderr } = await asc.main([entry, '--baseDir', directory, '--outFile', 'plugin.wasm', ...flags], {
    writeFile: (name, contents) => {
      if (name.endsWith('.wasm')) module = contents as Uint8Array;
    },
  });
  if (error !== null || module === undefined) {
    const said = stderr.toString().trim() || (error === null ? 'the compiler wrote no module' : error.message);
    throw packFailed(`the AssemblyScript of ${entry} does not compile:\n${said}`, error ?? undefined);
  }
  return module;
}

function flagsFor(directory: string): readonly string[] {
  const flags = ['-O3', '--runtime', 'minimal', '--exportStart', '_initialize'];
  const traps = ['abort', 'seed', 'trace'].filter((name) => existsSync(join(directory, `sdk/trap/${name}.ts`)));
  return [...flags, ...traps.flatMap((name) => ['--use', `${name}=sdk/trap/${name}`])];
}

async function buildGo(directory: string, goPackage: string): Promise<Uint8Array> {
  const scratch = await mkdtemp(join(tmpdir(), 'sandpool-pack-'));
  try {
    const output = join(scratch, 'plugin.wasm');
    const flags = ['-buildmode=c-shared', '-trimpath', '-ldflags=-s -w'];
    // `env` adds to the environment, which is only read in one place of Sandpool.
    const command = ['env', 'GOOS=wasip1', 'GOARCH=wasm', 'go', 'build', ...flags, '-o', output, goPackage];
    return await buildByCommand(directory, { command, output });
  } finally {
    await rm(scratch, { recursive: true });
  }
}

async function buildByCommand(
  directory: string,
  { command, output }: { readonly command: readonly string[]; readonly output: string },
): Promise<Uint8Array> {
  await execute(directory, command);
  return readFile(resolve(directory, output)).catch((cause) => {
    throw packFailed(`the build has not written ${output}: ${reasonOf(cause)}`, cause);
  });
}

function execute(directory: string, [program = '', ...args]: readonly string[]): Promise<void> {
  const options = { cwd: directory, timeout: BUILD_DEADLINE_MS, maxBuffer: MAX_OUTPUT_BYTES };
  return new Promise((settle, fail) => {
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) return settle();
      const line = [program, ...args].join(' ');
      const said = `${stdout}${stderr}`.trim();
      fail(packFailed(`${problemOf(error, program)}: ${line}${said && `\n${said}`}`, error));
    });
  });
}

/** 127 is how `env` says that there is no such program. */
function problemOf(error: Error & { code?: unknown; killed?: boolean }, program: string): string {
  if (error.code === 'ENOENT') return `the build cannot start, because ${program} is not installed`;
  if (error.code === 127) return 'the build cannot start, because its compiler is not installed';
  if (error.killed) return `the build was stopped after ${BUILD_DEADLINE_MS / 60_000} minutes`;
  return 'the build failed';
}
