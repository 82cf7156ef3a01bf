/** Functions, globals and exports that a rewritten module gets on top of its own. */
import type { ModuleShape } from './module.js';
import { VALUE } from './opcodes.js';

/** The types of added functions; they stand behind the module's own in this order. */
// biome-ignore format: a table
export const ADDED_TYPES = [
  { params: [],                               results: [] },          // initialize, refuel
  { params: [],                               results: [VALUE.i32] }, // the import fuel
  { params: [VALUE.i32],                      results: [VALUE.i32] }, // grow
  { params: [VALUE.i32, VALUE.i32, VALUE.i32], results: [] },         // fill, copy, init
] as const;

export const ADDED_TYPE = { run: 0, fuel: 1, grow: 2, bulk: 3 } as const;

export interface AddedFunction {
  /** An index in {@link ADDED_TYPES}. */
  readonly type: number;
  readonly body: Uint8Array;
}

export interface Additions {
  /** Begins every name that is added: no export of the module begins with it. */
  readonly prefix: string;
  /** By how much the module's own functions with a body move up. */
  readonly functionShift: number;
  readonly functions: readonly AddedFunction[];
  /** Initial values of mutable i32 globals. */
  readonly globals: readonly number[];
  readonly exports: readonly { readonly name: string; readonly kind: number; readonly index: number }[];
  /** Adds a function and gives its index in the rewritten module. */
  addFunction(type: number, body: Uint8Array): number;
  /** Adds a mutable i32 and gives its index. */
  addGlobal(initial: number): number;
  /** Exports something by its index in the rewritten module, and gives the name with the prefix. */
  addExport(name: string, kind: number, index: number): string;
}

export const EXPORT_KIND = { function: 0, memory: 2, global: 3 } as const;

/** Collects what is added to a module whose own functions move up by `functionShift`. */
export function createAdditions(shape: ModuleShape, functionShift: number): Additions {
  const functions: AddedFunction[] = [];
  const globals: number[] = [];
  const exports: { name: string; kind: number; index: number }[] = [];
  const prefix = unusedPrefix(shape);
  return {
    prefix,
    functionShift,
    functions,
    globals,
    exports,
    addFunction(type, body) {
      functions.push({ type, body });
      return shape.functions.length + functionShift + functions.length - 1;
    },
    addGlobal(initial) {
      globals.push(initial);
      return shape.globals.length + globals.length - 1;
    },
    addExport(name, kind, index) {
      exports.push({ name: prefix + name, kind, index });
      return prefix + name;
    },
  };
}

function unusedPrefix(shape: ModuleShape): string {
  let prefix = 'sandpool.';
  while (shape.exports.some(({ name }) => name.startsWith(prefix))) prefix = `_${prefix}`;
  return prefix;
}
