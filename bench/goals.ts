/** What the measurements must reach: a bar that holds, and an aim. README's table is made from this list and `results.json`. */
import { type BenchReport, number, type ReportRow } from './report.js';

export interface Goal {
  readonly goal: string;
  readonly case: string;
  readonly row: string;
  /** Whether the row's ratio to its rival counts, or the row's own number. */
  readonly counts: 'ratio' | 'median';
  readonly better: 'more' | 'less';
  readonly bar: number;
  readonly aim: number;
}

const ratio = (better: Goal['better'], bar: number, aim: number) => ({ counts: 'ratio' as const, better, bar, aim });
const atMost = (bar: number, aim: number) => ({ counts: 'median' as const, better: 'less' as const, bar, aim });

// biome-ignore format: a table
export const GOALS: readonly Goal[] = [
  { goal: 'pristine ÷ (fresh + `_initialize`), requests, one thread',  case: 'isolation', row: 'Go, pristine, requests',                ...ratio('more', 60, 150) },
  { goal: 'the same, big Go guest',                                    case: 'isolation', row: 'big Go, pristine, requests',            ...ratio('more', 100, 300) },
  { goal: 'pristine ÷ warm, time per call, one request to warm up',    case: 'isolation', row: 'Go, pristine',                          ...ratio('less', 3, 1.7) },
  { goal: 'the same, no warm-up declared',                             case: 'isolation', row: 'Go, pristine, no warm-up declared',     ...ratio('less', 3, 1.7) },
  { goal: 'store-heavy guest code, rewritten ÷ original',              case: 'isolation', row: 'big Go, JSON encoded, rewritten',       ...ratio('less', 1.6, 1.2) },
  { goal: 'the same, decoding',                                        case: 'isolation', row: 'big Go, JSON decoded, rewritten',       ...ratio('less', 1.6, 1.2) },
  { goal: 'the same, words written one by one',                        case: 'isolation', row: 'AS, words written, rewritten',          ...ratio('less', 1.6, 1.2) },
  { goal: 'HTTP ÷ bare Fastify echo, requests',                        case: 'http',      row: 'Go, 1 worker',                          ...ratio('more', 0.5, 0.9) },
  { goal: 'HTTP ÷ bare Fastify echo, p99',                             case: 'http',      row: 'Go, 1 worker, p99',                     ...ratio('less', 3, 1.3) },
  { goal: 'dispatch ÷ Piscina task per request, no-op, 64 in flight',  case: 'dispatch',  row: 'dispatch, no-op guest, 64 in flight',   ...ratio('more', 5, 12) },
  { goal: 'host call in the worker',                                   case: 'host-call', row: 'function, in the worker',               ...atMost(0.5, 0.2) },
  { goal: 'host call over the bridge',                                 case: 'host-call', row: 'function, over the bridge',             ...atMost(10, 6) },
  { goal: 'a hit in the cache',                                        case: 'cache',     row: 'hit, in the worker',                    ...atMost(2, 1) },
  { goal: 'durable put of 1 KB ÷ bare `node:fs`',                      case: 'storage',   row: 'put of 1 KB',                           ...ratio('less', 2, 1.2) },
  { goal: '100 MB in pieces of 1 MB ÷ bare `node:fs`',                 case: 'storage',   row: '100 MB in pieces',                      ...ratio('less', 4, 1.5) },
  { goal: 'memory while 100 MB are stored in pieces',                  case: 'storage',   row: '100 MB in pieces, memory',              ...atMost(32, 8) },
  { goal: '`data` point read in the worker ÷ bare better-sqlite3',      case: 'data',      row: 'point read, in the worker',             ...ratio('less', 4, 2) },
  { goal: 'reads over 16 connections beside bulk writes of another plugin ÷ alone, p95', case: 'storm', row: 'reads, p95, 16 connections, beside 16 connections that write for another plugin, 20 rows each time', ...ratio('less', 2, 1.2) },
  { goal: 'reads over 16 connections beside single writes of another plugin ÷ alone, p95', case: 'storm', row: 'reads, p95, 16 connections, beside 16 connections that write for another plugin, a row each time', ...ratio('less', 2, 1.2) },
  { goal: 'reads over 2 connections beside bulk writes of another plugin ÷ alone, p95', case: 'storm', row: 'reads, p95, 2 connections, beside 16 connections that write for another plugin, 20 rows each time', ...ratio('less', 2, 1.2) },
  { goal: 'reads over 2 connections beside single writes of another plugin ÷ alone, p95', case: 'storm', row: 'reads, p95, 2 connections, beside 16 connections that write for another plugin, a row each time', ...ratio('less', 2, 1.2) },
  { goal: 'past the deadline',                                         case: 'deadline',  row: 'loop, past its deadline',               ...atMost(10, 2) },
  { goal: 'until the same worker serves again',                        case: 'deadline',  row: 'loop, until the thread serves again',   ...atMost(100, 1) },
  { goal: '1.8 MB Go release, upload to first answer',                 case: 'load',      row: 'Go, upload to first answer',            ...atMost(1000, 200) },
  { goal: 'first request after an upgrade ÷ steady, requests going on', case: 'swap',      row: 'Go, first after an upgrade while requests go on', ...ratio('less', 2, 1.2) },
  { goal: 'first request after a rollback ÷ steady, requests going on', case: 'swap',      row: 'Go, first after a rollback while requests go on', ...ratio('less', 2, 1.2) },
  { goal: 'the same, AssemblyScript, after an upgrade', case: 'swap',      row: 'AS, first after an upgrade while requests go on', ...ratio('less', 2, 1.2) },
  { goal: 'the same, AssemblyScript, after a rollback', case: 'swap',      row: 'AS, first after a rollback while requests go on', ...ratio('less', 2, 1.2) },
  { goal: 'first request after an upgrade, none meanwhile ÷ after a pause',                   case: 'swap',      row: 'Go, first after an upgrade',            ...ratio('less', 2, 1.2) },
  { goal: 'first request after a rollback, none meanwhile ÷ after a pause',                   case: 'swap',      row: 'Go, first after a rollback',            ...ratio('less', 2, 1.2) },
  { goal: 'the same without requests meanwhile, AssemblyScript, after an upgrade',                case: 'swap',      row: 'AS, first after an upgrade',            ...ratio('less', 2, 1.2) },
  { goal: 'the same without requests meanwhile, AssemblyScript, after a rollback',                case: 'swap',      row: 'AS, first after a rollback',            ...ratio('less', 2, 1.2) },
  { goal: 'memory of a 1.8 MB Go plugin, first worker',                case: 'plugins',   row: 'memory of a Go plugin, first worker',   ...atMost(12, 6) },
  { goal: 'the same, each further worker',                             case: 'plugins',   row: 'memory of a Go plugin, each further worker', ...atMost(4, 1.5) },
  { goal: '50 Go plugins taking turns ÷ one, time per request',        case: 'plugins',   row: '50 Go plugins',                         ...ratio('less', 5, 1.5) },
  { goal: '200 Go plugins taking turns ÷ one, time per request',       case: 'plugins',   row: '200 Go plugins',                        ...ratio('less', 15, 4) },
  { goal: '10,000 scheduled jobs, idle: CPU in a second',              case: 'jobs',      row: 'idle CPU per second, 10,000 jobs',      ...atMost(10, 1) },
  { goal: 'the same, memory',                                          case: 'jobs',      row: 'memory of 10,000 jobs',                 ...atMost(20, 2) },
];

export type Verdict = 'aim' | 'bar' | 'missed';

export interface Result {
  readonly goal: Goal;
  /** Undefined when the report has no such row. */
  readonly value: number | undefined;
  readonly verdict: Verdict | undefined;
  readonly unit: string;
}

/** What a report says of each goal. */
export function resultsOf({ rows }: Pick<BenchReport, 'rows'>): Result[] {
  return GOALS.map((goal) => {
    const row = rows.find((one) => one.case === goal.case && one.row === goal.row);
    const value = row?.[goal.counts];
    return { goal, value, verdict: value === undefined ? undefined : verdictOf(goal, value), unit: unitOf(goal, row) };
  });
}

function verdictOf({ better, bar, aim }: Goal, value: number): Verdict {
  const reaches = (limit: number): boolean => (better === 'more' ? value >= limit : value <= limit);
  if (reaches(aim)) return 'aim';
  return reaches(bar) ? 'bar' : 'missed';
}

function unitOf({ counts }: Goal, row: ReportRow | undefined): string {
  if (counts === 'ratio') return '×';
  return row?.unit === 'us' ? 'µs' : (row?.unit ?? '');
}

/** A line for each goal that the report has a number for. */
export function textOfGoals(report: Pick<BenchReport, 'rows'>): string {
  return resultsOf(report)
    .filter(({ value }) => value !== undefined)
    .map(({ goal, value, verdict, unit }) => {
      const limits = `bar ${goal.bar}, aim ${goal.aim}`;
      return `${(verdict as string).padEnd(7)} ${`${number(value as number)} ${unit}`.padStart(10)}  ${limits.padEnd(20)} ${goal.goal}`;
    })
    .join('\n');
}
