import t from 'tap';
import type { HostServiceDeclaration } from '../../src/artifact/host-services.js';
import {
  authorizationStatus,
  authorize,
  isSameAuthorization,
  pendingServices,
} from '../../src/registry/authorization.js';

const bare = { owner: '', version: '', paths: [], tables: [], keys: [], resources: [] };
const CLOCK: HostServiceDeclaration = { ...bare, service: 'runtime', methods: ['info.now'] };
const STORAGE: HostServiceDeclaration = { ...bare, service: 'storage', methods: ['get', 'put'], paths: ['a/', 'b/'] };
const requested = [CLOCK, STORAGE];
const grantUnreviewed = false;

t.test('F003 C75: without a decision nothing with resources is granted, and it says what is pending', async (t) => {
  const authorization = authorize({ requested, grantUnreviewed });
  t.same(authorization, { requested, authorized: [CLOCK], confirmed: false });
  t.equal(authorizationStatus(authorization), 'pending');
  t.same(pendingServices(authorization), [STORAGE]);
});

t.test('C26: with grantUnreviewed everything requested is granted and confirmed', async (t) => {
  const authorization = authorize({ requested, grantUnreviewed: true });
  t.same(authorization, { requested, authorized: requested, confirmed: true });
  t.equal(authorizationStatus(authorization), 'confirmed');
});

t.test('C76: a decision narrows to what it names, even under grantUnreviewed', async (t) => {
  const decision = { services: [{ service: 'storage', paths: ['a/'] }] };
  const authorization = authorize({ requested, decision, grantUnreviewed: true });
  t.same(authorization.authorized, [CLOCK, { ...STORAGE, paths: ['a/'] }]);
  t.equal(authorizationStatus(authorization), 'confirmed');
  t.same(pendingServices(authorization), []);
});

t.test('a decision that names nothing refuses what needs one, and that is a decision', async (t) => {
  const authorization = authorize({ requested, decision: { services: [] }, grantUnreviewed });
  t.same(authorization.authorized, [CLOCK]);
  t.equal(authorizationStatus(authorization), 'confirmed');
});

t.test('C80: a decision about something undeclared is refused', async (t) => {
  const decision = { services: [{ service: 'storage', paths: ['c/'] }] };
  t.throws(() => authorize({ requested, decision, grantUnreviewed }), { code: 'SBX_GRANT_DECISION_INVALID' });
});

t.test('where no service has resources, no decision is needed', async (t) => {
  const authorization = authorize({ requested: [CLOCK], grantUnreviewed });
  t.same(authorization, { requested: [CLOCK], authorized: [CLOCK], confirmed: false });
  t.equal(authorizationStatus(authorization), 'not_required');
});

t.test('C79: what was confirmed for the same request stays', async (t) => {
  const previous = { requested: structuredClone(requested), authorized: [CLOCK], confirmed: true };
  t.same(authorize({ requested, previous, grantUnreviewed: true }), {
    requested,
    authorized: [CLOCK],
    confirmed: true,
  });
});

t.test('C78: what was confirmed for another request does not', async (t) => {
  const previous = { requested: [STORAGE], authorized: [STORAGE], confirmed: true };
  t.equal(authorizationStatus(authorize({ requested, previous, grantUnreviewed })), 'pending');
});

t.test('an earlier grant that nobody confirmed is not carried on', async (t) => {
  const previous = { requested, authorized: requested, confirmed: false };
  t.same(authorize({ requested, previous, grantUnreviewed }).authorized, [CLOCK]);
});

t.test('two authorizations differ by what they grant or by whether somebody decided', async (t) => {
  const one = { requested, authorized: [CLOCK], confirmed: false };
  t.ok(isSameAuthorization(one, structuredClone(one)));
  t.notOk(isSameAuthorization(one, { ...one, confirmed: true }));
  t.notOk(isSameAuthorization(one, { ...one, authorized: requested }));
});
