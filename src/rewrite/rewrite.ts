/**
 * Rewrites a module, once per release, so that its instances can be reset and stopped.
 *
 *     type │ import │ function │ table │ memory │ tag │ global │ export │ element │ count │ code │ data │ name
 *      +5     +fuel   +helpers           base,          +size    +globals            passive  all    one
 *                                        maximum        +fuel    +memory                             image
 *
 * All other custom sections are left out: the host has read them from the artifact, and V8 keeps a module's bytes in memory.
 */
import { SandpoolError } from '../protocol/errors.js';
import type { GlobalValueType, RewriteLayout, SavedGlobal } from '../protocol/layout.js';
import { ADDED_TYPE, type Additions, createAdditions, EXPORT_KIND } from './additions.js';
import { assemble } from './assemble.js';
import { Bodies } from './body.js';
import type { BodyPlan } from './body-plan.js';
import { type Code, I } from './code.js';
import { DIRTY_PAGE_BYTES, REACH_BYTES } from './dirty-pages.js';
import { eligibilityOf } from './eligibility.js';
import { chargedBody, chargeSequence, fuelSequences, refuelBody } from './fuel.js';
import { refuseImportedMemory, withMaximum } from './memory-limit.js';
import { type MemoryType, type ModuleShape, readModule } from './module.js';
import { VALUE } from './opcodes.js';
import { planPages } from './page-plan.js';
import { Reader, SECTION } from './reader.js';

export interface RewriteOptions {
  /** Limit of the memory in pages of 64 KiB; 65,520 at most when pages are marked. */
  readonly maxPages: number;
  /** Marks written pages, takes data and start function out of instantiation, exports memory and mutable globals. */
  readonly dirtyPages: boolean;
  /** Counts loops. */
  readonly fuel: boolean;
  /** Exports mutable globals; implied by `dirtyPages`. */
  readonly exportGlobals?: boolean;
  /** Keeps the names of functions, which traps are reported with. True when absent. */
  readonly keepNames?: boolean;
}

export interface Rewritten {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly layout: RewriteLayout;
}

const GLOBAL_TYPES: Record<number, GlobalValueType> = {
  [VALUE.i32]: 'i32',
  [VALUE.i64]: 'i64',
  [VALUE.f32]: 'f32',
  [VALUE.f64]: 'f64',
};

/**
 * Rewrites a module. Guest code cannot tell the difference, apart from time, fuel, and one bit: after a reset of an instance whose
 * memory had grown, loads beyond the guest's memory size but inside the real one give 0 instead of a trap, and stores there succeed
 * (and are reset). A host that must hide this bit too discards instances that have grown.
 *
 * @throws SBX_MODULE_INVALID when the module is not valid, needs more memory than `maxPages`, or has data outside its memory
 * @throws SBX_MODULE_UNSUPPORTED when it has something that cannot be reset or is not known; `details.reasons` lists all
 */
export function rewriteModule(bytes: Uint8Array, options: RewriteOptions): Rewritten {
  checkValid(bytes);
  const shape = readModule(bytes);
  checkEligible(shape, options);
  return rewriteShape(shape, options);
}

/** Everything below trusts the module's types and indices, so the engine looks at it first. */
function checkValid(bytes: Uint8Array): void {
  if (WebAssembly.validate(bytes as Uint8Array<ArrayBuffer>)) return;
  let reason = 'it is not valid';
  try {
    new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
  } catch (error) {
    reason = (error as Error).message;
  }
  throw new SandpoolError('SBX_MODULE_INVALID', { reason });
}

function checkEligible(shape: ModuleShape, { dirtyPages, fuel }: RewriteOptions): void {
  if (!dirtyPages && !fuel) return;
  const found = eligibilityOf(shape);
  const isPossible = (!dirtyPages || found.pristine) && (!fuel || found.fuel);
  if (isPossible) return;
  throw new SandpoolError('SBX_MODULE_UNSUPPORTED', { reason: found.reasons.join('; '), reasons: found.reasons });
}

function rewriteShape(shape: ModuleShape, options: RewriteOptions): Rewritten {
  const functionShift = options.fuel ? 1 : 0;
  const additions = createAdditions(shape, functionShift);
  const fuel = options.fuel ? planFuel(shape, additions) : undefined;
  const globals = options.dirtyPages || options.exportGlobals ? exportGlobals(shape, additions) : [];
  const pages = options.dirtyPages ? planPages(shape, options, additions, fuel?.charge ?? []) : undefined;
  const memory = pages?.memory === undefined ? {} : { memory: pages.memory };
  const charged = fuel && pages === undefined ? planCharged(shape, additions, fuel.charge) : {};
  const bodies = rewriteBodies({ shape, functionShift, ...(fuel && { fuel: fuel.sequences }), ...memory, ...charged });
  const bytes = assemble({
    shape,
    functionShift,
    additions,
    memories: pages?.memories ?? limitedMemories(shape, options.maxPages),
    bodies,
    fuelType: options.fuel ? ADDED_TYPE.fuel : undefined,
    passiveData: pages?.passiveData,
    keepsStart: pages === undefined,
    keepNames: options.keepNames ?? true,
  });
  const layout: RewriteLayout = {
    memoryBase: 0,
    mapBase: 0,
    pageBytes: DIRTY_PAGE_BYTES,
    reachBytes: REACH_BYTES,
    maxPages: shape.memories[0] === undefined ? 0 : withMaximum(shape.memories[0], options.maxPages).maxPages!,
    ...pages?.layout,
    globals: [...globals, ...(pages?.globals() ?? [])],
    ...(fuel === undefined ? {} : { fuelGlobal: fuel.exportName }),
  };
  return { bytes, layout };
}

function limitedMemories(shape: ModuleShape, maxPages: number): MemoryType[] {
  refuseImportedMemory(shape.imports);
  return shape.memories.map((type) => withMaximum(type, maxPages));
}

function planFuel(shape: ModuleShape, additions: Additions) {
  const global = additions.addGlobal(0);
  const refuel = additions.addFunction(ADDED_TYPE.run, refuelBody(global, shape.importedFunctions));
  const exportName = additions.addExport('fuel', EXPORT_KIND.global, global);
  return { exportName, sequences: fuelSequences(global, refuel), charge: chargeSequence(global, refuel) };
}

/** With several memories, or addresses of 64 bits, long instructions stay as they are; the end of the thread is their backstop. */
function planCharged(shape: ModuleShape, additions: Additions, charge: Code): Pick<BodyPlan, 'charged'> {
  const [memory, ...others] = shape.memories;
  const isImported = shape.imports.some(({ kind }) => kind === 'memory');
  if (memory === undefined || memory.is64 || others.length > 0 || isImported) return {};
  const once = (instruction: Code) => {
    let index: number | undefined;
    return () => {
      index ??= additions.addFunction(ADDED_TYPE.bulk, chargedBody(charge, instruction));
      return index;
    };
  };
  return { charged: { fill: once(I.memoryFill), copy: once(I.memoryCopy) } };
}

/**
 * Exports every mutable global of numbers, so that the host can read and set it; others were refused when instances must be reset.
 *
 *     06 │ … 7f 01 41 05 0b                       global 3: an i32, mutable, 5 at first; stays as it is
 *     07 │ … 11 "sandpool.global.3" 03 03         behind the module's own exports: length of the name, name, a global, its index
 */
function exportGlobals(shape: ModuleShape, additions: Additions): SavedGlobal[] {
  return shape.globals.flatMap(({ isMutable, valueType }, index) => {
    const type = GLOBAL_TYPES[valueType];
    if (!isMutable || type === undefined) return [];
    return [{ exportName: additions.addExport(`global.${index}`, EXPORT_KIND.global, index), type }];
  });
}

function rewriteBodies(plan: BodyPlan): Uint8Array {
  const { shape } = plan;
  const section = shape.sections.find(({ id }) => id === SECTION.code);
  if (section === undefined) return new Uint8Array(0);
  const bodies = new Bodies(plan, Math.ceil((section.end - section.bodyStart) * 1.5) + 4096);
  const reader = new Reader(shape.bytes, section.bodyStart, section.end);
  const count = reader.count(2);
  for (let index = 0; index < count; index++) {
    const size = reader.u32();
    const start = reader.position;
    reader.skip(size);
    bodies.rewrite(shape.importedFunctions + index, start, start + size);
  }
  return bodies.writer.written();
}
