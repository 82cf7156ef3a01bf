import t from 'tap';
import { listenFailure } from '../../src/cluster/listen-failure.js';

const AT = { host: '10.0.0.1', port: 80 };
const CASES: readonly (readonly [code: string, expected: string, message: string])[] = [
  ['EADDRINUSE', 'SBX_PORT_IN_USE', 'port 80 on 10.0.0.1 is in use'],
  [
    'EACCES',
    'SBX_LISTEN_FAILED',
    'cannot listen on port 80 of 10.0.0.1: not permitted; ports below 1024 need more rights on most systems',
  ],
  [
    'EADDRNOTAVAIL',
    'SBX_LISTEN_FAILED',
    'cannot listen on port 80 of 10.0.0.1: this machine does not have that address',
  ],
  ['ENOTFOUND', 'SBX_LISTEN_FAILED', 'cannot listen on port 80 of 10.0.0.1: no address is known for that name'],
  ['EMFILE', 'SBX_LISTEN_FAILED', 'cannot listen on port 80 of 10.0.0.1: as the system says it'],
];

t.test('who cannot listen is told why', async (t) => {
  for (const [code, expected, message] of CASES) {
    const cause = Object.assign(new Error('as the system says it'), { code });
    t.match(listenFailure(cause, AT), { code: expected, message, cause }, code);
  }
});
