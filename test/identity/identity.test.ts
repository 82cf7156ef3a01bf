import { mock } from 'node:test';
import { createSigner } from 'fast-jwt';
import t, { type Test } from 'tap';
import { SandpoolError } from '../../src/protocol/errors.js';
import { openRoom, PASSWORD, type Room, SECRET, START_MS } from './identity-room.js';

const CLAIMS = {
  tokenType: 'access',
  clientType: 'web',
  tenantId: 0,
  userId: 1,
  username: 'ada',
  status: 1,
  actingUserId: 0,
  actingAsTenant: false,
  isImpersonation: false,
};

type Refusal = { readonly code: string; readonly status?: number; readonly message?: string };

const payloadOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString()) as Record<string, unknown>;

/** The same token under a signature that is never its own. */
const changed = (token: string) => {
  const [header, payload, signature = ''] = token.split('.');
  return [header, payload, (signature.startsWith('A') ? 'B' : 'A') + signature.slice(1)].join('.');
};

const MISSING = { code: 'SBX_TOKEN_MISSING', status: 401, message: 'Missing Authorization header' };
const SHAPE = { code: 'SBX_TOKEN_SHAPE', status: 401, message: 'Invalid bearer token' };
const INVALID = { code: 'SBX_TOKEN_INVALID', status: 401, message: 'invalid token' };
const EXPIRED = { code: 'SBX_SESSION_EXPIRED', status: 401, message: 'Session has expired' };

t.test('a header is checked before the token, the token before the session', async (t) => {
  const { identity, addUser, logIn } = openRoom(t);
  await addUser('ada');
  const token = await logIn('ada');
  const gone = await logIn('ada');
  identity.logout(payloadOf(gone).tokenId as string);
  const cases: [title: string, header: string | undefined, refusal: Refusal][] = [
    ['1 no header', undefined, MISSING],
    ['1 an empty header', '', MISSING],
    ['1 a blank header', ' \t', MISSING],
    ['2 R12: bearer abc', 'bearer abc', SHAPE],
    ['2 lower case before a good token', `bearer ${token}`, SHAPE],
    ['2 another scheme', 'Basic YTpi', SHAPE],
    ['2 no rest', 'Bearer', SHAPE],
    ['2 a blank rest', 'Bearer  \t ', SHAPE],
    ['2 no blank between', `Bearer${token}`, SHAPE],
    ['3 no JWT', 'Bearer abc', INVALID],
    ['3 a changed signature of a session that is gone', `Bearer ${changed(gone)}`, INVALID],
    ['5 a session that is gone', `Bearer ${gone}`, EXPIRED],
  ];
  for (const [title, header, refusal] of cases) t.throws(() => identity.authenticate(header), refusal, title);
  t.equal(identity.authenticate(`Bearer ${token}`).username, 'ada');
  t.equal(identity.authenticate(`Bearer   ${token} `).username, 'ada', 'blanks around the token do not matter');
});

t.test('only tokens that this host signed for access are accepted', async (t) => {
  const { identity, addUser, logIn } = openRoom(t);
  await addUser('ada');
  const { tokenId } = payloadOf(await logIn('ada'));
  const good = { ...CLAIMS, tokenId };
  const seconds = START_MS / 1000;
  const sign = createSigner({ key: SECRET, algorithm: 'HS256' });
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signature = sign(good).split('.')[2];
  const bad: Record<string, string> = {
    'another secret': createSigner({ key: `${SECRET}!`, algorithm: 'HS256' })(good),
    HS384: createSigner({ key: SECRET, algorithm: 'HS384' })(good),
    HS512: createSigner({ key: SECRET, algorithm: 'HS512' })(good),
    'alg none, no signature': `${part({ alg: 'none', typ: 'JWT' })}.${part(good)}.`,
    'alg none, a signature': `${part({ alg: 'none', typ: 'JWT' })}.${part(good)}.${signature}`,
    'no signature': `${part({ alg: 'HS256', typ: 'JWT' })}.${part(good)}.`,
    'other claims under a good signature': sign(good).replace(/\.[^.]+\./, `.${part({ ...good, userId: 2 })}.`),
    'ended now': sign({ ...good, exp: seconds }),
    'not begun': sign({ ...good, nbf: seconds + 1 }),
    'R13: a refresh token': sign({ ...good, tokenType: 'refresh' }),
    'no token type': sign({ ...good, tokenType: undefined }),
    'an unknown client type': sign({ ...good, clientType: 'Web' }),
    'no client type': sign({ ...good, clientType: undefined }),
    'no token id': sign({ ...good, tokenId: undefined }),
    'a user id that is text': sign({ ...good, userId: '1' }),
    'no object': sign({}),
  };
  for (const [title, token] of Object.entries(bad)) {
    t.throws(() => identity.authenticate(`Bearer ${token}`), INVALID, title);
    t.throws(() => identity.authenticate(`Bearer ${token}`), INVALID, `${title}, again`);
  }
  for (const clientType of ['web', 'mobile', 'desktop', 'cli']) {
    const token = sign({ ...good, clientType, exp: seconds + 1, nbf: seconds });
    t.equal(identity.authenticate(`Bearer ${token}`).tokenId, tokenId, clientType);
  }
});

t.test('a token opens only the session of its own tenant and user', async (t) => {
  const { identity, addUser, logIn } = openRoom(t);
  await addUser('ada');
  await addUser('bob');
  const { tokenId } = payloadOf(await logIn('ada'));
  const sign = createSigner({ key: SECRET, algorithm: 'HS256' });
  for (const other of [{ tenantId: 1 }, { userId: 2 }, { tokenId: 'unknown' }]) {
    const token = sign({ ...CLAIMS, tokenId, ...other });
    t.throws(() => identity.authenticate(`Bearer ${token}`), EXPIRED, JSON.stringify(other));
  }
});

t.test('a login gives a token with exactly the claims of the reference', async (t) => {
  const { identity, addUser } = openRoom(t);
  const id = await addUser('ada', { tenantId: 22 });
  const answer = await identity.login({ username: 'ada', password: PASSWORD, clientType: 'cli', ip: '10.0.0.1' });
  const { tokenId, ...claims } = payloadOf(answer.accessToken);
  t.match(tokenId, /^[0-9a-f-]{36}$/);
  const seconds = START_MS / 1000;
  const times = { iat: seconds, exp: seconds + 7200 };
  t.strictSame(claims, { ...CLAIMS, clientType: 'cli', tenantId: 22, userId: id, ...times });
  t.equal(answer.expiresAt, START_MS + 7_200_000);
  t.strictSame(answer.user, { id, username: 'ada', tenantId: 22, isSuperAdmin: false });
});

t.test('who acts for someone else is passed on', async (t) => {
  const { identity, addUser, logIn } = openRoom(t);
  await addUser('ada');
  const { tokenId } = payloadOf(await logIn('ada'));
  const acting = { actingUserId: 7, actingAsTenant: true, isImpersonation: true };
  const token = createSigner({ key: SECRET, algorithm: 'HS256' })({ ...CLAIMS, tokenId, ...acting });
  t.match(identity.authenticate(`Bearer ${token}`), acting);
});

t.test('a token ends with its time, even when it was accepted before and the session goes on', async (t) => {
  const { identity, addUser, logIn, passSeconds } = openRoom(t);
  await addUser('ada');
  const header = `Bearer ${await logIn('ada')}`;
  for (let used = 0; used < 3; used++) {
    passSeconds(2399);
    t.equal(identity.authenticate(header).username, 'ada');
  }
  passSeconds(3);
  t.throws(() => identity.authenticate(header), INVALID);
});

t.test('a session ends when it was idle for too long, and every use begins the wait anew', async (t) => {
  const { identity, database, addUser, logIn, passSeconds } = openRoom(t, { accessTokenTtlSeconds: 100_000 });
  await addUser('ada');
  const header = `Bearer ${await logIn('ada')}`;
  for (let used = 0; used < 3; used++) {
    passSeconds(3600);
    t.equal(identity.authenticate(header).username, 'ada');
  }
  passSeconds(3601);
  t.throws(() => identity.authenticate(header), EXPIRED);
  t.equal(database.prepare('SELECT count(*) FROM sys_online_session').pluck().get(), 0);
  t.throws(() => identity.authenticate(header), EXPIRED, 'and stays ended');
});

t.test('who logs out is out, and nobody else', async (t) => {
  const { identity, addUser, logIn } = openRoom(t);
  await addUser('ada');
  const [first, second] = [await logIn('ada'), await logIn('ada')];
  identity.logout(identity.authenticate(`Bearer ${first}`).tokenId);
  t.throws(() => identity.authenticate(`Bearer ${first}`), EXPIRED);
  t.equal(identity.authenticate(`Bearer ${second}`).username, 'ada');
});

t.test('all sessions of a user can be ended', async (t) => {
  const { identity, addUser, logIn } = openRoom(t);
  const id = await addUser('ada');
  await addUser('bob');
  const [first, second, others] = [await logIn('ada'), await logIn('ada'), await logIn('bob')];
  identity.authenticate(`Bearer ${first}`);
  identity.endSessionsOf(id);
  for (const token of [first, second]) t.throws(() => identity.authenticate(`Bearer ${token}`), EXPIRED);
  t.equal(identity.authenticate(`Bearer ${others}`).username, 'bob');
});

t.test('sessions outlive a restart, with the time of their last use', async (t) => {
  const { identity, start, addUser, logIn, passSeconds } = openRoom(t, { accessTokenTtlSeconds: 100_000 });
  await addUser('ada');
  const header = `Bearer ${await logIn('ada')}`;
  passSeconds(3000);
  identity.authenticate(header);
  identity.close();
  passSeconds(3000);
  const second = start();
  t.equal(second.identity.authenticate(header).username, 'ada');
  second.identity.close();
  passSeconds(3601);
  t.throws(() => start().identity.authenticate(header), EXPIRED);
});

t.test('a host with another secret accepts none of them', async (t) => {
  const { start, addUser, logIn } = openRoom(t);
  await addUser('ada');
  const header = `Bearer ${await logIn('ada')}`;
  t.throws(() => start({ secret: `${SECRET}?` }).identity.authenticate(header), INVALID);
});

t.test('the last use is written once per interval, not per request', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.teardown(() => mock.timers.reset());
  const { identity, database, addUser, logIn, passSeconds } = openRoom(t, { writeBehindSeconds: 20 });
  await addUser('ada');
  const header = `Bearer ${await logIn('ada')}`;
  const writes = database.prepare('SELECT total_changes()').pluck();
  const lastActive = database.prepare('SELECT last_active_at FROM sys_online_session').pluck();
  const before = writes.get() as number;
  for (let used = 0; used < 5; used++) {
    passSeconds(2);
    identity.authenticate(header);
  }
  t.equal(lastActive.get(), START_MS);
  mock.timers.tick(20_000);
  t.equal(lastActive.get(), START_MS + 10_000);
  t.equal(writes.get(), before + 1);
});

t.test('a write that fails is reported, and done later', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.teardown(() => mock.timers.reset());
  const failures: string[] = [];
  const onWriteFailed = ({ code, message }: { code: string; message: string }) => failures.push(`${code} ${message}`);
  const { identity, database, addUser, logIn, passSeconds } = openRoom(t, { onWriteFailed });
  await addUser('ada');
  const header = `Bearer ${await logIn('ada')}`;
  database.exec("CREATE TRIGGER full BEFORE UPDATE ON sys_online_session BEGIN SELECT raise(ABORT, 'disk full'); END");
  passSeconds(5);
  identity.authenticate(header);
  mock.timers.tick(30_000);
  t.same(failures, ['SBX_STORE_FAILED the store failed: disk full']);
  database.exec('DROP TRIGGER full');
  mock.timers.tick(30_000);
  t.equal(database.prepare('SELECT last_active_at FROM sys_online_session').pluck().get(), START_MS + 5000);
});

t.test('dead sessions leave the table when somebody logs in', async (t) => {
  const { database, addUser, logIn, passSeconds } = openRoom(t);
  await addUser('ada');
  await logIn('ada');
  passSeconds(3601);
  await logIn('ada');
  t.equal(database.prepare('SELECT count(*) FROM sys_online_session').pluck().get(), 1);
});

t.test('roles and permissions that cannot be loaded are a failure of the host', async (t) => {
  const { identity, database, addUser, logIn } = openRoom(t);
  await addUser('ada');
  const header = `Bearer ${await logIn('ada')}`;
  database.exec('DROP TABLE sys_role_permission');
  t.throws(() => identity.authenticate(header), {
    code: 'SBX_STORE_FAILED',
    status: 500,
    message: 'the store failed: no such table: sys_role_permission',
  });
});

t.test('wrong passwords, unknown users and disabled users are told the same', async (t) => {
  const { identity, addUser } = openRoom(t);
  identity.setUserStatus(await addUser('gone'), 0);
  await addUser('ada');
  const cases = [
    { username: 'ada', password: 'wrong horse' },
    { username: 'ada', password: '' },
    { username: 'ada', password: 'x'.repeat(2000) },
    { username: 'Ada', password: PASSWORD },
    { username: 'nobody', password: PASSWORD },
    { username: '', password: '' },
    { username: 'gone', password: PASSWORD },
  ];
  for (const guess of cases) {
    const refusal = { code: 'SBX_CREDENTIALS_INVALID', status: 401, message: 'username or password is wrong' };
    await t.rejects(identity.login({ ...guess, ip: '10.0.0.1' }), refusal, `${guess.username} ${guess.password}`);
  }
});

t.test('who guesses too often waits until the window is over', async (t) => {
  const { identity, addUser, logIn, passSeconds } = openRoom(t, { failedLogins: { perUser: 3, windowSeconds: 60 } });
  await addUser('ada');
  for (let guess = 0; guess < 3; guess++) {
    await t.rejects(logIn('ada', 'wrong horse'), { code: 'SBX_CREDENTIALS_INVALID' });
    passSeconds(10);
  }
  const refusal = { code: 'SBX_LOGIN_RATE', status: 429, details: { retryAfterSeconds: 30 } };
  await t.rejects(logIn('ada'), refusal, 'even with the right password');
  const elsewhere = await identity.login({ username: 'ada', password: PASSWORD, ip: '10.0.0.2' });
  t.equal(elsewhere.user.username, 'ada', 'but not from elsewhere');
  passSeconds(30);
  t.ok(await logIn('ada'));
});

t.test('guesses at the same time are counted before any of them is answered', async (t) => {
  const { addUser, logIn } = openRoom(t, { failedLogins: { perUser: 3 } });
  await addUser('ada');
  const guesses = await Promise.allSettled(Array.from({ length: 8 }, () => logIn('ada', 'wrong horse')));
  const codes = guesses.map((guess) => (guess.status === 'rejected' ? (guess.reason as { code: string }).code : 'ok'));
  t.equal(codes.filter((code) => code === 'SBX_CREDENTIALS_INVALID').length, 3);
  t.equal(codes.filter((code) => code === 'SBX_LOGIN_RATE').length, 5);
});

t.test('a disabled user is out at once and cannot come back', async (t) => {
  const { identity, addUser, logIn } = openRoom(t);
  const id = await addUser('ada');
  const header = `Bearer ${await logIn('ada')}`;
  t.equal(identity.authenticate(header).status, 1);
  const meanwhile = logIn('ada');
  identity.setUserStatus(id, 0);
  t.throws(() => identity.authenticate(header), EXPIRED);
  await t.rejects(meanwhile, { code: 'SBX_CREDENTIALS_INVALID' }, 'nor with a login that had begun');
  identity.setUserStatus(id, 1);
  t.throws(() => identity.authenticate(header), EXPIRED);
  t.ok(await logIn('ada'));
});

t.test('a new password ends the sessions and replaces the old one', async (t) => {
  const { identity, addUser, logIn } = openRoom(t);
  const id = await addUser('ada');
  const header = `Bearer ${await logIn('ada')}`;
  await identity.setPassword(id, 'another horse');
  t.throws(() => identity.authenticate(header), EXPIRED);
  await t.rejects(logIn('ada'), { code: 'SBX_CREDENTIALS_INVALID' });
  t.ok(await logIn('ada', 'another horse'));
});

t.test('the first start makes a super-admin with a random password, later starts make nothing', async (t) => {
  const { identity, start, logIn } = openRoom(t);
  const password = await identity.ensureAdmin();
  t.match(password, /^[A-Za-z0-9_][A-Za-z0-9_-]{23}$/);
  const who = identity.authenticate(`Bearer ${await logIn('admin', password)}`);
  t.match(who, { userId: 1, username: 'admin', tenantId: 0, isSuperAdmin: true, dataScope: 1 });
  t.equal(await start().identity.ensureAdmin(), undefined);
  t.equal(await start().identity.ensureAdmin('given later'), undefined);
  t.ok(await logIn('admin', password), 'and change nothing');
});

t.test('a given first password is taken and not told', async (t) => {
  const { identity, logIn } = openRoom(t);
  t.equal(await identity.ensureAdmin('short'), undefined);
  t.ok(await logIn('admin', 'short'));
});

t.test('of two first starts at once, one tells the password, and it works', async (t) => {
  const { identity, start, logIn } = openRoom(t);
  const told = await Promise.all([identity.ensureAdmin(), start().identity.ensureAdmin()]);
  const passwords = told.filter((password) => password !== undefined);
  t.equal(passwords.length, 1);
  t.ok(await logIn('admin', passwords[0]));
});

t.test('hashes are argon2id, at 19 MiB and two passes unless told otherwise', async (t) => {
  const { identity, database } = openRoom(t, { hashCost: undefined as never });
  await identity.ensureAdmin('given first');
  t.match(database.prepare('SELECT password_hash FROM sys_user').pluck().get(), /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
});

/** Two processes on one file; each has the other forget, as the primary process would have it. */
async function openPair(t: Test) {
  const rooms: Room[] = [];
  const peersOf = (other: number) => ({
    spread: async () => rooms[other]?.identity.forget(),
    attempt: async () => async () => {},
  });
  const room = openRoom(t, { peers: peersOf(1) });
  const second = room.start({ peers: peersOf(0) });
  rooms.push(room, second);
  await room.addUser('ada', { roles: [] });
  const header = `Bearer ${await room.logIn('ada')}`;
  return { ...room, other: second.identity, header };
}

t.test('who logs out in one process is logged out in the others', async (t) => {
  const { identity, other, header } = await openPair(t);
  const { tokenId } = other.authenticate(header);
  identity.logout(tokenId);
  await identity.settled();
  t.throws(() => other.authenticate(header), { code: 'SBX_SESSION_EXPIRED' });
});

t.test('what a user may do changes in every process at once', async (t) => {
  const { identity, other, header } = await openPair(t);
  const { userId } = other.authenticate(header);
  identity.createRole({ key: 'editor', name: 'Editor', permissions: ['notes:edit'] });
  identity.setUserRoles(userId, ['editor']);
  await identity.settled();
  t.same(other.authenticate(header).permissions, ['notes:edit']);
  identity.setUserStatus(userId, 0);
  await identity.settled();
  t.throws(() => other.authenticate(header), { code: 'SBX_SESSION_EXPIRED' });
});

t.test('who waits for the other processes is told when one of them could not be reached', async (t) => {
  const silent = new SandpoolError('SBX_PEERS_SILENT', { timeoutMs: 1 });
  const peers = { spread: () => Promise.reject(silent), attempt: async () => async () => {} };
  const { identity, addUser } = openRoom(t, { peers });
  await addUser('ada');
  await t.rejects(identity.settled(), { code: 'SBX_PEERS_SILENT' });
});

t.test('failed logins of several processes are counted in one place', async (t) => {
  const attempts: string[] = [];
  const attempt = async (username: string) => {
    attempts.push(username);
    return async () => void attempts.pop();
  };
  const { addUser, logIn } = openRoom(t, { peers: { spread: async () => {}, attempt } });
  await addUser('ada');
  await t.rejects(logIn('ada', 'wrong'), { code: 'SBX_CREDENTIALS_INVALID' });
  await logIn('ada');
  t.same(attempts, ['ada'], 'the one that succeeded was taken back');
});
