import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type BlobStep, openBlobs } from '../../src/store/blobs.js';

const BYTES = Buffer.from('\0asm some artifact');
const checksum = createHash('sha256').update(BYTES).digest('hex');
const KEY = { pluginId: 'demo', version: 'v0.1.0', checksum };
const PATH = `releases/demo/v0.1.0/${checksum}/demo.wasm`;

function open(t: Test, onStep?: (step: BlobStep) => void) {
  const archiveDir = t.testdir({});
  const stagingDir = join(archiveDir, 'plugins');
  return { archiveDir, stagingDir, blobs: openBlobs({ archiveDir, stagingDir, ...(onStep && { onStep }) }) };
}

const filesBelow = (directory: string) =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => /\.wasm$|\.sandpool-/.test(name));

t.test('an archived file is found under id, version and checksum, and read back', async (t) => {
  const { blobs, archiveDir } = open(t);
  t.equal(await blobs.archive(KEY, BYTES), PATH);
  t.same(readFileSync(join(archiveDir, PATH)), BYTES);
  t.same(await blobs.readArchive(PATH, checksum), BYTES);
  t.same(filesBelow(archiveDir), [PATH], 'nothing else is left');
});

t.test('an identical archived file is used again', async (t) => {
  const steps: BlobStep[] = [];
  const { blobs } = open(t, (step) => steps.push(step));
  await blobs.archive(KEY, BYTES);
  t.same(steps.splice(0), ['temporary-written', 'renamed', 'directories-synced']);
  t.equal(await blobs.archive(KEY, BYTES), PATH);
  t.same(steps, []);
});

for (const damage of [0, 5]) {
  t.test(`C39: an archived file of ${damage} bytes is refused, and repaired by the next archiving`, async (t) => {
    const { blobs, archiveDir } = open(t);
    await blobs.archive(KEY, BYTES);
    truncateSync(join(archiveDir, PATH), damage);
    await t.rejects(blobs.readArchive(PATH, checksum), {
      code: 'SBX_ARCHIVE_BROKEN',
      message: `the archived release ${PATH} cannot be used: its ${damage} bytes do not have checksum ${checksum}`,
    });
    await blobs.archive(KEY, BYTES);
    t.same(await blobs.readArchive(PATH, checksum), BYTES);
  });
}

t.test('a missing archived file has a reason', async (t) => {
  const { blobs } = open(t);
  await t.rejects(blobs.readArchive(PATH, checksum), { code: 'SBX_ARCHIVE_BROKEN', message: /ENOENT/ });
});

t.test('bytes are not archived under a checksum that is not theirs', async (t) => {
  const { blobs, archiveDir } = open(t);
  await t.rejects(blobs.archive({ ...KEY, checksum: 'a'.repeat(64) }, BYTES), { code: 'SBX_STORE_FAILED' });
  t.same(filesBelow(archiveDir), []);
});

for (const version of ['..', '../..', 'a/b', 'a\\b', '.', '']) {
  t.test(`the version ${JSON.stringify(version)} leads nowhere`, async (t) => {
    const { blobs, archiveDir } = open(t);
    await t.rejects(blobs.archive({ ...KEY, version }, BYTES), { code: 'SBX_STORE_FAILED' });
    t.same(filesBelow(archiveDir), []);
  });
}

t.test('archived files that no release names are removed, others and those of other plugins stay', async (t) => {
  const { blobs } = open(t);
  const old = await blobs.archive({ ...KEY, version: 'v0.0.1' }, BYTES);
  const other = await blobs.archive({ ...KEY, pluginId: 'demo-2' }, BYTES);
  await blobs.archive(KEY, BYTES);
  await blobs.pruneArchive('demo', new Set([PATH]));
  await t.rejects(blobs.readArchive(old, checksum), { code: 'SBX_ARCHIVE_BROKEN' });
  t.same(await blobs.readArchive(PATH, checksum), BYTES);
  t.same(await blobs.readArchive(other, checksum), BYTES);
  await blobs.pruneArchive('never-seen', new Set());
});

t.test('a staged file replaces the one before, and its stamp changes even when size and time do not', async (t) => {
  const { blobs, stagingDir } = open(t);
  await (await blobs.stage('demo', Buffer.from('one'))).keep();
  const [before] = await blobs.listStaged();
  await (await blobs.stage('demo', Buffer.from('two'))).keep();
  const [after, ...more] = await blobs.listStaged();
  t.equal(after?.name, 'demo.wasm');
  t.not(after?.stamp, before?.stamp);
  t.same(more, []);
  t.equal(Buffer.from(await blobs.readStaged('demo.wasm')).toString(), 'two');
  t.same(readdirSync(stagingDir), ['demo.wasm']);
});

t.test('staging is undone: the file before is back, or none is there', async (t) => {
  const { blobs, stagingDir } = open(t);
  await (await blobs.stage('demo', Buffer.from('one'))).undo();
  t.same(readdirSync(stagingDir), []);
  await (await blobs.stage('demo', Buffer.from('one'))).keep();
  await (await blobs.stage('demo', Buffer.from('two'))).undo();
  t.equal(Buffer.from(await blobs.readStaged('demo.wasm')).toString(), 'one');
  t.same(readdirSync(stagingDir), ['demo.wasm']);
});

t.test('only wasm files right in the staging directory are staged files', async (t) => {
  const { blobs, stagingDir } = open(t);
  t.same(await blobs.listStaged(), [], 'without a directory there are none');
  mkdirSync(join(stagingDir, 'folder.wasm'), { recursive: true });
  writeFileSync(join(stagingDir, 'readme.txt'), '');
  writeFileSync(join(stagingDir, 'folder.wasm', 'inner.wasm'), '');
  writeFileSync(join(stagingDir, 'b.wasm'), '');
  writeFileSync(join(stagingDir, 'a.wasm'), '');
  t.same(
    (await blobs.listStaged()).map(({ name }) => name),
    ['a.wasm', 'b.wasm'],
  );
});

t.test('what a crash has left half-written is swept away, and nothing else', async (t) => {
  const { blobs, archiveDir, stagingDir } = open(t);
  await blobs.archive(KEY, BYTES);
  await (await blobs.stage('demo', BYTES)).keep();
  const leftovers = [
    join(archiveDir, PATH, '..', '.sandpool-tmp-0b1f7a52-0000-4000-8000-000000000000'),
    join(stagingDir, '.sandpool-bak-0b1f7a52-0000-4000-8000-000000000000'),
  ];
  for (const path of leftovers) writeFileSync(path, 'half');
  await blobs.sweep();
  for (const path of leftovers) t.notOk(existsSync(path));
  t.same(filesBelow(archiveDir).sort(), ['plugins/demo.wasm', PATH].sort());
});

t.test('a failure while writing leaves nothing behind', async (t) => {
  const { blobs, archiveDir } = open(t, (step) => {
    if (step === 'temporary-written') throw new Error('disk full');
  });
  await t.rejects(blobs.archive(KEY, BYTES), { code: 'SBX_STORE_FAILED', message: 'the store failed: disk full' });
  t.same(filesBelow(archiveDir), []);
});
