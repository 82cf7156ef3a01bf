import t, { type Test } from 'tap';
import { createTestHost, granted, hex, json } from './host.js';

const FILES = {
  'config/profile.yaml': 'name: demo\n',
  'config/a.yaml': 'a: 1\n',
  'config/empty.yaml': '',
  'configs/x.yaml': 'x',
  'sql/001.sql': 'SELECT 1;',
  'top.yaml': 'top',
};

function open(t: Test, paths: readonly string[], files: Readonly<Record<string, string>> = FILES) {
  const entries = Object.entries(files).map(([path, text]) => [path, Buffer.from(text)] as const);
  return createTestHost(t, {
    grants: [granted('manifest', { paths })],
    context: { manifestResources: new Map(entries) },
  });
}

const PROFILE = hex('0a13636f6e6669672f70726f66696c652e79616d6c');

t.test('29.7 #91 F039 F111 a declared file is read', async (t) => {
  const asked = await open(t, ['config/']).ask('manifest', 'get', {
    resourceRef: 'config/profile.yaml',
    payload: PROFILE,
  });
  t.equal(asked.payload, '0801120b6e616d653a2064656d6f0a');
});

t.test('29.7 #92 F039 a file outside the grant is refused', async (t) => {
  const asked = await open(t, ['config/']).ask('manifest', 'get', { resourceRef: 'sql/001.sql', payload: hex('') });
  t.equal(asked.status, 1);
});

t.test('29.7 #92 a payload cannot ask for more than the authorised resource', async (t) => {
  const host = open(t, ['config/']);
  for (const path of ['sql/001.sql', '../config/a.yaml', '/config/a.yaml', 'manifest/config/a.yaml', '']) {
    const payload = Buffer.concat([Buffer.from([0x0a, path.length]), Buffer.from(path)]);
    const asked = await host.ask('manifest', 'get', { resourceRef: 'config/', payload });
    t.equal(asked.status, 3, path);
    t.equal(asked.error?.fallback, 'manifest request target mismatch');
    t.equal(asked.error?.errorCode, 'HOST_CALL_INVALID_REQUEST');
  }
});

t.test('F114 a missing and an empty file are success without payload', async (t) => {
  const host = open(t, ['config/']);
  for (const path of ['config/nope.yaml', 'config/empty.yaml']) {
    const payload = Buffer.concat([Buffer.from([0x0a, path.length]), Buffer.from(path)]);
    const asked = await host.ask('manifest', 'get', { resourceRef: path, payload });
    t.equal(asked.status, 0);
    t.equal(asked.response, '');
  }
});

t.test('29.7 #93 many files are read at once, the missing ones named', async (t) => {
  const asked = await open(t, ['config/']).ask('manifest', 'get_many', {
    resourceRef: 'config/',
    payload: hex('0a2b7b227061746873223a5b22636f6e6669672f612e79616d6c222c22636f6e6669672f622e79616d6c225d7d'),
  });
  t.equal(
    asked.payload,
    '0a5b7b227265736f7572636573223a5b7b2270617468223a22636f6e6669672f612e79616d6c222c22626f6479223a2259546f674d516f3d227d5d2c226d697373696e675061746873223a5b22636f6e6669672f622e79616d6c225d7d',
  );
});

t.test('paths of a batch come back clean and once, an empty file is missing', async (t) => {
  const asked = await open(t, ['config/']).ask('manifest', 'get_many', {
    resourceRef: 'config/',
    payload: json({ paths: ['config//a.yaml', ' config/a.yaml', 'config\\empty.yaml'] }),
  });
  t.strictSame(asked.json(), {
    resources: [{ path: 'config/a.yaml', body: 'YTogMQo=' }],
    missingPaths: ['config/empty.yaml'],
  });
});

t.test('each path of a batch must lie under the authorised resource', async (t) => {
  const asked = await open(t, ['config/', 'sql/']).ask('manifest', 'get_many', {
    resourceRef: 'config/',
    payload: json({ paths: ['config/a.yaml', 'sql/001.sql'] }),
  });
  t.equal(asked.status, 3);
  t.equal(asked.error?.fallback, 'manifest request target mismatch');
});

t.test('a batch may name 100 paths, files of 1 MiB, and 4 MiB together', async (t) => {
  const mebibyte = 'x'.repeat(1 << 20);
  const large = Object.fromEntries([1, 2, 3, 4].map((index) => [`config/${index}`, mebibyte]));
  const host = open(t, ['config/'], { ...large, 'config/over': `${mebibyte}x`, 'config/small': 'x' });
  const get = (paths: readonly string[]) =>
    host.ask('manifest', 'get_many', { resourceRef: 'config/', payload: json({ paths }) });
  const numbered = (count: number) => Array.from({ length: count }, (_, index) => `config/n${index}`);
  t.equal((await get([...numbered(100), 'config/n1'])).status, 0);
  t.equal((await get(Object.keys(large))).status, 0);
  for (const paths of [numbered(101), ['config/over'], [...Object.keys(large), 'config/small']]) {
    const asked = await get(paths);
    t.equal(asked.status, 3);
    t.equal(asked.error?.errorCode, 'HOST_CALL_INVALID_REQUEST');
  }
});

t.test('29.7 #94 a folder is listed below its boundary, sorted', async (t) => {
  const asked = await open(t, ['config/']).ask('manifest', 'list', {
    resourceRef: 'config/.manifest-list-probe',
    payload: hex('0a1e7b22707265666978223a22636f6e666967222c226c696d6974223a31307d'),
  });
  t.strictSame(asked.json(), {
    resources: [
      { path: 'config/a.yaml', size: 5 },
      { path: 'config/empty.yaml', size: 0 },
      { path: 'config/profile.yaml', size: 11 },
    ],
    limit: 10,
  });
});

t.test('29.7 #94 the root is listed with a pattern that covers it', async (t) => {
  const root = {
    resourceRef: '.manifest-list-probe',
    payload: hex('0a187b22707265666978223a22222c226c696d6974223a31307d'),
  };
  t.equal((await open(t, ['config/']).ask('manifest', 'list', root)).status, 1);
  const asked = await open(t, ['*']).ask('manifest', 'list', root);
  t.strictSame(
    (asked.json() as { resources: { path: string }[] }).resources.map(({ path }) => path),
    ['config/a.yaml', 'config/empty.yaml', 'config/profile.yaml', 'configs/x.yaml', 'sql/001.sql', 'top.yaml'],
  );
});

t.test('the prefix of a listing must be the authorised one', async (t) => {
  const host = open(t, ['config/', 'sql/']);
  for (const prefix of ['sql', '', '../config', 'manifest/config']) {
    const asked = await host.ask('manifest', 'list', {
      resourceRef: 'config/.manifest-list-probe',
      payload: json({ prefix }),
    });
    t.equal(asked.status, 3, prefix);
    t.equal(asked.error?.fallback, 'manifest request target mismatch');
  }
});

t.test('a listing has 100 files unless asked otherwise, and 500 at most', async (t) => {
  const files = Object.fromEntries(Array.from({ length: 510 }, (_, index) => [`config/${1000 + index}`, 'x']));
  const host = open(t, ['config/'], files);
  const list = async (limit?: number) => {
    const payload = json(limit === undefined ? { prefix: 'config/' } : { prefix: 'config/', limit });
    const asked = await host.ask('manifest', 'list', { resourceRef: 'config/.manifest-list-probe', payload });
    const listed = asked.json() as { resources: unknown[]; limit: number };
    return [listed.resources.length, listed.limit];
  };
  t.strictSame(await list(), [100, 100]);
  t.strictSame(await list(-1), [100, 100]);
  t.strictSame(await list(3), [3, 3]);
  t.strictSame(await list(9999), [500, 500]);
});
