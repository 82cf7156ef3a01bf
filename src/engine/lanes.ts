/**
 * Who waits: one lane per plugin, lanes take turns, a turn is as many invocations as the plugin's weight. A plugin with a thousand
 * waiting invocations delays its neighbours by one turn, not by a thousand.
 */
import { SandpoolError } from '../protocol/errors.js';
import type { Job } from './job.js';

export interface LaneLimits {
  /** Invocations of a plugin that may be under way at once. */
  readonly concurrency: number;
  /** Invocations of a plugin that may wait. */
  readonly queue: number;
  /** Invocations of a plugin in one turn. */
  readonly weight: number;
}

export interface Lane {
  readonly pluginId: string;
  readonly waiting: Waiting[];
  inFlight: number;
  /** Invocations that it has left in this turn. */
  turnLeft: number;
  /** Moving average of run times, in ms. */
  averageRunMs: number;
}

export interface Waiting {
  readonly job: Job;
  readonly lane: Lane;
  readonly enqueuedAt: number;
  /** How often a thread died before it started this. */
  attempts: number;
}

export interface Lanes {
  readonly count: () => number;
  /** At the end of its lane. @throws SBX_QUEUE_FULL */
  add(job: Job): Waiting;
  /** Back to the head of its lane. */
  putBack(waiting: Waiting): void;
  /** False when it waits no more. */
  remove(waiting: Waiting): boolean;
  /** The next whose lane may have another under way; it is counted as under way from now on. */
  take(): Waiting | undefined;
  /** One of the lane is no longer under way. */
  done(lane: Lane, runMs: number): void;
  /** How long the longest waiting has waited, in ms; 0 when nobody waits. */
  longestWaitMs(): number;
  /** Removes and returns who has waited longer than that. */
  expired(waitMs: number): Waiting[];
}

export function createLanes(maxQueue: number, limitsOf: (pluginId: string) => LaneLimits): Lanes {
  const lanes = new Map<string, Lane>();
  /** Lanes in which somebody waits, in the order of their turns. */
  const turns: Lane[] = [];
  let waitingCount = 0;

  const laneOf = (pluginId: string): Lane => {
    const known = lanes.get(pluginId);
    if (known) return known;
    const lane: Lane = { pluginId, waiting: [], inFlight: 0, turnLeft: 0, averageRunMs: 0 };
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
  const passTurn = (lane: Lane): void => {
    turns.shift();
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
      const waiting: Waiting = { job, lane, enqueuedAt: performance.now(), attempts: 0 };
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
    take() {
      for (let tries = turns.length; tries > 0; tries--) {
        const lane = turns[0] as Lane;
        const { concurrency, weight } = limitsOf(lane.pluginId);
        if (lane.inFlight >= concurrency) {
          passTurn(lane);
          continue;
        }
        const waiting = lane.waiting.shift() as Waiting;
        waitingCount -= 1;
        lane.inFlight += 1;
        if (lane.turnLeft === 0) lane.turnLeft = weight;
        lane.turnLeft -= 1;
        if (lane.turnLeft === 0 || lane.waiting.length === 0) passTurn(lane);
        return waiting;
      }
      return undefined;
    },
    done(lane, runMs) {
      lane.inFlight -= 1;
      lane.averageRunMs += (runMs - lane.averageRunMs) / 8;
    },
    longestWaitMs() {
      let oldest = performance.now();
      const now = oldest;
      for (const lane of turns) oldest = Math.min(oldest, (lane.waiting[0] as Waiting).enqueuedAt);
      return now - oldest;
    },
    expired(waitMs) {
      const before = performance.now() - waitMs;
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
