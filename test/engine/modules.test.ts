import t from 'tap';
import { createModules, type ModuleSource } from '../../src/engine/modules.js';
import { SandpoolError } from '../../src/protocol/errors.js';

const EMPTY = Buffer.from('0061736d01000000', 'hex');

function start(capacity = 4) {
  const events: string[] = [];
  const rewritten: number[] = [];
  const modules = createModules(
    capacity,
    async (bytes, maxPages, isResettable) => {
      rewritten.push(maxPages);
      if (!WebAssembly.validate(bytes as Uint8Array<ArrayBuffer>))
        throw new SandpoolError('SBX_MODULE_INVALID', { reason: 'it is none' });
      const module = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
      return { module, layout: undefined, compileMs: 1, isResettable, reasons: [] };
    },
    {
      hit: () => void events.push('hit'),
      miss: () => void events.push('miss'),
      evicted: () => void events.push('evicted'),
      compiled: () => void events.push('compiled'),
    },
  );
  return { modules, events, rewritten };
}

const source = (checksum: string, parts: Partial<ModuleSource> = {}): ModuleSource => ({
  pluginId: 'demo',
  checksum,
  memoryLimitMiB: 16,
  isResettable: true,
  readArtifact: async () => EMPTY,
  ...parts,
});

t.test('one compile serves all who ask at the same time and later', async (t) => {
  const { modules, events, rewritten } = start();
  const [first, second] = await Promise.all([modules.get(source('a')), modules.get(source('a'))]);
  t.equal(first.module, second.module);
  t.equal((await modules.get(source('a'))).module, first.module);
  t.same(events.sort(), ['compiled', 'hit', 'hit', 'miss']);
  t.same(rewritten, [256], 'pages of 64 KiB');
});

t.test('other limits or another isolation are another module', async (t) => {
  const { modules } = start();
  const plain = await modules.get(source('a'));
  t.not((await modules.get(source('a', { memoryLimitMiB: 32 }))).module, plain.module);
  t.not((await modules.get(source('a', { isResettable: false }))).module, plain.module);
});

t.test('a failure is told to everyone who asked, and not kept', async (t) => {
  const { modules } = start();
  const broken = source('a', { readArtifact: async () => Buffer.from('no module') });
  const asked = await Promise.allSettled([modules.get(broken), modules.get(broken)]);
  for (const answer of asked) t.match(answer, { status: 'rejected', reason: { code: 'SBX_MODULE_INVALID' } });
  t.ok((await modules.get(source('a'))).module);
});

t.test('an archive that cannot be read keeps its own code', async (t) => {
  const { modules } = start();
  const readArtifact = async () => {
    throw new SandpoolError('SBX_ARCHIVE_BROKEN', { path: 'x', reason: 'gone' });
  };
  await t.rejects(modules.get(source('a', { readArtifact })), { code: 'SBX_ARCHIVE_BROKEN' });
});

t.test('old modules make room for new ones, those of effective releases stay', async (t) => {
  const { modules, events } = start(1);
  const pinned = await modules.get(source('a'));
  modules.pin(source('a'));
  await modules.get(source('b'));
  await modules.get(source('c'));
  t.ok(events.includes('evicted'));
  t.equal((await modules.get(source('a'))).module, pinned.module);
  modules.unpin(source('a'));
  await modules.get(source('d'));
  t.not((await modules.get(source('a'))).module, pinned.module);
});

t.test('a plugin that is dropped leaves no module behind, others keep theirs', async (t) => {
  const { modules } = start();
  const other = source('a', { pluginId: 'demo-other' });
  const { module } = await modules.get(other);
  for (const one of [source('a'), source('b')]) {
    await modules.get(one);
    modules.pin(one);
  }
  t.equal(modules.count(), 2);
  modules.drop('demo');
  t.equal(modules.count(), 1);
  t.equal((await modules.get(other)).module, module, 'the same file of another plugin');
  modules.drop('demo-other');
  t.equal(modules.count(), 0);
});
