import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import type { Test } from 'tap';

/** A port on which nobody listens, and nobody will while the test runs: it is taken, as one end of a connection. */
export async function closedPort(t: Pick<Test, 'teardown'>): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  t.teardown(() => {
    socket.destroy();
    server.close();
  });
  return socket.localPort as number;
}

/**
 * A port for a server that ends before the test does. Nobody else listens on it before, between or after: one end of a connection has
 * it. Who asks for it by its number gets it all the same, because Node lets addresses be used again (`SO_REUSEADDR`).
 */
export async function reservedPort(t: Pick<Test, 'teardown'>): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => void server.close());
  const { port } = server.address() as AddressInfo;
  for (;;) {
    const localPort = await freePort();
    const socket = connect({ port, host: '127.0.0.1', localPort });
    const isMine = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    if (!isMine) continue;
    t.teardown(() => void socket.destroy());
    return localPort;
  }
}

/** A port that was nobody's a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
