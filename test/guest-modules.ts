/**
 * Guest modules for tests and benches, built on demand from the sources under `test/guests/`. Slow builds are kept in the
 * temporary directory of the system, under a hash of everything that went into them.
 */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import asc from 'assemblyscript/asc';
import openWabt from 'wabt';
import { buildGo, built, goVersion, hashOf, ROOT } from '../bench/builds.js';

export { GO_ENVIRONMENT, goVersion } from '../bench/builds.js';

const GUESTS = join(ROOT, 'test/guests');

/** The module of `test/guests/wat/<name>.wat`. The file's first lines say what it does and what the host must answer. */
export async function watGuest(name: string): Promise<Uint8Array> {
  const file = join(GUESTS, 'wat', `${name}.wat`);
  return assembleWat(await readFile(file, 'utf8'), file);
}

/** The module of a WebAssembly text, with every feature that wabt knows switched on. */
export async function assembleWat(text: string, name = 'guest.wat'): Promise<Uint8Array> {
  wabt ??= openWabt();
  const features = {
    bulk_memory: true,
    multi_value: true,
    mutable_globals: true,
    sign_extension: true,
    sat_float_to_int: true,
    exceptions: true,
    tail_call: true,
  };
  const module = (await wabt).parseWat(name, text, { ...features, simd: true, threads: true, reference_types: true });
  try {
    return module.toBinary({ write_debug_names: true }).buffer;
  } finally {
    module.destroy();
  }
}

let wabt: ReturnType<typeof openWabt> | undefined;

/** The names of all guests in WebAssembly text. */
export async function watGuestNames(): Promise<string[]> {
  const files = await readdir(join(GUESTS, 'wat'));
  return files.filter((file) => file.endsWith('.wat')).map((file) => file.slice(0, -4));
}

/** The same module followed by a custom section that claims more bytes than the file has. */
export function withDamagedSection(module: Uint8Array): Uint8Array {
  const name = Buffer.from('lina.plugin.manifest');
  return Buffer.concat([module, Buffer.of(0, 0x7f, name.length), name, Buffer.from('{"id":')]);
}

/** The module of `test/guests/assemblyscript/<name>.ts`, built with the guest SDK of this tree. */
export async function assemblyScriptGuest(name: string): Promise<Uint8Array> {
  const key = await hashOf([join(ROOT, 'src/sdk/assemblyscript'), join(GUESTS, 'assemblyscript')], asc.version);
  return built(`as-${name}-${key}.wasm`, (out) =>
    compileAssemblyScript(ROOT, `test/guests/assemblyscript/${name}.ts`, out),
  );
}

/** Compiles an AssemblyScript entry with the flags of the scaffold; paths are relative to `directory`. */
async function compileAssemblyScript(directory: string, entry: string, out: string): Promise<void> {
  const sdk = 'src/sdk/assemblyscript';
  const traps = [`abort=${sdk}/trap/abort`, `seed=${sdk}/trap/seed`, `trace=${sdk}/trap/trace`].flatMap((use) => [
    '--use',
    use,
  ]);
  const flags = ['-O3', '--runtime', 'minimal', '--exportStart', '_initialize', ...traps];
  let wasm: Uint8Array | undefined;
  const result = await asc.main([entry, '--baseDir', directory, '--outFile', 'guest.wasm', ...flags], {
    writeFile: (_name, contents) => {
      wasm = contents as Uint8Array;
    },
  });
  if (result.error !== null || wasm === undefined)
    throw new Error(`${entry} does not compile:\n${result.stderr.toString()}`);
  await writeFile(out, wasm);
}

/**
 * The module of `test/guests/go/<name>/`, or undefined (and a visible line) when Go is missing or too old. The first build
 * on a machine compiles Go's standard library for wasip1, which takes a minute.
 */
export async function goGuest(name: string): Promise<Uint8Array | undefined> {
  const version = await visibleGoVersion();
  if (version === undefined) return undefined;
  const source = join(GUESTS, 'go', name);
  return built(`go-${name}-${await hashOf([source], version)}.wasm`, (out) => buildGo(source, '.', out));
}

/** As `goGuest`, with the guest SDK of this tree as its package `lina`. */
export async function goGuestWithLibrary(name: string): Promise<Uint8Array | undefined> {
  const version = await visibleGoVersion();
  if (version === undefined) return undefined;
  const source = join(GUESTS, 'go', name);
  const library = join(ROOT, 'src/sdk/go');
  return built(`go-${name}-${await hashOf([source, library], version)}.wasm`, async (out) => {
    const together = await mkdtemp(join(tmpdir(), 'sandpool-go-'));
    try {
      await cp(source, together, { recursive: true });
      await cp(library, join(together, 'lina'), { recursive: true });
      await buildGo(together, '.', out);
    } finally {
      await rm(together, { recursive: true });
    }
  });
}

async function visibleGoVersion(): Promise<string | undefined> {
  const version = await goVersion();
  if (version === undefined) process.stdout.write('# SKIP Go >= 1.24 is not installed\n');
  return version;
}
