import t from 'tap';
import type { HostServiceDeclaration } from '../../src/artifact/host-services.js';
import { createGrant, grantAll } from '../../src/grants/grant.js';
import { type GrantDecision, isScoped, narrow } from '../../src/grants/narrow.js';

function entry(service: string, methods: readonly string[], more: Partial<HostServiceDeclaration> = {}) {
  return { owner: '', service, version: '', methods, paths: [], tables: [], keys: [], resources: [], ...more };
}

const RUNTIME = entry('runtime', ['info.now', 'log.write']);
const STORAGE = entry('storage', ['get', 'put'], { paths: ['exports/', 'reports/'] });
const DATA = entry('data', ['list'], { tables: ['plugin_demo_t'] });
const HOSTCONFIG = entry('hostconfig', ['get'], { keys: ['i18n.default', 'i18n.enabled'] });
const CACHE = entry('cache', ['get'], { resources: [{ ref: 'a' }, { ref: 'b', timeoutMs: 5 }] });
const AI = entry('ai', ['text.generate'], { owner: 'linapro-ai-core', version: 'v1', resources: [{ ref: 'm' }] });
const DECLARED = [CACHE, DATA, HOSTCONFIG, RUNTIME, STORAGE, AI];

const decide = (...services: GrantDecision['services']): GrantDecision => ({ services });

t.test('F003 F140 without a decision only services without resources are granted', async (t) => {
  t.strictSame(narrow(DECLARED), [RUNTIME]);
  t.equal(isScoped(STORAGE), true);
  t.equal(isScoped(RUNTIME), false);
});

t.test('a decision about nothing grants nothing with resources', async (t) => {
  t.strictSame(narrow(DECLARED, decide()), [RUNTIME]);
});

t.test('F140 F020 a service is granted with the targets that are confirmed, and no others', async (t) => {
  const granted = narrow(
    DECLARED,
    decide({ service: ' Storage ', paths: ['reports/'] }, { service: 'cache', resourceRefs: ['b'] }),
  );
  t.strictSame(granted, [
    { ...CACHE, resources: [{ ref: 'b', timeoutMs: 5 }] },
    RUNTIME,
    { ...STORAGE, paths: ['reports/'] },
  ]);
});

t.test('methods of a service with resources are narrowed, and all are meant when none is named', async (t) => {
  const paths = ['exports/', 'reports/'];
  t.strictSame(narrow([STORAGE], decide({ service: 'storage', methods: [' GET'], paths })), [
    { ...STORAGE, methods: ['get'] },
  ]);
  t.strictSame(narrow([STORAGE], decide({ service: 'storage', methods: [], paths })), [STORAGE]);
});

t.test('C116 a service without resources keeps all its methods', async (t) => {
  t.strictSame(narrow([RUNTIME], decide({ service: 'runtime', methods: ['info.now'] })), [RUNTIME]);
});

t.test('a service that is named without targets is refused', async (t) => {
  t.strictSame(narrow(DECLARED, decide({ service: 'storage' }, { service: 'data', tables: [] })), [RUNTIME]);
});

t.test('an owner service is confirmed by owner, service and version', async (t) => {
  const decision = decide({ owner: 'linapro-ai-core', service: 'ai', version: 'v1', resourceRefs: ['m'] });
  t.strictSame(narrow([AI], decision), [AI]);
});

const REFUSED: readonly (readonly [title: string, decision: GrantDecision, reason: RegExp])[] = [
  ['an undeclared service', decide({ service: 'lock', resourceRefs: ['x'] }), /lock is not declared/],
  ['an undeclared method', decide({ service: 'storage', methods: ['delete'], paths: ['reports/'] }), /method delete/],
  ['an undeclared method of a bare service', decide({ service: 'runtime', methods: ['x'] }), /method x/],
  ['an undeclared path', decide({ service: 'storage', paths: ['reports'] }), /path reports/],
  ['an undeclared table', decide({ service: 'data', tables: ['sys_user'] }), /table sys_user/],
  ['an undeclared key', decide({ service: 'hostconfig', keys: ['auth.secret'] }), /key auth.secret/],
  ['an undeclared ref', decide({ service: 'cache', resourceRefs: ['c'] }), /resource c/],
  ['targets of another kind', decide({ service: 'storage', keys: ['reports/'] }), /key reports/],
  ['a service twice', decide({ service: 'data' }, { service: 'DATA' }), /named twice/],
  ['an owner without version', decide({ owner: 'linapro-ai-core', service: 'ai' }), /owner and version/],
  ['a version without owner', decide({ service: 'ai', version: 'v1' }), /owner and version/],
];

for (const [title, decision, reason] of REFUSED) {
  t.test(`a decision that names ${title} is refused`, async (t) => {
    t.throws(() => narrow(DECLARED, decision), { code: 'SBX_GRANT_DECISION_INVALID', message: reason });
  });
}

t.test('a grant is a copy that can be posted to a thread', async (t) => {
  const declarations = [STORAGE];
  const grant = createGrant('demo', declarations);
  t.strictSame(structuredClone(grant), { pluginId: 'demo', services: [STORAGE] });
  t.not(grant.services[0], STORAGE);
  t.strictSame(grantAll('demo', DECLARED).services, DECLARED);
});
