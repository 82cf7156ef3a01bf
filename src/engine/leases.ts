/** The slots and feeds that everything under way shares: which are free, and how a request gets into one. */
import { createFeeds, type Feed, feedCapacity, openFeeds, resetFeed, stageSlot } from '../protocol/feed.js';
import {
  createSlotTable,
  EXCHANGE_MIN_BYTES,
  freeSlot,
  largeSlotBytes,
  openLargeSlot,
  queueSlot,
  type Slot,
  type SlotTable,
} from '../protocol/slot.js';
import type { Running, RunningBatch, Waiting } from './batch.js';

export interface LeaseSizes {
  readonly slotCount: number;
  readonly slotBytes: number;
  readonly batchSize: number;
  readonly feedCount: number;
}

export interface Leases {
  readonly table: SlotTable;
  readonly feeds: { readonly buffer: SharedArrayBuffer; readonly capacity: number };
  freeSlots(): number;
  freeFeeds(): number;
  /** For a new batch, empty; one must be free. */
  takeFeed(): Feed;
  giveFeedBack(feed: Feed): void;
  /**
   * A slot with the request in it, staged in the feed of the batch; one must be free. Undefined, and none is taken, when the feed takes
   * no more, or when no slot can hold the request and the batch `isClosedTo` such ones.
   */
  lease(waiting: Waiting, batch: RunningBatch, isClosedTo: (waiting: Waiting) => boolean): Running | undefined;
  giveBack(slot: Slot): void;
}

export function createLeases({ slotCount, slotBytes, batchSize, feedCount }: LeaseSizes): Leases {
  const table = createSlotTable(slotCount, slotBytes);
  const capacity = feedCapacity(batchSize);
  const buffer = createFeeds(feedCount, capacity);
  const freeSlots: Slot[] = [...table.slots].reverse();
  const freeFeeds: Feed[] = openFeeds(buffer, capacity).reverse();
  let lastTicket = 0;

  return {
    table,
    feeds: { buffer, capacity },
    freeSlots: () => freeSlots.length,
    freeFeeds: () => freeFeeds.length,
    takeFeed() {
      const feed = freeFeeds.pop() as Feed;
      resetFeed(feed);
      return feed;
    },
    giveFeedBack: (feed) => void freeFeeds.push(feed),
    lease(waiting, batch, isClosedTo) {
      const { job } = waiting;
      const leased = freeSlots.pop() as Slot;
      let slot = leased;
      let requestBytes = job.encode(slot.payload, slot.payload.length - EXCHANGE_MIN_BYTES);
      if (requestBytes === -1) {
        waiting.isLarge = true;
        if (isClosedTo(waiting)) return giveUp(leased);
        const request = job.encoded();
        requestBytes = request.length;
        slot = enlarge(leased, request, batch);
      }
      const { source, tenantId, deadlineMs, release } = job;
      const ticket = ++lastTicket;
      queueSlot(slot, ticket, { releaseKey: release.key, requestBytes, source, tenantId, deadlineMs });
      if (!stageSlot(batch.feed, slot.index, ticket)) {
        batch.large?.delete(slot.index);
        return giveUp(leased);
      }
      const expectedMs = waiting.lane.averageRunMs;
      return { slot, ticket, waiting, job, batch, expectedMs, call: undefined, settled: false };
    },
    giveBack,
  };

  function giveUp(slot: Slot): undefined {
    giveBack(slot);
  }

  function giveBack(slot: Slot): void {
    freeSlot(slot);
    freeSlots.push(table.slots[slot.index] as Slot);
  }
}

/** The slot's number with memory of its own; the slot in the table stays leased meanwhile. */
function enlarge(leased: Slot, request: Uint8Array, batch: RunningBatch): Slot {
  const memory = new SharedArrayBuffer(largeSlotBytes(request.length));
  batch.large ??= new Map();
  batch.large.set(leased.index, memory);
  const slot = openLargeSlot(leased.index, memory);
  slot.payload.set(request);
  return slot;
}
