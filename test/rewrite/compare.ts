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

function importsOf(fuel: () => number): WebAssembly.Imports {
  return { sandpool: { fuel }, env: { id: (x: number) => x, f: () => undefined } };
}

function runScript(exports: WebAssembly.Exports, script: readonly Call[]): string[] {
  return script.map(([name, ...args]) => {
    try {
      const result = (exports[name] as (...args: unknown[]) => unknown)(...args);
      return `${name}: ${String(result)}`;
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError) return `${name}: ${error.message}`;
      return `${name}: exception`;
    }
  });
}

function globalsOf(exports: WebAssembly.Exports): string[] {
  return Object.entries(exports)
    .filter(([name, value]) => value instanceof WebAssembly.Global && !name.startsWith('sandpool.'))
    .map(([name, value]) => `${name} = ${String((value as WebAssembly.Global).value)}`);
}

/** An instance of the module as it came. Its memory, when it has one, must be exported. */
export function original(bytes: Uint8Array<ArrayBuffer>): Guest {
  const { exports } = new WebAssembly.Instance(
    new WebAssembly.Module(bytes),
    importsOf(() => 0),
  );
  const memory = Object.values(exports).find((value) => value instanceof WebAssembly.Memory) as
    | WebAssembly.Memory
    | undefined;
  return {
    exports,
    run: (script) => ({
      results: runScript(exports, script),
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
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(result.bytes), importsOf(fuel));
  const state = openGuestState(exports, result.layout);
  if (result.layout.initializeExport !== undefined) (exports[result.layout.initializeExport] as () => void)();
  return {
    exports,
    state,
    run: (script) => ({ results: runScript(exports, script), memory: state.memory(), globals: globalsOf(exports) }),
  };
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
export function compareForms(bytes: Uint8Array<ArrayBuffer>, script: readonly Call[]): string | undefined {
  const first = original(bytes).run(script);
  const guest = rewritten(bytes);
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
