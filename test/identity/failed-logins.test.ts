import t from 'tap';
import { countFailedLogins, networkOf } from '../../src/identity/failed-logins.js';

const LIMITS = { perUser: 2, perNetwork: 4, windowSeconds: 60, maxCounts: 100 };

t.test('a network that tries many users is stopped for all of them', async (t) => {
  const failed = countFailedLogins(LIMITS, () => 0);
  for (const username of ['a', 'b', 'c', 'd']) failed.attempt(username, '10.0.0.1');
  t.throws(() => failed.attempt('e', '10.0.0.1'), { code: 'SBX_LOGIN_RATE', details: { retryAfterSeconds: 60 } });
  t.doesNotThrow(() => failed.attempt('e', '10.0.0.2'));
});

t.test('a login that succeeds is no failure, and the user starts anew', async (t) => {
  const failed = countFailedLogins(LIMITS, () => 0);
  for (let login = 0; login < 20; login++) failed.attempt('ada', '10.0.0.1')();
  failed.attempt('ada', '10.0.0.1');
  failed.attempt('ada', '10.0.0.1')();
  failed.attempt('ada', '10.0.0.1');
  failed.attempt('ada', '10.0.0.1');
  t.throws(() => failed.attempt('ada', '10.0.0.1'), { code: 'SBX_LOGIN_RATE' });
});

t.test('an own account does not wash a network clean', async (t) => {
  const failed = countFailedLogins(LIMITS, () => 0);
  for (const username of ['a', 'b', 'c', 'd']) {
    failed.attempt('mallory', '10.0.0.1')();
    failed.attempt(username, '10.0.0.1');
  }
  t.throws(() => failed.attempt('e', '10.0.0.1'), { code: 'SBX_LOGIN_RATE' });
});

t.test('however many are counted, memory stays bounded: the counts unused for longest go', async (t) => {
  const failed = countFailedLogins({ ...LIMITS, perUser: 1, perNetwork: 1, maxCounts: 2 }, () => 0);
  for (const ip of ['10.0.0.1', '10.0.0.2', '10.0.0.3']) failed.attempt('ada', ip);
  t.throws(() => failed.attempt('ada', '10.0.0.3'), { code: 'SBX_LOGIN_RATE' });
  t.doesNotThrow(() => failed.attempt('ada', '10.0.0.1'));
});

t.test('all addresses of one IPv6 network count as one', async (t) => {
  const cases: [ip: string, network: string][] = [
    ['10.0.0.1', '10.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['no address', 'no address'],
  ];
  for (const [ip, network] of cases) t.equal(networkOf(ip), network, ip);
});

t.test('a clock that is set back keeps nobody out for longer than a window', async (t) => {
  let now = 1_000_000_000_000;
  const failed = countFailedLogins(LIMITS, () => now);
  failed.attempt('ada', '10.0.0.1');
  failed.attempt('ada', '10.0.0.1');
  t.throws(() => failed.attempt('ada', '10.0.0.1'), { code: 'SBX_LOGIN_RATE' });
  now -= 365 * 86_400_000;
  t.doesNotThrow(() => failed.attempt('ada', '10.0.0.1'));
});
