import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadSecret } from '../../src/identity/secret.js';

t.test('a configured secret is used, and no file is made', async (t) => {
  const dir = t.testdir({});
  t.equal(await loadSecret(dir, 'configured'), 'configured');
  t.same(readdirSync(dir), []);
});

t.test('without one, 32 random bytes are made once and kept for the owner alone', async (t) => {
  const dir = join(t.testdir({}), 'data');
  const secret = await loadSecret(dir);
  t.match(secret, /^[0-9a-f]{64}$/);
  t.equal(await loadSecret(dir), secret);
  t.equal(statSync(join(dir, 'auth.secret')).mode & 0o777, 0o600);
  t.same(readdirSync(dir), ['auth.secret']);
});

t.test('hosts that start at once get the same secret', async (t) => {
  const dir = t.testdir({});
  const secrets = await Promise.all(Array.from({ length: 8 }, () => loadSecret(dir)));
  t.equal(new Set(secrets).size, 1);
  t.same(readdirSync(dir), ['auth.secret']);
});

t.test('a file that holds no key stops the start, instead of tokens that anyone can sign', async (t) => {
  const dir = t.testdir({});
  writeFileSync(join(dir, 'auth.secret'), 'short\n');
  await t.rejects(loadSecret(dir), {
    code: 'SBX_DATA_DIR',
    message: `the data directory ${dir} cannot be used: auth.secret holds no key`,
  });
});

t.test('a data directory that is a file is named', async (t) => {
  const dir = t.testdir({ data: 'a file' });
  await t.rejects(loadSecret(join(dir, 'data')), { code: 'SBX_DATA_DIR' });
});
