/**
 * Makes every write to memory leave a mark, so that a reset copies back only what an invocation wrote.
 *
 *     real memory   0          memoryBase                      guest address 0 is at memoryBase
 *                   ├─ map ─────┼─ guest page 0 ─┼─ page 1 ─ …  byte k of the map: 4 KiB page k was written
 *
 *     i32.store offset=8        i32.store offset=8+memoryBase    first the store: when it traps, nothing is marked
 *                               local.get $address               the address again
 *                               i32.const 8    i32.add
 *                               i32.const 12   i32.shr_u         its page
 *                               i32.const 1    i32.store8        map[page] = 1
 *
 * Loads get the base too. No load or store can reach the map: address + offset has 33 bits, and the base is in the offset; an
 * offset that would exceed 32 bits becomes 2^32 - 1, which traps as the original does. What has no offset (memory.copy, fill, init)
 * goes through functions that check the address as the original would, before the base is added.
 *
 * `memory.size` is a global and `memory.grow` a function: after a reset the guest sees its old size again and grows into pages
 * that are there already, and that the reset has zeroed.
 */
import { body, type Code, I } from './code.js';
import { REACH_BYTES } from './values.js';

export const DIRTY_PAGE_BYTES = 4096;
export const PAGE_SHIFT = 12;
const WASM_PAGE_BYTES = 65536;
const WASM_PAGE_SHIFT = 16;

export { REACH_BYTES };

/** The number of 64 KiB pages that the map takes in front of a memory of at most `maxPages`. */
export function mapPages(maxPages: number): number {
  return Math.max(1, Math.ceil((maxPages * (WASM_PAGE_BYTES / DIRTY_PAGE_BYTES)) / WASM_PAGE_BYTES));
}

/** The largest memory that still leaves room for its map. */
export const MOST_PAGES = WASM_PAGE_BYTES - mapPages(WASM_PAGE_BYTES);

/** What the functions below need to know. Globals and functions are indices. */
export interface MemoryPlan {
  readonly maxPages: number;
  readonly basePages: number;
  readonly sizeGlobal: number;
  /** Charges the length in local 2 as fuel; empty when fuel is not counted. */
  readonly charge: Code;
}

/** Traps unless `length` bytes at `address` (both locals) lie in the guest's memory: 64-bit sums, nothing wraps. */
function checkInside(plan: MemoryPlan, address: number, length: number): Code {
  const end = [I.local(address), I.extendU, I.local(length), I.extendU, I.add64];
  const size = [I.global(plan.sizeGlobal), I.extendU, I.const64(WASM_PAGE_SHIFT), I.shl64];
  return [end, size, I.gtU64, I.if, I.trap, I.end];
}

/** Marks the pages of local 2 bytes at local 0; locals 3 and 4 are free. */
const MARK: Code = [
  [I.local(2), I.if],
  [I.local(0), I.const(PAGE_SHIFT), I.shrU, I.teeLocal(3)],
  [I.local(0), I.local(2), I.add, I.const(1), I.sub, I.const(PAGE_SHIFT), I.shrU, I.teeLocal(4)],
  [I.eq, I.if, I.local(3), I.const(1), I.store8],
  [I.else, I.local(3), I.const(1), I.local(4), I.local(3), I.sub, I.const(1), I.add, I.memoryFill, I.end],
  I.end,
];

const shifted = (plan: MemoryPlan, local: number): Code => [
  I.local(local),
  I.const((plan.basePages * WASM_PAGE_BYTES) | 0),
  I.add,
];

/** `memory.fill` as a function of address, value, length. */
export function fillBody(plan: MemoryPlan): Uint8Array {
  return body(2, [checkInside(plan, 0, 2), plan.charge, shifted(plan, 0), I.local(1), I.local(2), I.memoryFill, MARK]);
}

/** `memory.copy` as a function of target, source, length. */
export function copyBody(plan: MemoryPlan): Uint8Array {
  const checks = [checkInside(plan, 0, 2), checkInside(plan, 1, 2)];
  return body(2, [checks, plan.charge, shifted(plan, 0), shifted(plan, 1), I.local(2), I.memoryCopy, MARK]);
}

/** A data segment that `memory.init` may read: its length, or the global that says whether it was dropped. */
export interface InitSegment {
  /** Its index in the rewritten module; undefined for an active segment, which counts as dropped. */
  readonly index: number | undefined;
  readonly length: number;
  /** Not 0 after `data.drop`. */
  readonly droppedGlobal: number;
}

/** `memory.init` of one segment as a function of target, offset in the segment, length. */
export function initBody(plan: MemoryPlan, segment: InitSegment): Uint8Array {
  const isActive = segment.index === undefined;
  const length = isActive
    ? I.const(0)
    : [I.const(0), I.const(segment.length), I.global(segment.droppedGlobal), I.select];
  const end = [I.local(1), I.extendU, I.local(2), I.extendU, I.add64];
  const checks = [end, length, I.extendU, I.gtU64, I.if, I.trap, I.end, checkInside(plan, 0, 2)];
  if (isActive) return body(2, checks);
  const init = [shifted(plan, 0), I.local(1), I.local(2), I.memoryInit(segment.index)];
  // A dropped segment may still be read with length 0, and so may the real one.
  return body(2, [checks, plan.charge, I.local(2), I.if, init, MARK, I.end]);
}

/** `memory.grow` as a function: -1 beyond the limit, and real growth only beyond what is there already. */
export function growBody(plan: MemoryPlan): Uint8Array {
  const size = I.global(plan.sizeGlobal);
  const fail: Code = [I.if, I.const(-1), I.return, I.end];
  return body(2, [
    [I.local(0), I.const(plan.maxPages), size, I.sub, I.gtU, fail],
    [size, I.local(0), I.add, I.teeLocal(1)],
    [I.memorySize, I.const(plan.basePages), I.sub, I.teeLocal(2), I.gtU, I.if],
    [I.local(1), I.local(2), I.sub, I.memoryGrow, I.const(-1), I.eq, fail, I.end],
    [size, I.local(1), I.setGlobal(plan.sizeGlobal)],
  ]);
}
