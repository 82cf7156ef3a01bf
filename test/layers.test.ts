/** Holds the walls of the house: which room may import which, and where each package comes in. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const floor0 = ['protocol', 'artifact', 'grants', 'rewrite'];
const EVERY_ROOM = undefined;

/** Room → what it may import besides itself: rooms, or single files of a room. */
const MAY_IMPORT: Readonly<Record<string, readonly string[] | undefined>> = {
  // floor 4: knows every room, and no room imports it
  main: EVERY_ROOM,
  cli: EVERY_ROOM,
  index: EVERY_ROOM,
  // floor 3
  http: [...floor0, 'jobs', 'registry', 'resources', 'identity', 'engine', 'config', 'metrics'],
  tune: [...floor0, 'config'],
  // floor 2
  engine: [...floor0, 'store', 'services/service', 'metrics'],
  registry: [...floor0, 'store', 'services/service', 'metrics'],
  jobs: [...floor0, 'store', 'services/jobs-port'],
  // floor 1
  cluster: [...floor0, 'metrics'],
  sandbox: [...floor0, 'services', 'store'],
  services: [...floor0, 'store'],
  resources: [...floor0, 'store'],
  identity: [...floor0, 'store'],
  store: floor0,
  config: floor0,
  metrics: floor0,
  // floor 0
  grants: ['protocol', 'artifact'],
  rewrite: ['protocol', 'artifact'],
  artifact: ['protocol'],
  protocol: [],
};

/** Package → the only places that import it. */
const DOORS: Readonly<Record<string, readonly string[]>> = {
  piscina: ['engine/pool.ts'],
  fastify: ['http/'],
  '@fastify/multipart': ['http/'],
  'prom-client': ['metrics.ts'],
  yaml: ['config/load.ts', 'artifact/manifest.ts'],
  'better-sqlite3': ['store/sqlite.ts'],
  'libpg-query': ['store/dialect/parse.ts'],
  undici: ['services/network/'],
  'ipaddr.js': ['services/network/'],
  'lru-cache': ['engine/modules.ts', 'resources/', 'sandbox/kept.ts', 'identity/', 'services/cache/'],
  croner: ['jobs/cron.ts'],
  negotiator: ['http/'],
  'range-parser': ['http/'],
  commander: ['cli/index.ts'],
  autocannon: ['tune/load.ts'],
  'fast-jwt': ['identity/'],
  '@node-rs/argon2': ['identity/'],
};

interface Source {
  /** Relative to `src/`. */
  readonly file: string;
  readonly text: string;
  /** Imported files relative to `src/`, as `room/file.ts`. */
  readonly files: readonly string[];
  readonly packages: readonly string[];
}

const sources = typescriptIn('src').map(read);

t.test('imports go down the floors', async (t) => {
  for (const { file, files } of sources) {
    const allowed = MAY_IMPORT[roomOf(file)];
    t.ok(roomOf(file) in MAY_IMPORT, `src/${file} is in a room of the plan`);
    for (const target of files) {
      const fine =
        roomOf(target) === roomOf(file) || allowed === undefined || allowed.some((name) => within(target, name));
      if (!fine) t.fail(`src/${file} imports ${target}`);
    }
  }
});

t.test('no room imports the top floor, and nobody the sandbox', async (t) => {
  const top = ['main', 'cli', 'index'];
  for (const { file, files } of sources) {
    const forbidden = top.includes(roomOf(file)) ? ['cli', 'sandbox'] : [...top, 'sandbox'];
    const wrong = files.filter((target) => roomOf(target) !== roomOf(file) && forbidden.includes(roomOf(target)));
    t.same(wrong, [], `src/${file}`);
  }
});

t.test('the sandbox is named once, by the pool that starts its threads', async (t) => {
  const naming = sources.filter(({ file, text }) => roomOf(file) !== 'sandbox' && /['"`][./]*sandbox\//.test(text));
  t.same(
    naming.map(({ file }) => file),
    ['engine/pool.ts'],
  );
});

t.test('every package comes in through its door', async (t) => {
  for (const { file, packages } of sources) {
    for (const name of packages) {
      const doors = DOORS[name];
      if (doors)
        t.ok(
          doors.some((door) => file.startsWith(door)),
          `src/${file} imports ${name}, whose door is ${doors}`,
        );
    }
  }
});

t.test('what both threads agree on needs no package', async (t) => {
  for (const { file, packages } of sources) if (roomOf(file) === 'protocol') t.same(packages, [], `src/${file}`);
});

t.test('no import leads back to where it came from', async (t) => {
  const graph = new Map(sources.map(({ file, files }) => [file, files]));
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) return void t.fail([...path.slice(path.indexOf(file)), file].join(' → '));
    if (done.has(file)) return;
    for (const target of graph.get(file) ?? []) walk(target, [...path, file]);
    done.add(file);
  };
  for (const { file } of sources) walk(file, []);
});

t.test('only config/load.ts reads the environment', async (t) => {
  const readers = sources.filter(({ text }) =>
    /process\s*\.\s*env\b|process\[|\{[^}]*\benv\b[^}]*\}\s*=\s*process\b/.test(text),
  );
  t.same(
    readers.map(({ file }) => file),
    ['config/load.ts'],
  );
});

t.test('there is no room for leftovers', async (t) => {
  const leftovers = sources.filter(({ file }) =>
    /(?:^|\/)(?:utils?|helpers?|common|misc|shared)(?:\/|\.ts$)/.test(file),
  );
  t.same(
    leftovers.map(({ file }) => file),
    [],
  );
});

t.test('every test lies where its source lies', async (t) => {
  for (const test of typescriptIn('test').filter((file) => file.endsWith('.test.ts'))) {
    const room = test.split('/')[0] ?? '';
    // Whole-system tests have no room, and guest SDKs are not part of the host.
    if (room === 'sdk' || !existsSync(`${ROOT}src/${room}`)) continue;
    const source = test.replace('.test.ts', '.ts');
    t.ok(existsSync(`${ROOT}src/${source}`), `test/${test} tests src/${source}`);
  }
});

function typescriptIn(folder: string): string[] {
  return readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts') && !/^(?:sdk|guests|fixtures)\//.test(file));
}

function read(file: string): Source {
  const text = readFileSync(`${ROOT}src/${file}`, 'utf8');
  const names = [
    ...text.matchAll(/^(?:import|export|\}).*?from '([^']+)';$|\bimport\('([^']+)'\)|^import '([^']+)';$/gm),
  ].map(([, from, loaded, bare]) => from ?? loaded ?? bare ?? '');
  const isFile = (name: string) => name.startsWith('.');
  return {
    file,
    text,
    files: names.filter(isFile).map((name) => posix.join(posix.dirname(file), name).replace(/\.js$/, '.ts')),
    packages: names.filter((name) => !isFile(name) && !name.startsWith('node:')).map(packageOf),
  };
}

function packageOf(name: string): string {
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');
}

/** The first folder; a file at the top is a room of its own. */
function roomOf(file: string): string {
  return (file.split('/')[0] ?? '').replace(/\.ts$/, '');
}

function within(file: string, place: string): boolean {
  return file === `${place}.ts` || file.startsWith(`${place}/`);
}
