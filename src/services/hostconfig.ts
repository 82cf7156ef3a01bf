import { decodeConfigKeyRequest, encodeConfigValueResponse } from '../protocol/payloads.js';
import { trimGo } from '../protocol/text.js';
import { defineService, EMPTY_REPLY, failure, reply } from './service.js';

/** Values of the host's configuration under the keys that the plugin was granted (`spec/host-services.md` §11). */
export const hostconfig = defineService({
  name: 'hostconfig',
  placement: 'host',
  methods: ({ hostConfig }) => ({
    get: (call, context) => {
      const key = trimGo(decodeConfigKeyRequest(call.payload).key);
      if (key !== trimGo(call.resourceRef)) {
        return failure(1, 'hostconfig request key must match the authorized resourceRef');
      }
      const value = hostConfig(key, context.tenantId);
      return value === undefined ? EMPTY_REPLY : reply(encodeConfigValueResponse({ value, found: true }));
    },
  }),
});
