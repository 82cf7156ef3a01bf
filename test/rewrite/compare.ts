/**
 * Runs a module as it came and rewritten, side by side. Guests are called by a script; what they return, how they trap, their memory
 * and their exported globals must be the same, and a reset must bring everything back.
 */
import { type GuestState, openGuestState } from '../../src/rewrite/reset.js';
import { type RewriteOptions, rewriteModule } from '../../src/rewrite/rewrite.js';

export type Call = readonly [name: string, ...args: (number | bigint)[]];

export interface Run {
  /** One line per call: its result, or the message of its trap. */
  readonly results: string[];
  readonly memory: Uint8Array;
  readonly globals: string[];
}

export interface Guest {
  readonly exports: WebAssembly.Exports;
  readonly state?: GuestState;
  run(script: readonly Call[]): Run;
}

const OPTIONS: RewriteOptions = { maxPages: 16, dirtyPages: true, fuel: true };

/** What a module may be turned into: as the engine does it, and each pass by itself. */
export const FORMS: readonly Partial<RewriteOptions>[] = [{}, { fuel: false }, { dirtyPages: false }];

/** `env.id` gives its argument back; every other function is told in `trace` and gives 0. Globals are references. */
function importsOf(module: WebAssembly.Module, fuel: () => number, trace: string[]): WebAssembly.Imports {
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = { sandpool: { fuel } };
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    if (from === 'sandpool') continue;
    imports[from] ??= {};
    if (kind === 'global') imports[from][name] = new WebAssembly.Global({ value: 'externref', mutable: false }, name);
    else
      imports[from][name] = (...values: unknown[]) => {
        if (name === 'id') return values[0];
        trace.push(`${name}(${values.map(textOf).join()})`);
        return 0;
      };
  }
  return imports;
}

function textOf(value: unknown): string {
  return typeof value === 'function' ? 'a function' : String(value);
}

function runScript(exports: WebAssembly.Exports, script: readonly Call[]): string[] {
  return script.map(([name, ...args]) => {
    try {
      const result = (exports[name] as (...args: unknown[]) => unknown)(...args);
      return `${name}: ${textOf(result)}`;
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError) return `${name}: ${error.message}`;
      return `${name}: exception`;
    }
  });
}

function globalsOf(exports: WebAssembly.Exports): string[] {
  return Object.entries(exports)
    .filter(([name, value]) => value instanceof WebAssembly.Global && !name.startsWith('sandpool.'))
    .map(([name, value]) => `${name} = ${globalText(value as WebAssembly.Global)}`);
}

/** Vectors cannot be read from outside. */
function globalText(global: WebAssembly.Global): string {
  try {
    return textOf(global.value);
  } catch {
    return 'a vector';
  }
}

/** An instance of the module as it came. Its memory, when it has one, must be exported. */
export function original(bytes: Uint8Array<ArrayBuffer>): Guest {
  return plain(bytes, () => 0);
}

/** An instance whose memory is where it always was. */
function plain(bytes: Uint8Array<ArrayBuffer>, fuel: () => number): Guest {
  const module = new WebAssembly.Module(bytes);
  const trace: string[] = [];
  const { exports } = new WebAssembly.Instance(module, importsOf(module, fuel, trace));
  const memory = Object.values(exports).find((value) => value instanceof WebAssembly.Memory) as
    | WebAssembly.Memory
    | undefined;
  return {
    exports,
    run: (script) => ({
      results: [...runScript(exports, script), ...trace.splice(0)],
      memory: new Uint8Array(memory?.buffer ?? new ArrayBuffer(0)),
      globals: globalsOf(exports),
    }),
  };
}

/** An instance of the rewritten module, initialised, with fuel for a billion loops unless `fuel` says otherwise. */
export function rewritten(
  bytes: Uint8Array,
  options: Partial<RewriteOptions> = {},
  fuel: () => number = () => 1 << 30,
): Guest & { readonly state: GuestState } {
  const result = rewriteModule(bytes, { ...OPTIONS, ...options });
  const module = new WebAssembly.Module(result.bytes);
  const trace: string[] = [];
  const { exports } = new WebAssembly.Instance(module, importsOf(module, fuel, trace));
  const state = openGuestState(exports, result.layout);
  if (result.layout.initializeExport !== undefined) (exports[result.layout.initializeExport] as () => void)();
  return {
    exports,
    state,
    run: (script) => ({
      results: [...runScript(exports, script), ...trace.splice(0)],
      memory: state.memory(),
      globals: globalsOf(exports),
    }),
  };
}

/** How an instance fails to begin; undefined when it does not. */
function trapOf(begin: () => Guest): string | undefined {
  try {
    begin();
    return undefined;
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) return error.message;
    throw error;
  }
}

/** An instance that counts loops and cannot be reset. */
function counted(bytes: Uint8Array<ArrayBuffer>, options: Partial<RewriteOptions>): Guest {
  return plain(rewriteModule(bytes, { ...OPTIONS, ...options }).bytes, () => 1 << 30);
}

/** Where two runs differ, in words; undefined when they do not. */
export function difference(expected: Run, actual: Run): string | undefined {
  const line = expected.results.findIndex((result, index) => result !== actual.results[index]);
  if (line >= 0) return `call ${line}: expected ${expected.results[line]}, got ${actual.results[line]}`;
  if (expected.globals.join() !== actual.globals.join())
    return `globals: ${expected.globals} against ${actual.globals}`;
  if (expected.memory.length !== actual.memory.length)
    return `${expected.memory.length} bytes against ${actual.memory.length}`;
  if (Buffer.compare(expected.memory, actual.memory) === 0) return undefined;
  const at = expected.memory.findIndex((byte, index) => byte !== actual.memory[index]);
  return `byte ${at}: expected ${expected.memory[at]}, got ${actual.memory[at]}`;
}

/**
 * Compares both forms of a module over a script, then resets the rewritten one and runs the script again: the same must happen.
 * Gives what is wrong, or undefined.
 */
export function compareForms(
  bytes: Uint8Array<ArrayBuffer>,
  script: readonly Call[],
  options: Partial<RewriteOptions> = {},
): string | undefined {
  const startTrap = trapOf(() => original(bytes));
  if (startTrap !== undefined) {
    const trap = trapOf(() => (options.dirtyPages === false ? counted(bytes, options) : rewritten(bytes, options)));
    return trap === startTrap ? undefined : `the start: expected ${startTrap}, got ${trap}`;
  }
  const first = original(bytes).run(script);
  if (options.dirtyPages === false) return difference(first, counted(bytes, options).run(script));
  const guest = rewritten(bytes, options);
  const snapshot = guest.state.takeSnapshot(false);
  const globals = globalsOf(guest.exports).join();
  const wrong = difference(first, guest.run(script));
  if (wrong !== undefined) return wrong;
  const { hasGrown } = guest.state.reset();
  if (globalsOf(guest.exports).join() !== globals) return 'a global was not reset';
  const memory = guest.state.memory();
  if (Buffer.compare(memory, snapshot.memory) !== 0) {
    return `byte ${memory.findIndex((byte, index) => byte !== snapshot.memory[index])} was not reset`;
  }
  // The one bit that a reset leaves: see rewriteModule.
  if (hasGrown) return undefined;
  const again = difference(first, guest.run(script));
  return again === undefined ? undefined : `after a reset: ${again}`;
}
