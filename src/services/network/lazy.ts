/** The HTTP client of plugins, which is loaded when the first plugin asks for it: most commands and many hosts never do. */
import type { NetworkClient, NetworkOptions } from './client.js';

export type { NetworkClient, NetworkLimits, NetworkOptions } from './client.js';

/** A client that is made by the first request. */
export function openNetwork(options: NetworkOptions): NetworkClient {
  let client: Promise<NetworkClient> | undefined;
  let isClosed = false;
  return {
    async send(request, caller) {
      client ??= import('./client.js').then(({ createNetworkClient }) => createNetworkClient(options));
      const opened = await client;
      // The last close has not seen it.
      if (isClosed) await opened.close();
      return opened.send(request, caller);
    },
    forget: (pluginId) => void client?.then((opened) => opened.forget(pluginId)),
    async close() {
      isClosed = true;
      await client?.then((opened) => opened.close());
    },
  };
}
