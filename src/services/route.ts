import { encodeJsonResponse } from '../protocol/host-call.js';
import { defineService, type HostCallContext, reply } from './service.js';

/** The route that runs (`spec/host-services.md` §17). The reference leaves all but the path blank for dynamic plugins. */
export const route = defineService({
  name: 'route',
  placement: 'worker',
  methods: () => ({
    'metadata.get': (_call, context) => reply(encodeJsonResponse(metadata(context))),
  }),
});

function metadata({ pluginId, routePath, executionSource, requestId }: HostCallContext) {
  return {
    PluginID: pluginId,
    Method: '',
    PublicPath: routePath,
    Tags: null,
    Summary: '',
    Meta: { executionSource, requestId },
    ResponseBody: '',
    ResponseContentType: '',
  };
}
