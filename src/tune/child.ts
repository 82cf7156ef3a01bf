/** Child processes that serve: each says where it listens in one JSON document on stdout, and ends at SIGTERM. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Server {
  readonly url: string;
  readonly pid: number;
  end(): Promise<void>;
}

export interface HostServer extends Server {
  readonly adminPassword: string;
}

export interface HostPlan {
  /** Settings as in the configuration file; address, directories and plugins are filled in. */
  readonly settings: object;
  /** Artifacts by plugin id; installed, granted all that they declare, and enabled. */
  readonly artifacts: Readonly<Record<string, Uint8Array>>;
  /** Program and arguments to start the process by. */
  readonly prefix?: readonly string[];
}

const CLI = fileURLToPath(new URL('../cli/index.js', import.meta.url));
const ADMIN_PASSWORD = 'only-for-this-measurement';
const START_LIMIT_MS = 60_000;
const END_LIMIT_MS = 5000;
/** Text of a failed start that is worth showing. */
const LAST_WORDS = 2000;

/** Starts `sandpool serve` with these settings in a directory of its own, which goes when it ends. */
export async function startHostServer({ settings, artifacts, prefix = [] }: HostPlan): Promise<HostServer> {
  const directory = await mkdtemp(join(tmpdir(), 'sandpool-measured-'));
  const clean = () => rm(directory, { recursive: true, force: true });
  try {
    const file = await writeHost(directory, settings, artifacts);
    const command = [...prefix, process.execPath, CLI, 'serve', '--json', '-c', file];
    const server = await startServer(command, { cwd: directory, env: { SANDPOOL_ADMIN_PASSWORD: ADMIN_PASSWORD } });
    return {
      ...server,
      adminPassword: ADMIN_PASSWORD,
      async end() {
        await server.end();
        await clean();
      },
    };
  } catch (thrown) {
    await clean();
    throw thrown;
  }
}

async function writeHost(directory: string, settings: object, artifacts: HostPlan['artifacts']): Promise<string> {
  const staged = join(directory, 'staged');
  await mkdir(staged);
  for (const [id, bytes] of Object.entries(artifacts)) await writeFile(join(staged, `${id}.wasm`), bytes);
  const autoEnable = Object.keys(artifacts).map((id) => ({ id }));
  const file = join(directory, 'sandpool.yaml');
  const own = {
    server: { port: 0, shutdownGraceMs: 1000 },
    data: { dir: join(directory, 'data') },
    plugin: { dynamic: { storagePath: staged }, grantUnreviewed: true, autoEnable },
    log: { level: 'error' },
  };
  await writeFile(file, JSON.stringify(merged(own, settings)));
  return file;
}

function merged(base: object, over: object): object {
  const entries = Object.entries(over).map(([key, value]) => {
    const below = (base as Record<string, unknown>)[key];
    return [key, isMap(below) && isMap(value) ? merged(below, value) : value];
  });
  return { ...base, ...Object.fromEntries(entries) };
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A token of the host's administrator. */
export async function login({ url, adminPassword }: HostServer): Promise<string> {
  const response = await fetch(`${url}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'admin', password: adminPassword }),
  });
  return ((await response.json()) as { data: { accessToken: string } }).data.accessToken;
}

/** Starts a program and resolves when it has said `{"url": …}` on stdout. */
export async function startServer(
  [program = '', ...args]: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Server> {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const killed = () => void child.kill('SIGKILL');
  endWithUs(child);
  const end = async (): Promise<void> => {
    const timer = setTimeout(killed, END_LIMIT_MS);
    child.kill('SIGTERM');
    await ended;
    clearTimeout(timer);
    running.delete(child);
  };
  try {
    return { url: await urlOf(child), pid: child.pid as number, end };
  } catch (thrown) {
    await end();
    throw thrown;
  }
}

const running = new Set<ChildProcess>();
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
let isWatching = false;

/** A measurement that is broken off must leave no servers behind. */
function endWithUs(child: ChildProcess): void {
  running.add(child);
  if (isWatching) return;
  isWatching = true;
  const killAll = (): void => {
    for (const one of running) one.kill('SIGKILL');
  };
  process.once('exit', killAll);
  for (const signal of SIGNALS) {
    process.once(signal, () => {
      killAll();
      process.kill(process.pid, signal);
    });
  }
}

function urlOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    let complained = '';
    const timer = setTimeout(() => reject(new Error('the server does not start')), START_LIMIT_MS);
    const settle = (settling: () => void): void => {
      clearTimeout(timer);
      settling();
    };
    child.stderr?.on('data', (chunk) => {
      complained = (complained + chunk).slice(-LAST_WORDS);
    });
    child.stdout?.on('data', (chunk) => {
      said += chunk;
      const url = readUrl(said);
      if (url !== undefined) settle(() => resolve(url));
    });
    child.once('error', (error) => settle(() => reject(error)));
    // Not when it exits: its last words may come after that.
    child.once('close', (code) =>
      settle(() => reject(new Error(`the server ended with ${code}: ${complained.trim()}`))),
    );
  });
}

function readUrl(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { url: string }).url;
  } catch {
    // The document is not complete yet.
    return undefined;
  }
}
