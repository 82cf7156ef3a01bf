import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { playHost, Raw, sandpool } from './command-line.js';

t.test('login stores a token that only its owner can read, and later commands use it', async (t) => {
  const home = t.testdir();
  const env = { XDG_CONFIG_HOME: home };
  const { url, received } = await playHost(t, {
    'POST /auth/login': { accessToken: 'token-1' },
    'GET /plugins?pageNum=1&pageSize=100': { list: [], total: 0 },
  });
  const file = join(home, 'sandpool', 'credentials.json');

  const login = await sandpool(['login', '--url', url], { env, input: 'pässword\n' });
  t.same(login, { code: 0, stdout: `admin is logged in at ${url}; the token is in ${file}\n`, stderr: '' });
  t.same(JSON.parse(Buffer.from(received[0]!.body, 'latin1').toString()), { username: 'admin', password: 'pässword' });
  t.same(JSON.parse(readFileSync(file, 'utf8')), { [url]: { username: 'admin', token: 'token-1' } });
  t.equal(statSync(file).mode & 0o777, 0o600);

  t.same(await sandpool(['list'], { env: { ...env, SANDPOOL_URL: url } }), {
    code: 0,
    stdout: 'no plugins\n',
    stderr: '',
  });
  t.equal(received[1]?.headers.authorization, 'Bearer token-1');
  await sandpool(['list'], { env: { ...env, SANDPOOL_URL: url, SANDPOOL_TOKEN: 'token-2' } });
  t.equal(received[2]?.headers.authorization, 'Bearer token-2');
  await sandpool(['list', '--token', 'token-3'], { env: { ...env, SANDPOOL_URL: url, SANDPOOL_TOKEN: 'token-2' } });
  t.equal(received[3]?.headers.authorization, 'Bearer token-3');
});

t.test('tokens of several hosts live side by side', async (t) => {
  const home = t.testdir({ sandpool: { 'credentials.json': '{"http://other":{"username":"a","token":"o"}}' } });
  const { url } = await playHost(t, { 'POST /auth/login': { accessToken: 'token-1' } });
  const args = ['login', '--url', url, '--username', 'eve', '--password-stdin', '--json'];
  const { stdout } = await sandpool(args, { env: { XDG_CONFIG_HOME: home }, input: 'p' });
  const file = join(home, 'sandpool', 'credentials.json');
  t.same(JSON.parse(stdout), { url, username: 'eve', file });
  t.same(Object.keys(JSON.parse(readFileSync(file, 'utf8'))), ['http://other', url]);
});

t.test('a wrong password stores nothing and exits with 1', async (t) => {
  const home = t.testdir();
  const message = 'username or password is wrong';
  const { url } = await playHost(t, {
    'POST /auth/login': new Raw(401, { code: 401, message, errorCode: 'SBX_CREDENTIALS_INVALID' }),
  });
  const ran = await sandpool(['login', '--url', url], { env: { XDG_CONFIG_HOME: home }, input: 'p' });
  t.same(ran, { code: 1, stdout: '', stderr: `SBX_CREDENTIALS_INVALID: ${message}\n` });
  t.throws(() => statSync(join(home, 'sandpool', 'credentials.json')), { code: 'ENOENT' });
});

t.test('a damaged file of tokens is named, not overwritten', async (t) => {
  const home = t.testdir({ sandpool: { 'credentials.json': '' } });
  const file = join(home, 'sandpool', 'credentials.json');
  writeFileSync(file, '{');
  const { code, stderr } = await sandpool(['list'], { env: { XDG_CONFIG_HOME: home } });
  t.equal(code, 1);
  t.match(stderr, `SBX_FILE_UNREADABLE: cannot read ${file}: `);
  t.equal(readFileSync(file, 'utf8'), '{');
});
