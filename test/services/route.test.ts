import t from 'tap';
import { createTestHost } from './host.js';

t.test('F049 the contract path, source and request id of the running route are told', async (t) => {
  const asked = await createTestHost(t).ask('route', 'metadata.get');
  t.equal(
    Buffer.from(asked.payload, 'hex')
      .toString()
      .replace(/^[^{]*/, ''),
    '{"PluginID":"demo","Method":"","PublicPath":"/records/{id}","Tags":null,"Summary":"","Meta":{"executionSource":"route","requestId":"req-1"},"ResponseBody":"","ResponseContentType":""}',
  );
});
