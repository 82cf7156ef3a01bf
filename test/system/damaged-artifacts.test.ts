/** Damaged artifacts: whatever happened to a file, it is an artifact or it is refused with a code. */
import t from 'tap';
import { parseArtifact, validateRelease } from '../../src/artifact/artifact.js';
import { readSections } from '../../src/artifact/sections.js';
import { SandpoolError } from '../../src/protocol/errors.js';
import { buildArtifact } from '../artifact/build.js';

const WHOLE = buildArtifact({
  manifest: {
    menus: [{ key: 'plugin:demo:a', name: 'A', query: { a: 1 } }],
    dependencies: { framework: { version: '>=0.1.0' }, plugins: [{ id: 'a', version: '1.0.0' }] },
    public_assets: [{ source: 'frontend/pages', mount: 'pages' }],
  },
  frontendAssets: { 'frontend/pages/index.html': '<p>' },
  i18n: { 'zh-CN': { a: { b: '文' } } },
  apidocI18n: { 'en-US': { plugins: { demo: { a: 'b' } } } },
  installSql: { '001-a.sql': 'SELECT 1' },
  manifestResources: { 'manifest/a.txt': 'abc' },
  hooks: [{ event: 'system.started', action: 'sleep', sleepMs: 1 }],
  lifecycle: [{ operation: 'Upgrade', requestType: 'R', internalPath: '/u', timeoutMs: 5 }],
  resources: [{ key: 'r', table: 't', fields: [{ name: 'id', column: 'id' }], orderBy: { column: 'id' } }],
  routes: [{ path: '/a/{id}', meta: { operLog: 'create' } }],
  hostServices: [{ service: 'cache', methods: ['get'], resources: [{ ref: 'r', attributes: { k: 'v' } }] }],
});

type Random = (below: number) => number;

/** The same numbers in every run (mulberry32). */
function randomOf(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const flipBits = (random: Random): Uint8Array => {
  const bytes = Uint8Array.from(WHOLE);
  for (let left = 1 + random(4); left > 0; left -= 1) bytes[random(bytes.length)]! ^= 1 << random(8);
  return bytes;
};

/** Swaps bytes for those that mean something to JSON, so that damage gets past the parser. */
const writeSigns = (random: Random): Uint8Array => {
  const bytes = Uint8Array.from(WHOLE);
  const signs = Buffer.from('{}[]",:\\0-9eun \u0000/.');
  for (let left = 1 + random(4); left > 0; left -= 1) bytes[random(bytes.length)] = signs[random(signs.length)]!;
  return bytes;
};

const truncate = (random: Random): Uint8Array => WHOLE.subarray(0, random(WHOLE.length));

const cutOut = (random: Random): Uint8Array => {
  const start = random(WHOLE.length);
  return Buffer.concat([WHOLE.subarray(0, start), WHOLE.subarray(start + random(64))]);
};

/** Payloads change places: every section is valid JSON, of another section. */
const swapSections = (random: Random): Uint8Array => {
  const sections = readSections(WHOLE);
  const payload = () => {
    const { offset, sizeBytes } = sections[random(sections.length)]!;
    return Buffer.from(WHOLE.subarray(offset, offset + sizeBytes)).toString();
  };
  const { name } = sections[random(sections.length)]!;
  return buildArtifact({ sections: { [name]: payload() } });
};

const ROUNDS = 1500;
const STEPS = { flipBits, writeSigns, truncate, cutOut, swapSections };

t.test('the whole artifact is accepted', async (t) => t.doesNotThrow(() => validateRelease(parseArtifact(WHOLE))));

for (const [name, damage] of Object.entries(STEPS)) {
  t.test(`after ${name} an artifact is parsed or refused with a code`, async (t) => {
    const random = randomOf(20_240_817);
    const seen = { accepted: 0, refused: 0 };
    for (let round = 0; round < ROUNDS; round += 1) {
      const bytes = damage(random);
      try {
        validateRelease(parseArtifact(bytes));
        seen.accepted += 1;
      } catch (thrown) {
        seen.refused += 1;
        if (thrown instanceof SandpoolError && thrown.code !== 'SBX_INTERNAL') continue;
        t.fail(`round ${round}: ${(thrown as Error).stack}`);
        return;
      }
    }
    t.ok(seen.refused > 0, JSON.stringify(seen));
  });
}

t.test('deep nesting, long numbers and many keys are refused or parsed in time', async (t) => {
  const payloads = [
    `${'['.repeat(1e5)}${']'.repeat(1e5)}`,
    `{"a":${'{"a":'.repeat(1e5)}`,
    `{"sort":${'9'.repeat(1e5)}}`,
    `"${'\\u0041'.repeat(1e5)}"`,
    `"${'\\'.repeat(1e5)}`,
    ' '.repeat(1e6),
    `{${Array.from({ length: 1e5 }, (_, index) => `"K${index}":0`).join(',')}}`,
  ];
  for (const name of ['lina.plugin.manifest', 'lina.plugin.backend.routes']) {
    for (const payload of payloads) {
      t.throws(() => parseArtifact(buildArtifact({ sections: { [name]: payload } })), { code: 'SBX_ARTIFACT_INVALID' });
    }
  }
});
