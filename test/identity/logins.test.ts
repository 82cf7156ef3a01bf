import { createSigner } from 'fast-jwt';
import t from 'tap';
import type { LoggedIn } from '../../src/identity/identity.js';
import { openRoom, PASSWORD, SECRET, START_MS } from './identity-room.js';

const EXPIRED = { code: 'SBX_SESSION_EXPIRED', status: 401 };
const INVALID = { code: 'SBX_TOKEN_INVALID', status: 401 };
const IP = { ip: '10.0.0.1' };

const payloadOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString()) as Record<string, unknown>;
const headerOf = ({ accessToken }: LoggedIn) => `Bearer ${accessToken}`;

t.test('a refresh gives new tokens for the same session', async (t) => {
  const { identity, addUser, passSeconds } = openRoom(t);
  await addUser('ada');
  const first = await identity.login({ username: 'ada', password: PASSWORD, ...IP });
  passSeconds(1800);
  const second = identity.refresh(first.refreshToken);
  t.equal(second.expiresAt, START_MS + (1800 + 7200) * 1000);
  t.not(second.refreshToken, first.refreshToken);
  t.equal(payloadOf(second.accessToken).tokenId, payloadOf(first.accessToken).tokenId);
  t.equal(identity.authenticate(headerOf(second)).username, 'ada');
  passSeconds(1800);
  t.equal(identity.authenticate(headerOf(identity.refresh(second.refreshToken))).username, 'ada');
});

t.test('a refresh token that is used twice ends the session, and no other one', async (t) => {
  const { identity, addUser, logIn } = openRoom(t);
  await addUser('ada');
  const stolen = await identity.login({ username: 'ada', password: PASSWORD, ...IP });
  const other = `Bearer ${await logIn('ada')}`;
  const next = identity.refresh(stolen.refreshToken);
  t.throws(() => identity.refresh(stolen.refreshToken), INVALID);
  t.throws(() => identity.authenticate(headerOf(next)), EXPIRED);
  t.throws(() => identity.refresh(next.refreshToken), EXPIRED);
  t.equal(identity.authenticate(other).username, 'ada');
});

t.test('only refresh tokens of this host refresh, and only in time', async (t) => {
  const { identity, addUser, passSeconds } = openRoom(t);
  await addUser('ada');
  const { refreshToken, accessToken } = await identity.login({ username: 'ada', password: PASSWORD, ...IP });
  const sign = createSigner({ key: SECRET, algorithm: 'HS256' });
  const good = payloadOf(refreshToken);
  const bad: Record<string, string> = {
    'an access token': accessToken,
    'another secret': createSigner({ key: `${SECRET}!`, algorithm: 'HS256' })(good),
    'changed by hand': refreshToken.replace(/\.[^.]+\./, `.${Buffer.from('{"userId":1}').toString('base64url')}.`),
    ended: sign({ ...good, exp: START_MS / 1000 }),
    'without its number': sign({ ...good, refreshId: undefined }),
    'no token': 'x',
  };
  for (const [title, token] of Object.entries(bad)) t.throws(() => identity.refresh(token), INVALID, title);
  t.throws(() => identity.refresh(sign({ ...good, userId: 2 })), EXPIRED, 'of another user');
  t.throws(() => identity.refresh(sign({ ...good, tenantId: 1 })), EXPIRED, 'of another tenant');
  t.throws(() => identity.authenticate(`Bearer ${refreshToken}`), INVALID, 'and opens nothing itself');
  passSeconds(3601);
  t.throws(() => identity.refresh(refreshToken), EXPIRED, 'the session was idle for too long');
});

t.test('a session that is over is not refreshed', async (t) => {
  const { identity, addUser } = openRoom(t);
  const id = await addUser('ada');
  const ends: readonly (readonly [string, (tokenId: string) => void])[] = [
    ['logged out', (tokenId) => identity.logout(tokenId)],
    ['disabled', () => identity.setUserStatus(id, 0)],
  ];
  for (const [title, end] of ends) {
    const { refreshToken, accessToken } = await identity.login({ username: 'ada', password: PASSWORD, ...IP });
    end(payloadOf(accessToken).tokenId as string);
    t.throws(() => identity.refresh(refreshToken), EXPIRED, title);
  }
});

t.test('two processes do not both refresh with one token', async (t) => {
  const { identity, addUser, start } = openRoom(t);
  await addUser('ada');
  const { refreshToken } = await identity.login({ username: 'ada', password: PASSWORD, ...IP });
  const other = start().identity;
  identity.refresh(refreshToken);
  t.throws(() => other.refresh(refreshToken), INVALID);
});

t.test('a password is changed by whoever knows the old one, and ends every session', async (t) => {
  const { identity, addUser, logIn } = openRoom(t, { failedLogins: { perUser: 3 } });
  await addUser('ada');
  await addUser('bob');
  const bob = `Bearer ${await logIn('bob')}`;
  const header = `Bearer ${await logIn('ada')}`;
  const caller = identity.authenticate(header);
  const change = (oldPassword: string, newPassword: string) =>
    identity.changePassword(caller, { oldPassword, newPassword, ...IP });
  await t.rejects(change('wrong', 'battery staple'), { code: 'SBX_CREDENTIALS_INVALID' });
  await t.rejects(change(PASSWORD, 'short'), { code: 'SBX_ACCOUNT_INVALID' });
  t.equal(identity.authenticate(header).username, 'ada', 'a refused change ends nothing');
  await change(PASSWORD, 'battery staple');
  t.throws(() => identity.authenticate(header), EXPIRED);
  await t.rejects(logIn('ada'), { code: 'SBX_CREDENTIALS_INVALID' });
  await logIn('ada', 'battery staple');
  t.equal(identity.authenticate(bob).username, 'bob');
  for (let guess = 0; guess < 3; guess++) await t.rejects(change('wrong', 'x'), { code: 'SBX_CREDENTIALS_INVALID' });
  await t.rejects(change('wrong', 'x'), { code: 'SBX_LOGIN_RATE' }, 'guessing is limited as at a login');
});
