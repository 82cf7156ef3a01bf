import { decodeConfigKeyRequest, encodeConfigValueResponse } from '../protocol/payloads.js';
import { trimGo } from '../protocol/text.js';
import { directoryMethods } from './plugin-directory.js';
import { defineService, EMPTY_REPLY, failure, reply } from './service.js';

/** The plugin's own configuration (`spec/host-services.md` §13, `spec/artifact.md` §7.1), and the plugins of the host. */
export const plugins = defineService({
  name: 'plugins',
  placement: 'host',
  methods: ({ pluginConfig, pluginDirectory }) => ({
    'config.get': (call, context) => {
      const key = trimGo(decodeConfigKeyRequest(call.payload).key);
      if (key === '' || key.startsWith('.') || key.endsWith('.')) {
        return failure(4, `plugin configuration key "${key}" is invalid`);
      }
      const value = pluginConfig(context.pluginId, key);
      return value === undefined ? EMPTY_REPLY : reply(encodeConfigValueResponse({ value, found: true }));
    },
    ...directoryMethods(pluginDirectory),
  }),
});
