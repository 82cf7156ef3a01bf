/** What a sweep found, as people and hosts read it: a curve in text, and a piece of configuration with the evidence beside it. */
import { bestOf, type Dimension, type Point, type Settings, type Step, type Target } from './sweep.js';

export interface Evidence {
  readonly pluginId: string;
  /** Method and path of the request. */
  readonly request: string;
  readonly machine: string;
  readonly node: string;
  readonly startedAt: string;
  readonly connections: number;
  readonly rounds: number;
  readonly roundMs: number;
  readonly target: Target;
  readonly choosesIsolation: boolean;
  readonly steps: readonly Step[];
}

const SETTING: Readonly<Record<Dimension, string>> = {
  maxThreads: 'pool.maxThreads',
  processes: 'server.processes',
  batchSize: 'pool.batchSize',
  isolation: 'sandbox.isolation',
};
const BAR_WIDTH = 30;

/** What is recommended: the best of the last step. */
export function recommended({ steps }: Evidence): Settings {
  return (steps.at(-1) as Step).best;
}

/** One line per point, with a bar for the requests per second and a mark at what was taken. */
export function curveOf({ steps, target }: Pick<Evidence, 'steps' | 'target'>): string {
  const most = Math.max(...steps.flatMap(({ points }) => points.map(({ requestsPerSecond }) => requestsPerSecond)));
  return steps
    .map((step) => [headOf(step), ...step.points.map((point) => lineOf(step, point, most, target))].join('\n'))
    .join('\n\n');
}

function headOf({ dimension, points }: Step): string {
  const [{ settings }] = points as [Point];
  const others = (Object.keys(SETTING) as Dimension[]).filter((other) => other !== dimension);
  return `${SETTING[dimension]}  (${others.map((other) => `${SETTING[other]} ${settings[other]}`).join(', ')})`;
}

function lineOf({ dimension, points, best }: Step, point: Point, most: number, target: Target): string {
  const value = point.settings[dimension];
  const mark =
    value === best[dimension] ? '◀' : value === bestOf(points, target).settings[dimension] ? '(fastest)' : '';
  const bar = '█'.repeat(Math.max(1, Math.round((point.requestsPerSecond / most) * BAR_WIDTH)));
  const rates = point.rounds.map(({ requestsPerSecond }) => requestsPerSecond);
  const spread = `[${round(Math.min(...rates))} – ${round(Math.max(...rates))}]`;
  const numbers = `${round(point.requestsPerSecond).padStart(8)} rps ${spread.padEnd(19)} p99 ${point.p99Ms.toPrecision(3).padStart(5)} ms`;
  return `  ${String(value).padEnd(9)}${numbers}  ${bar.padEnd(BAR_WIDTH)} ${mark}`.trimEnd();
}

/** YAML that a configuration file can begin with. */
export function fragmentOf(evidence: Evidence): string {
  const { maxThreads, processes, batchSize, isolation } = recommended(evidence);
  const { pluginId, request, machine, node, startedAt, connections, rounds, roundMs, target, choosesIsolation } =
    evidence;
  const hasProcesses = evidence.steps.some(({ dimension }) => dimension === 'processes');
  const comments = [
    `Made by sandpool tune for ${target === 'rps' ? 'most requests per second' : 'the lowest p99'} on ${machine}, Node ${node}, ${startedAt}.`,
    `Plugin ${pluginId}, ${request}, ${connections} connections; medians of ${rounds} interleaved rounds of ${roundMs} ms [lowest – highest].`,
    'The load generator shared the machine: read the order, not the numbers.',
    '',
    ...curveOf(evidence).split('\n'),
    '',
    ...isolationAdvice(choosesIsolation, isolation),
    ...(maxThreads * processes === 1
      ? ['With a single thread, a guest that is stuck holds up everybody until its deadline.']
      : []),
  ];
  const lines = [
    ...comments.map((line) => `# ${line}`.trimEnd()),
    ...(hasProcesses ? ['server:', `  processes: ${processes}`] : []),
    'pool:',
    `  maxThreads: ${maxThreads}`,
    `  batchSize: ${batchSize}`,
    ...(choosesIsolation ? ['sandbox:', '  plugins:', `    ${pluginId}: { isolation: ${isolation} }`] : []),
  ];
  return `${lines.join('\n')}\n`;
}

/** Isolation is a promise to the plugin's users; speed alone is no reason to break it. */
function isolationAdvice(choosesIsolation: boolean, isolation: Settings['isolation']): string[] {
  if (!choosesIsolation)
    return [
      'Isolation was measured and is left as it is: what one request may learn of another is no question of speed.',
      'With --isolation the fastest is written for this plugin alone.',
    ];
  if (isolation === 'warm')
    return [
      'WARNING: warm keeps the state of one request for the next. Only for plugins that keep nothing of their callers.',
    ];
  return [`The fastest isolation was asked for; it is ${isolation}.`];
}

function round(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
