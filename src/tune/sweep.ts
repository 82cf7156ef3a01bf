/**
 * Tries settings on this machine, one after the other: threads, then processes, then batches, then isolation, each on top of what
 * was best before. The hosts of a step run side by side and are loaded in turns, round by round, because a machine is never the
 * same twice.
 */
import { ISOLATIONS, type Isolation } from '../protocol/messages.js';

/** What is tried; everything else is as the configuration has it. */
export interface Settings {
  readonly maxThreads: number;
  readonly processes: number;
  readonly batchSize: number;
  readonly isolation: Isolation;
}

export type Target = 'rps' | 'p99';
export type Dimension = keyof Settings;

/** One load of one host. */
export interface Sample {
  readonly requestsPerSecond: number;
  readonly p99Ms: number;
}

/** One point of the curve. */
export interface Point {
  readonly settings: Settings;
  readonly rounds: readonly Sample[];
  readonly requestsPerSecond: number;
  readonly p99Ms: number;
}

export interface Step {
  readonly dimension: Dimension;
  readonly points: readonly Point[];
  /** The settings that the next step builds on. */
  readonly best: Settings;
}

/** A host that can be loaded. */
export interface Candidate {
  load(): Promise<Sample>;
  end(): Promise<void>;
}

export interface SweepOptions {
  readonly processors: number;
  readonly rounds: number;
  readonly target: Target;
  /** Whether the best isolation is taken over, and not only measured. */
  readonly choosesIsolation: boolean;
  readonly start: (settings: Settings) => Promise<Candidate>;
  /** Told of each load that has ended. */
  readonly onLoad?: (dimension: Dimension, done: number, all: number) => void;
}

export const DEFAULT_BATCH = 16;
/** A gain below this part is noise, and the smaller setting wins. */
const WORTH = 0.05;
const DIMENSIONS: readonly Dimension[] = ['maxThreads', 'processes', 'batchSize', 'isolation'];

/** Runs every step. A step with one value only is not run. */
export async function sweep(options: SweepOptions): Promise<readonly Step[]> {
  const steps: Step[] = [];
  let settings: Settings = { maxThreads: 1, processes: 1, batchSize: DEFAULT_BATCH, isolation: 'pristine' };
  for (const dimension of DIMENSIONS) {
    const values = valuesOf(dimension, options.processors);
    if (values.length < 2) continue;
    const candidates = values.map((value): Settings => ({ ...settings, [dimension]: value }));
    const points = await measure(dimension, candidates, options);
    const keeps = dimension === 'isolation' && !options.choosesIsolation;
    settings = keeps ? settings : bestOf(points, options.target).settings;
    steps.push({ dimension, points, best: settings });
  }
  return steps;
}

/** How many loads a sweep will make. */
export function loadsOf(processors: number, rounds: number): number {
  const counts = DIMENSIONS.map((dimension) => valuesOf(dimension, processors).length);
  return counts.filter((count) => count > 1).reduce((sum, count) => sum + count, 0) * (rounds + 1);
}

/** From the smallest to the largest: of two that are equally good, the first is taken. */
function valuesOf(dimension: Dimension, processors: number): readonly (number | Isolation)[] {
  if (dimension === 'maxThreads') return powers(Math.max(2, processors));
  if (dimension === 'processes') return powers(processors);
  if (dimension === 'batchSize') return [1, 4, DEFAULT_BATCH, 64];
  return ISOLATIONS;
}

/** 1, 2, 4 … and the last. */
function powers(last: number): number[] {
  const below = Array.from({ length: 11 }, (_, exponent) => 2 ** exponent).filter((power) => power < last);
  return [...below, last];
}

async function measure(dimension: Dimension, candidates: readonly Settings[], options: SweepOptions): Promise<Point[]> {
  const { rounds, start, onLoad } = options;
  const open: Candidate[] = [];
  const samples: Sample[][] = candidates.map(() => []);
  const all = candidates.length * (rounds + 1);
  try {
    for (const settings of candidates) open.push(await start(settings));
    // The first round warms up and does not count.
    for (let round = 0; round <= rounds; round++) {
      for (const [index, candidate] of open.entries()) {
        const sample = await candidate.load();
        if (round > 0) samples[index]?.push(sample);
        onLoad?.(dimension, round * candidates.length + index + 1, all);
      }
    }
  } finally {
    await Promise.all(open.map((candidate) => candidate.end()));
  }
  return candidates.map((settings, index) => pointOf(settings, samples[index] as Sample[]));
}

function pointOf(settings: Settings, rounds: readonly Sample[]): Point {
  return {
    settings,
    rounds,
    requestsPerSecond: median(rounds.map(({ requestsPerSecond }) => requestsPerSecond)),
    p99Ms: median(rounds.map(({ p99Ms }) => p99Ms)),
  };
}

/** The first point that no other beats by more than what is worth it. Where nothing was answered in time, nothing was quick. */
export function bestOf(points: readonly Point[], target: Target): Point {
  const score = ({ requestsPerSecond, p99Ms }: Point): number =>
    target === 'rps' || requestsPerSecond === 0 ? requestsPerSecond : 1 / p99Ms;
  const top = Math.max(...points.map(score));
  return points.find((point) => score(point) >= top * (1 - WORTH)) as Point;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return (
    ((sorted[Math.floor((sorted.length - 1) / 2)] as number) + (sorted[Math.ceil((sorted.length - 1) / 2)] as number)) /
    2
  );
}
