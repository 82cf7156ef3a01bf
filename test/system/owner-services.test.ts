/**
 * Services that another plugin owns, such as `ai` (`spec/bridge.md` §5.3, `spec/host-services.md` §24), byte for byte through a guest in
 * a worker. No plugin can publish a service to this host yet, so all of them are unavailable, in the words of the reference.
 */
import t from 'tap';
import { buildArtifact } from '../artifact/build.js';
import { rawCall, readRaw, serveRawCalls } from '../raw-calls.js';
import { startTestHost } from './host.js';

const OWNER = 'linapro-ai-core';
const AI = {
  owner: OWNER,
  service: 'ai',
  version: 'v1',
  methods: ['text.generate', 'text.method_status.get', 'ai.methods.status.batch_get', 'document.cite'],
};
const ON_OWNER = { dependencies: { plugins: [{ id: OWNER, version: '>=0.1.0' }] } };

const CASE_116 =
  '0a026169120d746578742e67656e65726174652a717b22707572706f7365223a22636f6e74656e742e73756d6d617279222c2274696572223a226261736963222c226d65737361676573223a5b7b22726f6c65223a2275736572222c22636f6e74656e74223a2268656c6c6f227d5d2c226d61784f7574707574546f6b656e73223a3531327d320f6c696e6170726f2d61692d636f72653a027631';
const CASE_117 =
  '0a0261691216746578742e6d6574686f645f7374617475732e6765742a390a377b226361706162696c69747954797065223a2274657874222c226361706162696c6974794d6574686f64223a2267656e6572617465227d320f6c696e6170726f2d61692d636f72653a027631';

const text = (value: string) => Buffer.from(value).toString('hex');
const call = (method: string, parts: Parameters<typeof rawCall>[2] = {}) =>
  Buffer.from(rawCall('ai', method, { owner: OWNER, version: 'v1', ...parts })).toString('hex');
const unregistered = (name: string) => `owner host service method not registered: ${name}`;
const INCOMPLETE = 'owner host service request requires owner, service, version, and method';

// biome-ignore format: a table
const REFUSED: readonly (readonly [title: string, request: string, status: number, fallback: string])[] = [
  ['#116 text.generate', CASE_116, 2, unregistered('linapro-ai-core/ai/v1.text.generate')],
  ['#117 text.method_status.get', CASE_117, 2, unregistered('linapro-ai-core/ai/v1.text.method_status.get')],
  ['#118 an owner that is not there', CASE_116.replace(`320f${text(OWNER)}`, `320f${text('missing-ai-core')}`), 2, unregistered('missing-ai-core/ai/v1.text.generate')],
  ['#118 another version', CASE_116.replace(/7631$/, text('v2')), 2, unregistered('linapro-ai-core/ai/v2.text.generate')],
  ['#119 a method of the grant that nobody has registered', call('document.cite'), 2, unregistered('linapro-ai-core/ai/v1.document.cite')],
  ['#119 a method outside of the grant: registration comes first', call('image.edit'), 2, unregistered('linapro-ai-core/ai/v1.image.edit')],
  ['names in capitals and blanks', call(' TEXT.generate ', { owner: ' LINAPRO-AI-CORE ' }), 2, unregistered('linapro-ai-core/ai/v1.text.generate')],
  ['an owner without a version', call('text.generate', { version: '' }), 3, INCOMPLETE],
  ['an owner without a method', call(''), 3, INCOMPLETE],
  ['a version without an owner', call('text.generate', { owner: '' }), 3, 'host service version requires owner'],
  ['neither owner nor version', call('text.generate', { owner: '', version: '' }), 2, 'unsupported host service method: ai.text.generate'],
];

t.test(
  'F041 29.8 a call of an owner service is refused as the reference refuses what no owner has registered',
  async (t) => {
    const host = await startTestHost(t);
    await host.serve(OWNER, {});
    const manifest = ON_OWNER;
    await serveRawCalls(host, { hostServices: [AI, { service: 'runtime', methods: ['info.uuid'] }], manifest });
    const headers = await host.authorization();
    const send = async (request: string) => {
      const body = Buffer.from(request, 'hex');
      const answer = await fetch(`${host.url}/x/demo/login`, { method: 'POST', headers, body });
      return readRaw(Buffer.from(await answer.arrayBuffer()));
    };
    for (const [title, request, status, fallback] of REFUSED)
      t.match(await send(request), { status, error: { fallback } }, title);
    const payload = text(
      '{"errorCode":"HOST_CALL_NOT_FOUND","messageKey":"error.host_call.not_found","fallback":"owner host service method not registered: linapro-ai-core/ai/v1.text.generate"}',
    );
    t.equal((await send(CASE_116)).response, `080212a701${payload}`, 'to the byte');
    t.equal((await send(Buffer.from(rawCall('runtime', 'info.uuid')).toString('hex'))).status, 0, 'the others serve');
  },
);

t.test('F041 who asks for an owner service needs its owner: in the manifest, and installed', async (t) => {
  const host = await startTestHost(t);
  await t.rejects(host.registry.upload(buildArtifact({ hostServices: [AI] })), { code: 'SBX_ARTIFACT_INVALID' });
  await host.registry.upload(buildArtifact({ hostServices: [AI], manifest: ON_OWNER }));
  const install = () => host.registry.install('demo', { grantUnreviewed: true });
  await t.rejects(install(), { code: 'PLUGIN_DEPENDENCY_BLOCKED' });
  await host.serve(OWNER, {});
  await install();
  await t.rejects(host.registry.uninstall(OWNER), { code: 'PLUGIN_REVERSE_DEPENDENCY_BLOCKED' });
});
