import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import t from 'tap';
import { choosePort } from '../../src/cluster/fork.js';

/** What the system knows of TCP over IPv4; Linux only. */
const SOCKETS = '/proc/net/tcp';
const ESTABLISHED = '01';

t.test(
  'a free port is given to nobody else until the processes listen on it, and they can',
  { skip: !existsSync(SOCKETS) && 'only Linux tells which ports are taken' },
  async (t) => {
    const port = await choosePort('127.0.0.1', 0);
    t.ok(statesOf(port).includes(ESTABLISHED), 'it is taken');
    const server = createServer().listen({ port, host: '127.0.0.1' });
    t.teardown(() => server.close());
    await once(server, 'listening');
    t.match(server.address(), { port });
  },
);

t.test('a port that is named and taken is refused', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await t.rejects(choosePort('127.0.0.1', port), { code: 'SBX_PORT_IN_USE', details: { host: '127.0.0.1', port } });
});

/** The states of all sockets whose own port it is. */
function statesOf(port: number): string[] {
  const own = new RegExp(`^ *\\d+: [0-9A-F]{8}:${port.toString(16).toUpperCase().padStart(4, '0')} \\S+ (\\S\\S) `);
  return readFileSync(SOCKETS, 'utf8')
    .split('\n')
    .flatMap((line) => own.exec(line)?.[1] ?? []);
}
