import { mkdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { parseArtifact } from '../../src/artifact/artifact.js';
import { createStaging } from '../../src/registry/staging.js';
import { openBlobs } from '../../src/store/blobs.js';
import { storeFailure } from '../../src/store/sqlite.js';
import { artifactOf } from './house.js';

function open(t: Test) {
  const dir = t.testdir({});
  const stagingDir = join(dir, 'plugins');
  mkdirSync(stagingDir);
  let parsed = 0;
  const blobs = openBlobs({ archiveDir: dir, stagingDir });
  const staging = createStaging({
    blobs,
    parseArtifact(bytes) {
      parsed += 1;
      return parseArtifact(bytes);
    },
  });
  const put = (name: string, bytes: Uint8Array | string) => writeFileSync(join(stagingDir, name), bytes);
  return { staging, blobs, stagingDir, put, parsed: () => parsed };
}

t.test('files are found by the id that they embed, whatever their name, and sorted by it', async (t) => {
  const { staging, put } = open(t);
  put('a.wasm', artifactOf('zebra'));
  put('b.wasm', artifactOf('ant'));
  const { byId, names, problems } = await staging.scan();
  t.same([...byId.keys()], ['ant', 'zebra']);
  t.equal(byId.get('ant')?.file, 'b.wasm');
  t.same([...names], ['a.wasm', 'b.wasm']);
  t.same(problems, []);
});

t.test('a file is parsed once for as long as it stays', async (t) => {
  const { staging, put, parsed } = open(t);
  put('demo.wasm', artifactOf('demo'));
  put('broken.wasm', 'broken');
  const first = await staging.scan();
  const second = await staging.scan();
  t.equal(parsed(), 2);
  t.equal(second.byId.get('demo')?.artifact, first.byId.get('demo')?.artifact);
  t.same(second.problems, first.problems);
});

t.test('C14: a file replaced by a rename with the same size and time is seen', async (t) => {
  const { staging, stagingDir, put } = open(t);
  const path = join(stagingDir, 'demo.wasm');
  put('demo.wasm', artifactOf('demo', 'v0.1.0'));
  await staging.scan();
  const { size, atime, mtime } = statSync(path);
  put('next', artifactOf('demo', 'v0.2.0'));
  const next = join(stagingDir, 'next');
  utimesSync(next, atime, mtime);
  t.equal(statSync(next).size, size);
  renameSync(next, path);
  t.equal((await staging.scan()).byId.get('demo')?.artifact.manifest.version, 'v0.2.0');
});

t.test('C05 C11: a file whose manifest an upload would refuse is a problem with its reason', async (t) => {
  const { staging, put } = open(t);
  put('a.wasm', artifactOf('demo', 'v0.1.0', { manifest: { supportsMultiTenant: undefined } }));
  put('b.wasm', artifactOf('other', 'v0.1.0', { manifest: { distribution: 'builtin' } }));
  put('c.wasm', artifactOf('third', 'v0.1.0', { manifest: { type: 'source' } }));
  const { byId, problems } = await staging.scan();
  t.equal(byId.size, 0);
  t.match(problems, [
    { file: 'a.wasm', reason: /supports_multi_tenant is required/ },
    { file: 'b.wasm', reason: /distribution/ },
    { file: 'c.wasm', reason: /must be dynamic/ },
  ]);
});

t.test('a file that goes while the directory is looked at is not there, and no problem', async (t) => {
  const { blobs, stagingDir, put } = open(t);
  put('demo.wasm', artifactOf('demo'));
  put('other.wasm', artifactOf('other'));
  const readStaged = async (name: string) => {
    rmSync(join(stagingDir, 'other.wasm'), { force: true });
    return blobs.readStaged(name);
  };
  const { byId, names, problems } = await createStaging({ blobs: { ...blobs, readStaged }, parseArtifact }).scan();
  t.same([...byId.keys()], ['demo']);
  t.same([...names], ['demo.wasm']);
  t.same(problems, []);
});

t.test('a file that could not be read once is read at the next look', async (t) => {
  const { blobs, put } = open(t);
  put('demo.wasm', artifactOf('demo'));
  let failures = 1;
  const readStaged = async (name: string) => {
    if (failures-- > 0) throw storeFailure(Object.assign(new Error('too many open files'), { code: 'EMFILE' }));
    return blobs.readStaged(name);
  };
  const staging = createStaging({ blobs: { ...blobs, readStaged }, parseArtifact });
  t.same((await staging.scan()).problems, [{ file: 'demo.wasm', reason: 'the store failed: too many open files' }]);
  const { byId, problems } = await staging.scan();
  t.same([...byId.keys()], ['demo']);
  t.same(problems, []);
});

t.test('a failure that is not of the artifact is not blamed on it', async (t) => {
  const dir = t.testdir({ plugins: { 'demo.wasm': 'x' } });
  const staging = createStaging({
    blobs: openBlobs({ archiveDir: dir, stagingDir: join(dir, 'plugins') }),
    parseArtifact() {
      throw new TypeError('a mistake of ours');
    },
  });
  await t.rejects(staging.scan(), { message: 'a mistake of ours' });
});
