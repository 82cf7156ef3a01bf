/** Decides what the marking of pages adds to one module: base, globals, functions for memory instructions, passive data. */

import type { RewriteLayout, SavedGlobal } from '../protocol/layout.js';
import { ADDED_TYPE, type Additions, EXPORT_KIND } from './additions.js';
import type { BodyPlan } from './body-plan.js';
import { body, type Code } from './code.js';
import { copyBody, fillBody, growBody, initBody, type MemoryPlan, MOST_PAGES, mapPages } from './dirty-pages.js';
import { withMaximum } from './memory-limit.js';
import type { MemoryType, ModuleShape } from './module.js';
import { type ImageRun, initializeCode, readImage } from './snapshot.js';

const WASM_PAGE_BYTES = 65536;

export interface PagePlan {
  readonly memory: NonNullable<BodyPlan['memory']> | undefined;
  readonly memories: readonly MemoryType[];
  readonly passiveData: { readonly own: readonly Uint8Array[]; readonly image: readonly ImageRun[] };
  readonly layout: Partial<RewriteLayout>;
  /** The added globals that a reset sets back; complete once all bodies have been rewritten. */
  globals(): readonly SavedGlobal[];
}

/** Plans for a module that is known to be eligible. `charge` pays fuel for the length in local 2. */
export function planPages(
  shape: ModuleShape,
  { maxPages }: { readonly maxPages: number },
  additions: Additions,
  charge: Code,
): PagePlan {
  const passive = planPassive(shape);
  const saved: SavedGlobal[] = [];
  const addSaved = (name: string, initial: number): number => {
    const global = additions.addGlobal(initial);
    saved.push({ exportName: additions.addExport(name, EXPORT_KIND.global, global), type: 'i32' });
    return global;
  };
  const type = shape.memories[0];
  const limited = type && withMaximum(type, Math.min(maxPages, MOST_PAGES));
  const plan = limited && planMemory(limited, addSaved, charge);
  const layout = { ...(plan && memoryLayout(additions, plan)), ...planInitialize(shape, additions, passive, plan) };
  return {
    memory: plan && onDemand(shape, additions, plan, passive.indices, addSaved),
    memories: limited && plan ? [shiftedMemory(limited, plan)] : [],
    passiveData: passive,
    layout,
    globals: () => saved,
  };
}

/** The module's own passive segments in their order, and where each of them is now. */
function planPassive(shape: ModuleShape) {
  const indices = new Map<number, number>();
  const own: Uint8Array[] = [];
  shape.dataSegments.forEach(({ isActive, contentStart, contentEnd }, index) => {
    if (isActive) return;
    indices.set(index, own.length);
    own.push(shape.bytes.subarray(contentStart, contentEnd));
  });
  return { indices, own, image: readImage(shape)! };
}

function planMemory(
  limited: MemoryType,
  addSaved: (name: string, initial: number) => number,
  charge: Code,
): MemoryPlan {
  const maxPages = limited.maxPages!;
  const basePages = mapPages(maxPages);
  return { maxPages, basePages, sizeGlobal: addSaved('size', limited.minPages), charge };
}

function shiftedMemory(limited: MemoryType, { basePages, maxPages }: MemoryPlan): MemoryType {
  return { ...limited, minPages: limited.minPages + basePages, maxPages: maxPages + basePages };
}

function memoryLayout(additions: Additions, plan: MemoryPlan): Partial<RewriteLayout> {
  return {
    memoryBase: plan.basePages * WASM_PAGE_BYTES,
    maxPages: plan.maxPages,
    memoryExport: additions.addExport('memory', EXPORT_KIND.memory, 0),
    sizeGlobal: `${additions.prefix}size`,
  };
}

function planInitialize(
  shape: ModuleShape,
  additions: Additions,
  { own, image }: { own: readonly Uint8Array[]; image: readonly ImageRun[] },
  plan: MemoryPlan | undefined,
): Partial<RewriteLayout> {
  if (image.length === 0 && shape.startFunction === undefined) return {};
  const start = shape.startFunction;
  const moved = start === undefined || start < shape.importedFunctions ? start : start + additions.functionShift;
  const base = (plan?.basePages ?? 0) * WASM_PAGE_BYTES;
  const index = additions.addFunction(ADDED_TYPE.run, body(0, initializeCode(image, own.length, base, moved)));
  return { initializeExport: additions.addExport('initialize', EXPORT_KIND.function, index) };
}

/** The functions and globals of memory instructions, made when the first body asks for one. */
function onDemand(
  shape: ModuleShape,
  additions: Additions,
  plan: MemoryPlan,
  indices: ReadonlyMap<number, number>,
  addSaved: (name: string, initial: number) => number,
): NonNullable<BodyPlan['memory']> {
  const made = new Map<string, number>();
  const once = (key: string, make: () => number): number => {
    const known = made.get(key);
    if (known !== undefined) return known;
    const index = make();
    made.set(key, index);
    return index;
  };
  const dropped = (segment: number) => once(`dropped ${segment}`, () => addSaved(`dropped.${segment}`, 0));
  const init = (segment: number) => {
    const { contentStart, contentEnd } = shape.dataSegments[segment]!;
    const index = indices.get(segment);
    const droppedGlobal = index === undefined ? -1 : dropped(segment);
    return additions.addFunction(
      ADDED_TYPE.bulk,
      initBody(plan, { index, length: contentEnd - contentStart, droppedGlobal }),
    );
  };
  return {
    baseBytes: plan.basePages * WASM_PAGE_BYTES,
    maxBytes: plan.maxPages * WASM_PAGE_BYTES,
    sizeGlobal: plan.sizeGlobal,
    grow: () => once('grow', () => additions.addFunction(ADDED_TYPE.grow, growBody(plan))),
    fill: () => once('fill', () => additions.addFunction(ADDED_TYPE.bulk, fillBody(plan))),
    copy: () => once('copy', () => additions.addFunction(ADDED_TYPE.bulk, copyBody(plan))),
    init: (segment) => once(`init ${segment}`, () => init(segment)),
    droppedGlobal: (segment) => (indices.has(segment) ? dropped(segment) : undefined),
  };
}
