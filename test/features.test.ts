/** Holds `test/FEATURES.md`: what it says holds, a test names. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PAGE = 'test/FEATURES.md';

interface Row {
  readonly id: string;
  readonly standing: string;
}

const page = readFileSync(`${ROOT}${PAGE}`, 'utf8');
const rows: readonly Row[] = [...page.matchAll(/^\| ([CF]\d+) \| .* \| ([^|]+) \|$/gm)].map(
  ([, id = '', standing = '']) => ({ id, standing }),
);
const tests = readdirSync(`${ROOT}test`, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => readFileSync(`${ROOT}test/${file}`, 'utf8'));
const named = new Set(
  tests.flatMap((text) => [...text.matchAll(/(?<!artifact\.md )\b([CF]\d{2,3})\b/g)].map(([, id]) => id)),
);

t.test('every feature and every conformance case of governance has one row', async (t) => {
  const features = Array.from({ length: 157 }, (_, at) => `F${String(at + 1).padStart(3, '0')}`);
  const cases = Array.from({ length: 116 }, (_, at) => `C${String(at + 1).padStart(2, '0')}`);
  t.same(
    rows.map(({ id }) => id),
    [...features, ...cases],
  );
});

t.test('what holds is named by a test; what does not says why', async (t) => {
  for (const { id, standing } of rows) {
    if (standing.startsWith('holds')) t.ok(named.has(id), `${id} holds, and a test names it`);
    else t.match(standing, /^(?:later|differs): \S.{5,}$/, `${id} has a reason`);
  }
});

/** Their bytes go through a real guest in a real worker. */
const RAW_CALLS = [
  'system/host-call-cases',
  'system/storage',
  'services/network',
  'services/data/data',
  'services/jobs',
  'system/owner-services',
];

t.test('every conformance case of the host services that are served is sent by a guest', async (t) => {
  const texts = RAW_CALLS.map((name) => readFileSync(`${ROOT}test/${name}.test.ts`, 'utf8'));
  const sent = new Set(
    texts.flatMap((text) => [...text.matchAll(/(?:#|\bof\(\s*'|^ {2}\[\s*')(\d+)\b/gm)].map(([, id]) => Number(id))),
  );
  // spec/host-services.md §29.1 to §29.8; 107 to 114 are of services that are not served yet, and so is 120. Of 116 to 119 it is sent
  // what a host without their owner answers.
  const cases = [...Array.from({ length: 106 }, (_, at) => at + 1), 115, 116, 117, 118, 119];
  t.same(
    cases.filter((id) => !sent.has(id)),
    [],
  );
});

t.test('README leads to the page', async (t) => {
  t.ok(readFileSync(`${ROOT}README.md`, 'utf8').includes(`](${PAGE})`));
});
