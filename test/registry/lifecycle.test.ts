import t from 'tap';
import { parseArtifact } from '../../src/artifact/artifact.js';
import { SandpoolError } from '../../src/protocol/errors.js';
import { askGuest, manifestFactsOf, requireAllowed } from '../../src/registry/lifecycle.js';
import type { Callback, PreparedRelease } from '../../src/registry/ports.js';
import { artifactOf, type GuestAnswer } from './house.js';

const CONTRACT = {
  operation: 'BeforeInstall',
  requestType: 'BeforeInstallReq',
  internalPath: '/__lifecycle/before-install',
};

function releaseOf(more: object = {}, bridge: object = {}) {
  return parseArtifact(artifactOf('demo', 'v0.1.0', { lifecycle: [{ ...CONTRACT, ...more }], bridge: { ...bridge } }));
}

function guest(answer: GuestAnswer): PreparedRelease & { readonly calls: Callback[] } {
  const calls: Callback[] = [];
  return {
    calls,
    async run(callback) {
      calls.push(callback);
      if (answer instanceof SandpoolError) return { ok: false, error: answer };
      const { statusCode = 200, body = '', failure } = answer;
      const response = {
        statusCode,
        contentType: '',
        headers: {},
        body: Buffer.from(body),
        ...(failure && { failure }),
      };
      return { ok: true, response };
    },
    publish: () => {},
    discard: () => {},
  };
}

const FAILED = 'plugin.demo.lifecycle.BeforeInstall.failed';
const VETOED = 'plugin.demo.lifecycle.BeforeInstall.vetoed';

// biome-ignore format: a table
const ANSWERS: readonly (readonly [string, GuestAnswer, reason: string | undefined, detail?: RegExp])[] = [
  ['an empty body',                {},                                                          undefined],
  ['a status below 400',           { statusCode: 302 },                                         undefined],
  ['ok',                           { body: '{"ok":true}' },                                     undefined],
  ['ok and more',                  { body: ' {"ok":true,"reason":"x"} ' },                      undefined],
  ['a refusal with a reason',      { body: '{"ok":false,"reason":" not now "}' },               'not now'],
  ['a refusal without a reason',   { body: '{"ok":false}' },                                    VETOED],
  ['an empty object',              { body: '{}' },                                              VETOED],
  ['null',                         { body: 'null' },                                            VETOED],
  ['ok that is no boolean',        { body: '{"ok":1}' },                                        VETOED],
  ['a list',                       { body: '[]' },                                              FAILED, /no JSON object/],
  ['a number',                     { body: '7' },                                               FAILED, /no JSON object/],
  ['text',                         { body: 'fine' },                                            FAILED, /no JSON object/],
  ['status 400 with a text',       { statusCode: 400, body: ' no table ' },                     FAILED, /^no table$/],
  ['status 500 without a text (C32)', { statusCode: 500 },                                      FAILED, /^Internal Server Error$/],
  ['an answer of 500 that says ok', { statusCode: 500, body: '{"ok":true}' },                   FAILED],
  ['a failure in the envelope',    { failure: { code: 'X', message: 'panic' }, body: '{"ok":true}' }, FAILED, /^panic$/],
  ['a trap (C32)',                 new SandpoolError('SBX_TRAP', { reason: 'unreachable' }),    FAILED, /unreachable/],
  ['nothing before the deadline',  new SandpoolError('SBX_DEADLINE', { deadlineMs: 5000 }),     FAILED, /deadline/],
];

for (const [name, answer, reason, detail = /./] of ANSWERS) {
  t.test(`a guest that answers ${name} ${reason === undefined ? 'allows' : `forbids: ${reason}`}`, async (t) => {
    const verdict = await askGuest(releaseOf(), guest(answer), 'BeforeInstall', {});
    if (reason === undefined) t.same(verdict, { allowed: true });
    else t.match(verdict, { allowed: false, reason, detail });
    if (reason === undefined) return t.doesNotThrow(() => requireAllowed(verdict, 'demo', 'BeforeInstall'));
    t.throws(() => requireAllowed(verdict, 'demo', 'BeforeInstall'), {
      code: 'PLUGIN_LIFECYCLE_PRECONDITION_VETOED',
      details: { operation: 'BeforeInstall', pluginId: 'demo', reasons: reason },
    });
  });
}

t.test('what a release has no callback for is allowed, and it is not asked', async (t) => {
  const asked = guest({ statusCode: 500 });
  t.same(await askGuest(releaseOf(), asked, 'BeforeDisable', {}), { allowed: true });
  t.same(asked.calls, []);
});

t.test('a release that cannot be executed forbids what it has a callback for', async (t) => {
  const verdict = { allowed: false, reason: FAILED };
  t.match(await askGuest(releaseOf({}, { routeExecution: false }), guest({}), 'BeforeInstall', {}), verdict);
  t.match(await askGuest(releaseOf(), undefined, 'BeforeInstall', {}), verdict);
});

t.test('a guest is told who it is and what is to happen, keys in order and zero values left out', async (t) => {
  const asked = guest({});
  const facts = { toVersion: 'v0.2.0', fromVersion: 'v0.1.0', purgeStorageData: false, tenantId: 0 };
  await askGuest(releaseOf(), asked, 'BeforeInstall', facts);
  const { envelope } = asked.calls[0]!;
  t.equal(
    Buffer.from(envelope.request!.body!).toString(),
    '{"pluginId":"demo","operation":"BeforeInstall","fromVersion":"v0.1.0","toVersion":"v0.2.0"}',
  );
  t.match(envelope, {
    pluginId: 'demo',
    requestId: /^[0-9a-f-]{36}$/,
    route: {
      method: 'POST',
      publicPath: '/__lifecycle/before-install',
      internalPath: '/__lifecycle/before-install',
      routePath: '/__lifecycle/before-install',
      requestType: 'BeforeInstallReq',
    },
    request: { method: 'POST', rawPath: '/__lifecycle/before-install', contentType: 'application/json' },
  });
  t.notOk('identity' in envelope);
});

t.test('a callback has 5 seconds, or what its contract says', async (t) => {
  for (const [contract, deadlineMs] of [
    [{}, 5000],
    [{ timeoutMs: 0 }, 5000],
    [{ timeoutMs: 250 }, 250],
  ] as const) {
    const asked = guest({});
    await askGuest(releaseOf(contract), asked, 'BeforeInstall', {});
    t.equal(asked.calls[0]?.deadlineMs, deadlineMs);
  }
});

t.test('the manifest that a guest is shown has every key', async (t) => {
  const artifact = releaseOf();
  t.strictSame(manifestFactsOf(artifact, { requested: [], authorized: [], confirmed: false }), {
    id: 'demo',
    name: 'demo',
    version: 'v0.1.0',
    type: 'dynamic',
    distribution: 'managed',
    scopeNature: 'tenant_aware',
    supportsMultiTenant: true,
    defaultInstallMode: 'tenant_scoped',
    description: '',
    installSqlCount: 0,
    uninstallSqlCount: 0,
    mockSqlCount: 0,
    menuCount: 0,
    backendHookCount: 0,
    resourceSpecCount: 0,
    hostServiceAuthRequired: false,
  });
});
