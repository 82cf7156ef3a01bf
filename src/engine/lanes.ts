/**
 * Who waits: one lane per plugin, lanes take turns, a turn is as many invocations as the plugin's weight. A plugin with a thousand
 * waiting invocations delays its neighbours by one turn, not by a thousand.
 */

import { wallClock } from '../protocol/clock.js';
import { SandpoolError } from '../protocol/errors.js';
import type { Lane, Waiting } from './batch.js';
import type { Job } from './job.js';

export type { Lane, Waiting } from './batch.js';

export interface LaneLimits {
  /** Invocations of a plugin that may be under way at once. */
  readonly concurrency: number;
  /** Invocations of a plugin that may wait. */
  readonly queue: number;
  /** Invocations of a plugin in one turn. */
  readonly weight: number;
}

export interface Lanes {
  readonly count: () => number;
  /** At the end of its lane. @throws SBX_QUEUE_FULL */
  add(job: Job): Waiting;
  /** Back to the head of its lane. */
  putBack(waiting: Waiting): void;
  /** False when it waits no more. */
  remove(waiting: Waiting): boolean;
  /**
   * The next whose lane may have another under way; it is counted as under way from now on. A lane whose head does not suit is passed
   * over and keeps its turn.
   */
  take(suits?: (waiting: Waiting) => boolean): Waiting | undefined;
  /** One of the lane is no longer under way; `runMs` when it has run. */
  done(lane: Lane, runMs?: number): void;
  /** Whether somebody of that kind could be taken. */
  has(suits: (waiting: Waiting) => boolean): boolean;
  /** Run time of all who wait, in ms, as far as it is known. */
  expectedMs(): number;
  /** Whether more than one plugin has asked lately. */
  areShared(): boolean;
  /** How long the longest waiting has waited, in ms; 0 when nobody waits. */
  longestWaitMs(): number;
  /** Removes and returns who has waited longer than that. */
  expired(waitMs: number): Waiting[];
}

/** Plugins that asked one after the other within this time, in ms, share the threads. */
const SHARED_MS = 100;

export function createLanes(maxQueue: number, limitsOf: (pluginId: string) => LaneLimits): Lanes {
  const lanes = new Map<string, Lane>();
  /** Lanes in which somebody waits, in the order of their turns. */
  const turns: Lane[] = [];
  let waitingCount = 0;
  let latest: Lane | undefined;
  /** When a plugin asked after another one. */
  let sharedAt = 0;

  const laneOf = (pluginId: string): Lane => {
    const known = lanes.get(pluginId);
    if (known) return known;
    const lane: Lane = { pluginId, waiting: [], inFlight: 0, turnLeft: 0, averageRunMs: 0, diskShare: 0, lastRunMs: 0 };
    lanes.set(pluginId, lane);
    return lane;
  };
  const drop = (waiting: Waiting): boolean => {
    const { lane } = waiting;
    const index = lane.waiting.indexOf(waiting);
    if (index === -1) return false;
    lane.waiting.splice(index, 1);
    if (lane.waiting.length === 0) turns.splice(turns.indexOf(lane), 1);
    waitingCount -= 1;
    return true;
  };
  const passTurn = (lane: Lane, turn: number): void => {
    turns.splice(turn, 1);
    lane.turnLeft = 0;
    if (lane.waiting.length > 0) turns.push(lane);
  };
  const heads = (): Waiting[] => turns.map((lane) => lane.waiting[0] as Waiting);

  return {
    count: () => waitingCount,
    add(job) {
      const lane = laneOf(job.pluginId);
      if (waitingCount >= maxQueue || lane.waiting.length >= limitsOf(job.pluginId).queue)
        throw new SandpoolError('SBX_QUEUE_FULL', { pluginId: job.pluginId });
      const now = wallClock();
      if (latest !== undefined && latest !== lane) sharedAt = now;
      latest = lane;
      const waiting: Waiting = { job, lane, enqueuedAt: now, attempts: 0, isLarge: false, running: undefined };
      if (lane.waiting.length === 0) turns.push(lane);
      lane.waiting.push(waiting);
      waitingCount += 1;
      return waiting;
    },
    putBack(waiting) {
      const { lane } = waiting;
      if (lane.waiting.length === 0) turns.unshift(lane);
      lane.waiting.unshift(waiting);
      waitingCount += 1;
    },
    remove: drop,
    take(suits) {
      let turn = 0;
      for (let tries = turns.length; tries > 0; tries--) {
        const lane = turns[turn] as Lane;
        const { concurrency, weight } = limitsOf(lane.pluginId);
        if (lane.inFlight >= concurrency) {
          passTurn(lane, turn);
          continue;
        }
        if (suits && !suits(lane.waiting[0] as Waiting)) {
          turn += 1;
          continue;
        }
        const waiting = lane.waiting.shift() as Waiting;
        waitingCount -= 1;
        lane.inFlight += 1;
        if (lane.turnLeft === 0) lane.turnLeft = weight;
        lane.turnLeft -= 1;
        if (lane.turnLeft === 0 || lane.waiting.length === 0) passTurn(lane, turn);
        return waiting;
      }
      return undefined;
    },
    done(lane, runMs) {
      lane.inFlight -= 1;
      if (runMs === undefined) return;
      // The lower of two, because a single long run is more often the machine's doing than the guest's.
      const sample = Math.min(runMs, lane.lastRunMs);
      lane.lastRunMs = runMs;
      lane.averageRunMs += (sample - lane.averageRunMs) / 8;
    },
    has: (suits) =>
      turns.some((lane) => lane.inFlight < limitsOf(lane.pluginId).concurrency && suits(lane.waiting[0] as Waiting)),
    expectedMs: () => turns.reduce((sum, lane) => sum + lane.waiting.length * lane.averageRunMs, 0),
    areShared: () => wallClock() - sharedAt < SHARED_MS,
    longestWaitMs() {
      let oldest = wallClock();
      const now = oldest;
      for (const lane of turns) oldest = Math.min(oldest, (lane.waiting[0] as Waiting).enqueuedAt);
      return now - oldest;
    },
    expired(waitMs) {
      const before = wallClock() - waitMs;
      const gone: Waiting[] = [];
      for (let late = heads().filter(isLate); late.length > 0; late = heads().filter(isLate)) {
        for (const waiting of late) {
          drop(waiting);
          gone.push(waiting);
        }
      }
      return gone;

      function isLate(waiting: Waiting): boolean {
        return waiting.enqueuedAt <= before;
      }
    },
  };
}
