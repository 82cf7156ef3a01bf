/** `sandpool tune`: tries pool size, processes, batch size and isolation on this machine, and writes what was best. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Artifact, parseArtifact } from '../artifact/artifact.js';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import { unreadable } from '../protocol/unreadable.js';
import { type HostServer, login, startHostServer } from '../tune/child.js';
import { curveOf, type Evidence, fragmentOf, recommended } from '../tune/fragment.js';
import { applyLoad, type LoadPlan } from '../tune/load.js';
import { type Candidate, loadsOf, type Settings, sweep, type Target } from '../tune/sweep.js';
import { roundsOf } from './bench.js';
import type { Context, ExitCode } from './command.js';
import { scaffold } from './new.js';
import { packDirectory } from './pack.js';

interface Options {
  readonly plugin?: string;
  readonly request?: string;
  readonly data?: string;
  readonly target?: string;
  readonly isolation?: boolean;
  readonly rounds?: string;
  readonly roundMs?: string;
  readonly output?: string;
}

const CONNECTIONS = 64;
/** Expected time for a host to start, in ms, for the estimate. */
const START_MS = 1500;

/** Prints the curve and the configuration; writes the configuration where `-o` says. */
export async function run(context: Context<Options>): Promise<ExitCode> {
  const { options, answer, note } = context;
  const plan = await planOf(options);
  const processors = availableParallelism();
  const loads = loadsOf(processors, plan.rounds);
  const seconds = Math.ceil((loads * plan.roundMs + (loads / (plan.rounds + 1)) * START_MS) / 1000);
  note(`${loads} loads of ${plan.roundMs} ms: about ${seconds} seconds; the machine should do nothing else`);
  const startedAt = new Date().toISOString();
  const steps = await sweep({
    processors,
    rounds: plan.rounds,
    target: plan.target,
    choosesIsolation: options.isolation === true,
    start: (settings) => startCandidate(plan, settings),
    onLoad: progressOn(context),
  });
  const evidence: Evidence = {
    ...{ pluginId: plan.pluginId, request: `${plan.method} ${plan.path}`, startedAt, steps, target: plan.target },
    ...{ machine: `${processors} × ${cpus()[0]?.model.trim() ?? 'unknown'}`, node: process.versions.node },
    ...{ connections: CONNECTIONS, rounds: plan.rounds, roundMs: plan.roundMs },
    choosesIsolation: options.isolation === true,
  };
  const fragment = fragmentOf(evidence);
  if (options.output !== undefined) await write(options.output, fragment);
  const shown = options.output === undefined ? fragment : `${curveOf(evidence)}\n\n${options.output} is written`;
  answer({ ...evidence, recommended: recommended(evidence), fragment }, shown);
  return 0;
}

// ---- what is asked ---------------------------------------------------------------------------------------------------------

interface Plan {
  readonly pluginId: string;
  readonly bytes: Uint8Array;
  readonly method: string;
  /** Below the plugin's own address. */
  readonly path: string;
  readonly body: Uint8Array;
  readonly target: Target;
  readonly rounds: number;
  readonly roundMs: number;
}

/** @throws SBX_USAGE SBX_FILE_UNREADABLE */
async function planOf(options: Options): Promise<Plan> {
  const target = options.target ?? 'rps';
  if (target !== 'rps' && target !== 'p99') throw usage(`--target ${target} is neither rps nor p99`);
  const roundMs = Number(options.roundMs ?? 1000);
  if (!(roundMs >= 10 && roundMs <= 60_000)) throw usage(`--round-ms ${options.roundMs} is no number from 10 to 60000`);
  const rounds = roundsOf(options.rounds, 3);
  const bytes = options.plugin === undefined ? await samplePlugin() : await read(options.plugin);
  const artifact = parseArtifact(bytes);
  const [method, path] = requestOf(artifact, options.request);
  return {
    pluginId: artifact.manifest.id,
    bytes,
    method,
    path,
    body: await bodyOf(options.data),
    target,
    rounds,
    roundMs,
  };
}

async function samplePlugin(): Promise<Uint8Array> {
  const directory = await mkdtemp(join(tmpdir(), 'sandpool-tune-'));
  try {
    await scaffold('sandpool-notes', { language: 'assemblyscript', directory });
    return (await packDirectory(directory)).bytes;
  } finally {
    await rm(directory, { recursive: true });
  }
}

function requestOf({ routes }: Artifact, line: string | undefined): readonly [method: string, path: string] {
  if (line !== undefined) {
    const [, method, path] = /^\s*([A-Za-z]+)\s+(\/\S*)\s*$/.exec(line) ?? [];
    if (method === undefined || path === undefined) throw usage(`--request ${line} is not like 'GET /path'`);
    return [method.toUpperCase(), path];
  }
  const route = routes.find(
    ({ method, access, path }) => method === 'GET' && access === 'public' && !path.includes('{'),
  );
  if (route === undefined)
    throw usage('the plugin has no public GET route without parameters; name a request by --request');
  return ['GET', route.path];
}

async function bodyOf(data = ''): Promise<Uint8Array> {
  return data.startsWith('@') ? read(data.slice(1)) : Buffer.from(data);
}

async function read(file: string): Promise<Uint8Array> {
  return readFile(file).catch((cause) => {
    throw unreadable(file, cause);
  });
}

async function write(file: string, text: string): Promise<void> {
  await writeFile(file, text).catch((cause) => {
    throw usage(`cannot write ${file}: ${reasonOf(cause)}`);
  });
}

function usage(reason: string): SandpoolError {
  return new SandpoolError('SBX_USAGE', { reason });
}

// ---- what is measured ------------------------------------------------------------------------------------------------------

async function startCandidate(plan: Plan, settings: Settings): Promise<Candidate> {
  const { maxThreads, batchSize, processes, isolation } = settings;
  const host = await startHostServer({
    settings: { server: { processes }, pool: { maxThreads, batchSize }, sandbox: { isolation } },
    artifacts: { [plan.pluginId]: plan.bytes },
  });
  try {
    const load = await loadOf(plan, host);
    return {
      async load() {
        const { requestsPerSecond, p99Ms, failed, failure } = await applyLoad(load);
        if (failed > 0) throw usage(`${plan.method} ${plan.path} fails under load: ${failure}`);
        return { requestsPerSecond, p99Ms };
      },
      end: host.end,
    };
  } catch (thrown) {
    await host.end();
    throw thrown;
  }
}

/** The load, once the request has been answered well; as the administrator when the plugin wants a login. */
async function loadOf(plan: Plan, host: HostServer): Promise<LoadPlan> {
  const { method, path, body, pluginId } = plan;
  const url = `${host.url}/x/${pluginId}${path}`;
  const headers: Record<string, string> = body.length > 0 ? { 'content-type': 'application/json' } : {};
  const ask = () => fetch(url, { method, headers, ...(body.length > 0 && { body: new Uint8Array(body) }) });
  let response = await ask();
  if (response.status === 401) {
    headers.authorization = `Bearer ${await login(host)}`;
    response = await ask();
  }
  const text = await response.text();
  if (!response.ok) throw usage(`${method} ${path} answers ${response.status}: ${text.slice(0, 200)}`);
  return { url, method, headers, body, connections: CONNECTIONS, ms: plan.roundMs };
}

function progressOn({ stderr }: Context<Options>): (dimension: string, done: number, all: number) => void {
  return (dimension, done, all) => {
    if (stderr.isTTY) stderr.write(`\r${dimension}: ${done} of ${all} loads${done === all ? '\n' : ''}`);
  };
}
