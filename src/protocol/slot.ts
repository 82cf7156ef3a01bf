/**
 * The shared memory between the main thread and the sandbox threads. Nothing else knows offsets.
 *
 *   table   ┌──────┬──────────────────┬──────────────────┬───
 *           │ bell │ slot 0           │ slot 1           │ …     beside the bell: whether there is a processor to spare
 *           └──────┴──────────────────┴──────────────────┴───
 *             64 B   slotBytes          slotBytes
 *
 *   slot    ┌───────────────┬──────────────┬─────────────────────────────────┐
 *           │ words (i32)   │ times (f64)  │ payload                         │
 *           │ 16 × 4 B      │ 4 × 8 B      │ slotBytes − 96                  │
 *           └───────────────┴──────────────┴─────────────────────────────────┘
 *
 *   payload, while the guest runs   ┌─────────────────┬──────────────────────┐
 *                                   │ request         │ host-call pieces     │
 *                                   └─────────────────┴──────────────────────┘
 *            when it has ended      ┌────────────────────────────────────────┐
 *                                   │ response envelope, or an error as JSON │
 *                                   └────────────────────────────────────────┘
 *
 * States and who moves them:
 *
 *   FREE ──main──▶ QUEUED ──worker──▶ RUNNING ──worker──▶ DONE ──main──▶ FREE
 *                    │ main withdraws    │ ▲
 *                    ▼                   ▼ │ main answers
 *                  FREE               CALLING ──main──▶ ANSWERING ──main──▶ ANSWERED ──worker──▶ RUNNING
 *
 * QUEUED is left only by compare-and-exchange, because the main thread may withdraw what a worker is about to take. So is
 * CALLING, because the worker may give up at its deadline while the main thread is about to write the reply: who wins the
 * exchange owns the payload. After a move that the main thread waits for, the worker rings the bell. A waiter loops on the
 * state: the wake itself proves nothing. An invocation that runs is cancelled by a word beside the state: the worker looks at it
 * whenever the guest gives it an occasion.
 */

import { createSpinner } from './spin.js';

export const FREE = 0;
export const QUEUED = 1;
export const RUNNING = 2;
export const CALLING = 3;
export const ANSWERED = 4;
export const DONE = 5;
const ANSWERING = 6;

// The state word: the state in the low bits and, while QUEUED, the ticket above.
const STATE_BITS = 3;
const STATE_MASK = (1 << STATE_BITS) - 1;
const MAX_TICKET = 0x0fffffff;

const BELL_BYTES = 64;
const BELL = 0;
/** main: 1 while a thread that waits may keep its processor */
const SPARE = 1;
const WORD_COUNT = 16;
const TIME_COUNT = 4;
export const SLOT_HEADER_BYTES = WORD_COUNT * 4 + TIME_COUNT * 8;

/** Room that a request must leave in a slot for host-call pieces. */
export const EXCHANGE_MIN_BYTES = 4096;

// Words of a slot. Written by the side named; read by the other.
const STATE = 0;
/** main: key of the loaded release */
const RELEASE = 1;
/** main: bytes of the request at the start of the payload */
const REQUEST_BYTES = 2;
/** main: why the guest runs, index into EXECUTION_SOURCES of messages.ts */
const SOURCE = 3;
/** main: tenant in force */
const TENANT = 4;
/** worker: RESPONSE, FAILURE or ELSEWHERE */
const OUTCOME = 5;
/** worker: bytes of the response or of the error at the start of the payload */
const OUTCOME_BYTES = 6;
/** worker: host calls made */
const HOST_CALLS = 7;
/** worker: bytes of the whole host-call request, or MORE to ask for the next piece of the reply */
const CALL_TOTAL = 8;
/** worker: bytes of the piece in the exchange area */
const CALL_PIECE = 9;
/** main: bytes of the whole reply, or MORE to ask for the next piece of the request */
const REPLY_TOTAL = 10;
/** main: bytes of the piece in the exchange area */
const REPLY_PIECE = 11;
/** main: 1 when nobody waits for the outcome any more */
const CANCELLED = 12;
/** worker: 1 while it waits for a disk */
const BLOCKING = 13;
const AT_DISK = 1;
const WAS_AT_DISK = 2;

// Times of a slot, in ms.
/** main: longest run */
const DEADLINE_MS = 0;
/** worker: when it took the slot, ms since the epoch; 0 until then */
const STARTED_AT = 1;
/** worker: when the guest had ended, ms since the epoch */
const ENDED_AT = 2;

/** The outcome is a response envelope in the payload. */
export const RESPONSE = 0;
/** The outcome is an `ErrorData` as JSON in the payload. */
export const FAILURE = 1;
/** The outcome is a response envelope too large for the payload; it travels with the end of the batch. */
export const ELSEWHERE = 2;
/** In place of a total: this is not the last piece; send or ask for the next. */
export const MORE = -1;

export interface Slot {
  readonly index: number;
  readonly words: Int32Array;
  readonly times: Float64Array;
  readonly payload: Buffer;
}

export interface SlotTable {
  readonly buffer: SharedArrayBuffer;
  readonly bell: Int32Array;
  readonly slots: readonly Slot[];
}

/** Shared memory for `count` slots of `slotBytes` bytes each (a multiple of 8). */
export function createSlotTable(count: number, slotBytes: number): SlotTable {
  return openSlotTable(new SharedArrayBuffer(BELL_BYTES + count * slotBytes), slotBytes);
}

/** The same table seen from another thread. */
export function openSlotTable(buffer: SharedArrayBuffer, slotBytes: number): SlotTable {
  const count = (buffer.byteLength - BELL_BYTES) / slotBytes;
  const slots = Array.from({ length: count }, (_, index) =>
    openSlot(index, buffer, BELL_BYTES + index * slotBytes, slotBytes),
  );
  return { buffer, bell: new Int32Array(buffer, 0, 2), slots };
}

/** A slot in memory of its own, for a request that no slot of the table can hold. */
export function openLargeSlot(index: number, buffer: SharedArrayBuffer): Slot {
  return openSlot(index, buffer, 0, buffer.byteLength);
}

/** Bytes of the memory that a large slot needs for a request of that size. */
export function largeSlotBytes(requestBytes: number): number {
  return (SLOT_HEADER_BYTES + requestBytes + EXCHANGE_MIN_BYTES + 7) & ~7;
}

function openSlot(index: number, buffer: SharedArrayBuffer, offset: number, bytes: number): Slot {
  return {
    index,
    words: new Int32Array(buffer, offset, WORD_COUNT),
    times: new Float64Array(buffer, offset + WORD_COUNT * 4, TIME_COUNT),
    payload: Buffer.from(buffer, offset + SLOT_HEADER_BYTES, bytes - SLOT_HEADER_BYTES),
  };
}

export function stateOf(slot: Slot): number {
  return Atomics.load(slot.words, STATE) & STATE_MASK;
}

// ---- main thread -------------------------------------------------------------------------------------------------------

export interface SlotRequest {
  readonly releaseKey: number;
  readonly requestBytes: number;
  readonly source: number;
  readonly tenantId: number;
  readonly deadlineMs: number;
}

/**
 * Hands a slot whose payload already holds the request to the worker that is told the ticket. A slot that was withdrawn and
 * leased again may still stand in the list of the worker that had it before; the ticket keeps that one off.
 */
export function queueSlot(slot: Slot, ticket: number, request: SlotRequest): void {
  const { words, times } = slot;
  words[RELEASE] = request.releaseKey;
  words[REQUEST_BYTES] = request.requestBytes;
  words[SOURCE] = request.source;
  words[TENANT] = request.tenantId;
  words[HOST_CALLS] = 0;
  words[CANCELLED] = 0;
  words[BLOCKING] = 0;
  times[DEADLINE_MS] = request.deadlineMs;
  times[STARTED_AT] = 0;
  times[ENDED_AT] = 0;
  Atomics.store(words, STATE, queued(ticket));
}

/** QUEUED with the ticket above it. */
function queued(ticket: number): number {
  return ((ticket & MAX_TICKET) << STATE_BITS) | QUEUED;
}

/** Takes an unstarted slot back. False when a worker was faster. */
export function withdrawSlot(slot: Slot, ticket: number): boolean {
  return Atomics.compareExchange(slot.words, STATE, queued(ticket), FREE) === queued(ticket);
}

export function freeSlot(slot: Slot): void {
  Atomics.store(slot.words, STATE, FREE);
}

/** Nobody waits for the outcome of this running slot any more: its guest is stopped at the next occasion. */
export function cancelSlot(slot: Slot): void {
  Atomics.store(slot.words, CANCELLED, 1);
  Atomics.notify(slot.words, STATE, 1);
}

/** Tells the workers whether more processors are there than threads that have work. */
export function setSpare({ bell }: SlotTable, isSpare: boolean): void {
  Atomics.store(bell, SPARE, isSpare ? 1 : 0);
}

/** Whether the slot's worker waits for the main thread or for a disk. */
export function isBlocked(slot: Slot): boolean {
  const state = stateOf(slot);
  return state === CALLING || state === ANSWERING || isAtDisk(slot);
}

/** Whether the slot's worker waits for a disk. */
export function isAtDisk(slot: Slot): boolean {
  return Atomics.load(slot.words, BLOCKING) === AT_DISK;
}

/** Whether the slot's worker waits for a disk, or has since it took the slot. */
export function wasAtDisk(slot: Slot): boolean {
  return Atomics.load(slot.words, BLOCKING) !== 0;
}

/** When the worker took the slot, ms since the epoch; 0 when it has not. */
export function startedAt(slot: Slot): number {
  return slot.times[STARTED_AT] as number;
}

export interface SlotOutcome {
  readonly kind: number;
  readonly bytes: number;
  readonly hostCalls: number;
  readonly startedAt: number;
  readonly endedAt: number;
}

export function readOutcome(slot: Slot): SlotOutcome {
  const { words, times } = slot;
  return {
    kind: words[OUTCOME] as number,
    bytes: words[OUTCOME_BYTES] as number,
    hostCalls: words[HOST_CALLS] as number,
    startedAt: times[STARTED_AT] as number,
    endedAt: times[ENDED_AT] as number,
  };
}

/** The piece of a host-call request that the worker has put down; `total` is MORE when it asks for more of the reply. */
export function readCallPiece(slot: Slot): { total: number; piece: Buffer } {
  const start = slot.words[REQUEST_BYTES] as number;
  return {
    total: slot.words[CALL_TOTAL] as number,
    piece: slot.payload.subarray(start, start + (slot.words[CALL_PIECE] as number)),
  };
}

/** Asks the worker for the next piece of its request. */
export function askForMore(slot: Slot): void {
  if (claimReply(slot)) answer(slot, MORE, 0);
}

/**
 * Puts down the piece of the reply that begins at `offset` and wakes the worker.
 * @returns the offset of the next piece; the reply's length, too, when the worker no longer waits.
 */
export function answerPiece(slot: Slot, reply: Uint8Array, offset: number): number {
  if (!claimReply(slot)) return reply.length;
  const start = slot.words[REQUEST_BYTES] as number;
  const bytes = Math.min(reply.length - offset, slot.payload.length - start);
  slot.payload.set(reply.subarray(offset, offset + bytes), start);
  answer(slot, reply.length, bytes);
  return offset + bytes;
}

function claimReply(slot: Slot): boolean {
  return Atomics.compareExchange(slot.words, STATE, CALLING, ANSWERING) === CALLING;
}

function answer(slot: Slot, total: number, pieceBytes: number): void {
  slot.words[REPLY_TOTAL] = total;
  slot.words[REPLY_PIECE] = pieceBytes;
  Atomics.store(slot.words, STATE, ANSWERED);
  Atomics.notify(slot.words, STATE, 1);
}

// ---- worker thread -----------------------------------------------------------------------------------------------------

/** Takes a queued slot. False when the main thread has withdrawn it. */
export function takeSlot(slot: Slot, ticket: number, now: number): boolean {
  if (Atomics.compareExchange(slot.words, STATE, queued(ticket), RUNNING) !== queued(ticket)) return false;
  slot.times[STARTED_AT] = now;
  return true;
}

export interface TakenRequest {
  readonly releaseKey: number;
  readonly source: number;
  readonly tenantId: number;
  readonly deadlineMs: number;
  /** View on the slot, valid until the outcome is written. */
  readonly bytes: Buffer;
}

export function readRequest(slot: Slot): TakenRequest {
  const { words } = slot;
  return {
    releaseKey: words[RELEASE] as number,
    source: words[SOURCE] as number,
    tenantId: words[TENANT] as number,
    deadlineMs: slot.times[DEADLINE_MS] as number,
    bytes: slot.payload.subarray(0, words[REQUEST_BYTES] as number),
  };
}

/** Says that the worker waits for a disk, or that it goes on. */
export function setBlocking(slot: Slot, isBlocking: boolean): void {
  Atomics.store(slot.words, BLOCKING, isBlocking ? AT_DISK : WAS_AT_DISK);
}

export function isCancelled(slot: Slot): boolean {
  return Atomics.load(slot.words, CANCELLED) === 1;
}

/**
 * Ends an invocation; the payload already holds `bytes` bytes of the outcome unless it is ELSEWHERE. The main thread learns of it
 * when the bell rings next.
 */
export function finishSlot(
  slot: Slot,
  outcome: { kind: number; bytes: number; hostCalls: number; endedAt: number },
): void {
  slot.words[OUTCOME] = outcome.kind;
  slot.words[OUTCOME_BYTES] = outcome.bytes;
  slot.words[HOST_CALLS] = outcome.hostCalls;
  slot.times[ENDED_AT] = outcome.endedAt;
  Atomics.store(slot.words, STATE, DONE);
}

/**
 * Sends a host-call request through the slot and blocks until the whole reply is there.
 * Pieces of either side are at most as large as the room behind the request.
 * @returns a copy of the reply, or undefined when `until` (ms since the epoch) has passed or the invocation was cancelled.
 */
export function callOverSlot(
  table: SlotTable,
  slot: Slot,
  request: Uint8Array,
  until: number,
  now: () => number,
): Uint8Array | undefined {
  const start = slot.words[REQUEST_BYTES] as number;
  const room = slot.payload.length - start;
  let sent = 0;
  do {
    const bytes = Math.min(room, request.length - sent);
    slot.payload.set(request.subarray(sent, sent + bytes), start);
    sent += bytes;
    if (!exchange(table, slot, request.length, bytes, until, now)) return undefined;
  } while (slot.words[REPLY_TOTAL] === MORE);

  const reply = new Uint8Array(slot.words[REPLY_TOTAL] as number);
  let received = 0;
  for (;;) {
    const bytes = slot.words[REPLY_PIECE] as number;
    reply.set(slot.payload.subarray(start, start + bytes), received);
    received += bytes;
    if (received >= reply.length) return reply;
    if (!exchange(table, slot, MORE, 0, until, now)) return undefined;
  }
}

/** Whether a thread that waits may keep its processor. */
export function isSpare({ bell }: SlotTable): boolean {
  return Atomics.load(bell, SPARE) === 1;
}

/** Of this thread: how soon the main thread answers depends on the services that guests use, and on what else it does. */
const spinner = createSpinner();

/** One turn: the worker's piece is down; waits for the main thread's. */
function exchange(
  table: SlotTable,
  slot: Slot,
  total: number,
  pieceBytes: number,
  until: number,
  now: () => number,
): boolean {
  slot.words[CALL_TOTAL] = total;
  slot.words[CALL_PIECE] = pieceBytes;
  Atomics.store(slot.words, STATE, CALLING);
  ring(table);
  if (isSpare(table)) spinner.try(() => Atomics.load(slot.words, STATE) === ANSWERED);
  for (;;) {
    const state = Atomics.load(slot.words, STATE);
    if (state === ANSWERED) break;
    const leftMs = isCancelled(slot) ? 0 : until - now();
    if (state === ANSWERING) Atomics.wait(slot.words, STATE, ANSWERING);
    else if (leftMs > 0) Atomics.wait(slot.words, STATE, CALLING, leftMs);
    else if (Atomics.compareExchange(slot.words, STATE, CALLING, RUNNING) === CALLING) return false;
  }
  Atomics.store(slot.words, STATE, RUNNING);
  return true;
}

/** Tells the main thread that a slot has moved. */
export function ring(table: SlotTable): void {
  Atomics.add(table.bell, BELL, 1);
  Atomics.notify(table.bell, BELL, 1);
}
