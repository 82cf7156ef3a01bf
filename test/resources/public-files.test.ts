import { createHash } from 'node:crypto';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import t from 'tap';
import type { AssetFile } from '../../src/artifact/artifact.js';
import {
  checkPublicFiles,
  normalizePublicAssets,
  type PublicAssetDeclaration,
  resolvePublicAsset,
} from '../../src/artifact/public-assets.js';
import { type AssetRelease, createPublicFiles, publicPaths } from '../../src/resources/public-files.js';

const asset = (path: string, content = path): AssetFile => ({ path, content: Buffer.from(content), contentType: '' });
const at = (source: string, mount = '', index = 'index.html'): PublicAssetDeclaration => ({ source, mount, index });

function released(files: readonly AssetFile[], publicAssets = [at('frontend/pages')], more = {}): AssetRelease {
  const artifact = { manifest: { publicAssets }, frontendAssets: files };
  return { pluginId: 'p', checksum: 'c1', generation: 1, artifact, ...more };
}

const open = (cacheBytes = 1 << 20, events: string[] = []) =>
  createPublicFiles({ cacheBytes, sniff: () => 'application/octet-stream', count: (event) => void events.push(event) });

t.test('the files below a source are published, and no other (F075)', async (t) => {
  const files = ['frontend/pages/a.js', 'frontend/pages/sub/b.css', 'frontend/pagesx/c.js', 'frontend/d.js'];
  const paths = publicPaths(
    [at('frontend/pages')],
    files.map((path) => asset(path)),
  );
  t.same([...paths.keys()], ['a.js', 'sub/b.css']);
});

t.test(
  'a mount itself is its index, with and without a slash; a folder below it is not (C82, C83, F079)',
  async (t) => {
    const files = ['standalone.html', 'index.html', 'sub/index.html'].map((name) => asset(`frontend/pages/${name}`));
    const paths = publicPaths([at('frontend/pages', 'pages', 'standalone.html')], files);
    t.equal(paths.get('pages')?.path, 'frontend/pages/standalone.html');
    t.equal(paths.get('pages/')?.path, 'frontend/pages/standalone.html');
    t.equal(paths.get(''), undefined);
    t.equal(paths.get('pages/sub'), undefined);
    t.equal(paths.get('pages/sub/'), undefined);
    t.equal(publicPaths([at('frontend/pages')], files).get('')?.path, 'frontend/pages/index.html');
  },
);

t.test('the longest mount decides, also when it has no such file (C111, F146)', async (t) => {
  const files = ['frontend/public/logo.png', 'frontend/public/pages/x.html', 'frontend/pages/a.html'];
  const paths = publicPaths(
    [at('frontend/public'), at('frontend/pages', 'pages', 'a.html')],
    files.map((path) => asset(path)),
  );
  t.equal(paths.get('logo.png')?.path, 'frontend/public/logo.png');
  t.equal(paths.get('pages/')?.path, 'frontend/pages/a.html');
  t.equal(paths.get('pages/x.html'), undefined);
});

t.test('the table of paths says what the rule of the manifest says, for any path', async (t) => {
  const name = fc.constantFrom('a', 'b', 'pages', 'index.html', 'x.js');
  const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
  const declaration = fc.record({
    source: fc.constantFrom('f', 'f/a', 'f/pages', 'g'),
    mount: fc.constantFrom('', 'pages', 'a/b', 'b'),
    index: fc.constantFrom('index.html', 'x.js'),
  });
  const folder = fc.constantFrom('f/', 'g/', 'f/a/');
  const fileSet = fc.uniqueArray(
    fc.tuple(folder, path).map(([top, rest]) => top + rest),
    { maxLength: 8 },
  );
  const property = fc.property(fc.array(declaration, { maxLength: 3 }), fileSet, path, (declared, files, asked) => {
    let declarations: readonly PublicAssetDeclaration[];
    try {
      declarations = normalizePublicAssets(declared);
      checkPublicFiles(declarations, files);
    } catch {
      return;
    }
    const table = publicPaths(
      declarations,
      files.map((file) => asset(file)),
    );
    for (const rest of ['', asked, `${asked}/`]) {
      const expected = resolvePublicAsset(declarations, rest);
      const isFile = expected !== undefined && files.includes(expected);
      // The rule forgives a slash behind a mount alone, and so does the table.
      if (rest.endsWith('/') && !declarations.some(({ mount }) => `${mount}/` === rest)) continue;
      if (table.get(rest)?.path !== (isFile ? expected : undefined)) throw new Error(`${rest}: ${expected}`);
    }
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 2000, seed: 7 }));
});

t.test('a tag follows the content, and a compressed form has one of its own', async (t) => {
  const files = open();
  const text = 'let a = 1;\n'.repeat(100);
  const release = released([asset('frontend/pages/a.js', text), asset('frontend/pages/b.js', text)]);
  const file = files.find(release, 'a.js')!;
  t.match(file.etag, /^"[\w-]{27}"$/);
  t.equal(files.find(release, 'b.js')?.etag, file.etag);
  const br = await files.encode(file, 'br');
  t.equal(br.encoding, 'br');
  t.equal(br.etag, `${file.etag.slice(0, -1)}-br"`);
  t.equal(brotliDecompressSync(br.content).toString(), text);
  const gzip = await files.encode(file, 'gzip');
  t.equal(gzip.etag, `${file.etag.slice(0, -1)}-gzip"`);
  t.equal(gunzipSync(gzip.content).toString(), text);
});

t.test('a file is compressed once, however many ask at the same time', async (t) => {
  const events: string[] = [];
  const files = open(1 << 20, events);
  const file = files.find(released([asset('frontend/pages/a.css', 'a{}\n'.repeat(500))]), 'a.css')!;
  const [first, second] = await Promise.all([files.encode(file, 'br'), files.encode(file, 'br')]);
  t.equal(first, second);
  t.equal(files.encode(file, 'br'), first, 'and is at hand at once afterwards');
  t.same(events, ['miss', 'hit', 'hit']);
});

t.test('what would not become smaller is sent as it is', async (t) => {
  const files = open();
  const noise = Buffer.concat(['a', 'b', 'c', 'd', 'e'].map((seed) => createHash('sha512').update(seed).digest()));
  const release = released([
    { path: 'frontend/pages/noise.svg', content: noise, contentType: '' },
    asset('frontend/pages/tiny.js', 'a'),
    asset('frontend/pages/photo.png', 'p'.repeat(1000)),
  ]);
  const file = files.find(release, 'noise.svg')!;
  const form = await files.encode(file, 'gzip');
  t.equal(form.encoding, undefined);
  t.equal(form.etag, file.etag);
  t.equal(form.content, noise);
  t.equal(files.find(release, 'tiny.js')?.isCompressible, false, 'too small to be worth it');
  t.equal(files.find(release, 'photo.png')?.isCompressible, false, 'compressed already');
});

t.test('a cache of no bytes compresses nothing, and a small one lets the oldest go', async (t) => {
  const text = (letter: string) => Array.from({ length: 900 }, (_, i) => `${letter}${i * i}`).join();
  const release = released(['a', 'b', 'c'].map((name) => asset(`frontend/pages/${name}.js`, text(name))));
  t.equal(open(0).find(release, 'a.js')?.isCompressible, false);
  const events: string[] = [];
  const files = open(4 * text('a').length, events);
  const ask = async () => {
    for (const name of ['a', 'b', 'c']) await files.encode(files.find(release, `${name}.js`)!, 'gzip');
  };
  await ask();
  await ask();
  t.same(events, ['miss', 'miss', 'miss', 'hit', 'hit', 'hit']);
  const more = 'defghijklmnopq'.split('');
  const others = released(
    more.map((name) => asset(`frontend/pages/${name}.js`, text(name))),
    undefined,
    { pluginId: 'q' },
  );
  for (const name of more) await files.encode(files.find(others, `${name}.js`)!, 'gzip');
  t.ok(events.includes('eviction'));
  events.length = 0;
  await files.encode(files.find(release, 'a.js')!, 'gzip');
  t.equal(events[0], 'miss', 'the oldest had to go');
});

t.test('another generation or checksum is another bundle (F015, F016)', async (t) => {
  const files = open();
  const one = released([asset('frontend/pages/a.js', 'one')]);
  t.equal(String(files.find(one, 'a.js')?.content), 'one');
  const refreshed = released([asset('frontend/pages/a.js', 'two')], undefined, { checksum: 'c2', generation: 2 });
  t.equal(String(files.find(refreshed, 'a.js')?.content), 'two');
  t.not(files.find(refreshed, 'a.js')?.cacheKey, files.find(one, 'a.js')?.cacheKey);
});

t.test('what is forgotten is compressed again, and other plugins keep theirs', async (t) => {
  const events: string[] = [];
  const files = open(1 << 20, events);
  const content = [asset('frontend/pages/a.js', 'let a;\n'.repeat(200))];
  const mine = released(content);
  const other = released(content, undefined, { pluginId: 'p2' });
  for (const release of [mine, other]) await files.encode(files.find(release, 'a.js')!, 'br');
  files.forget('p');
  for (const release of [mine, other]) await files.encode(files.find(release, 'a.js')!, 'br');
  t.same(events, ['miss', 'miss', 'miss', 'hit']);
});
