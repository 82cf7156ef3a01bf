import t from 'tap';
import { LIFECYCLE_OPERATIONS, lifecyclePath } from '../../src/artifact/lifecycle.js';
import { parse, refused } from './refusal.js';

type Contract = Readonly<Record<string, unknown>>;
const CONTRACT = { operation: 'BeforeInstall', requestType: 'Req', internalPath: '/__lifecycle/before-install' };
const declare = (...lifecycle: Contract[]) => parse({ lifecycle }).lifecycle;

const REFUSED: readonly (readonly [why: string, change: Contract, fragment: string])[] = [
  ['L5 of an operation that no host has', { operation: 'CheckInstall' }, 'operation is unsupported: CheckInstall'],
  ['of an operation in another case', { operation: 'beforeInstall' }, 'operation is unsupported'],
  ['without operation', { operation: '' }, 'operation is unsupported'],
  ['without request type', { requestType: ' ' }, 'requestType cannot be empty'],
  ['without path', { internalPath: ' ' }, 'internalPath cannot be empty'],
  ['with a negative time', { timeoutMs: -1 }, 'cannot be negative'],
];

for (const [why, change, fragment] of REFUSED) {
  t.test(`a callback ${why} is refused`, async (t) => refused(t, () => declare({ ...CONTRACT, ...change }), fragment));
}

t.test('L6 the path of a callback has one slash in front and none behind', async (t) => {
  const pathOf = (internalPath: string) => declare({ ...CONTRACT, internalPath })[0]?.internalPath;
  t.equal(pathOf('__lifecycle/before-install/'), '/__lifecycle/before-install');
  t.equal(pathOf(' /a// '), '/a/');
  t.equal(pathOf('/'), '/');
});

t.test('a callback is trimmed', async (t) => {
  t.same(declare({ operation: ' Upgrade ', requestType: ' R ', internalPath: ' /u ', timeoutMs: 7 }), [
    { operation: 'Upgrade', requestType: 'R', internalPath: '/u', timeoutMs: 7 },
  ]);
});

t.test('an operation has one callback', async (t) => {
  refused(t, () => declare(CONTRACT, { ...CONTRACT, internalPath: '/b' }), 'BeforeInstall is duplicated');
});

t.test('every one of the 16 operations may have a callback at its own path', async (t) => {
  const contracts = LIFECYCLE_OPERATIONS.map((operation) => ({
    ...CONTRACT,
    operation,
    internalPath: lifecyclePath(operation),
  }));
  t.same(
    declare(...contracts).map(({ internalPath }) => internalPath.replace('/__lifecycle/', '')),
    [
      'before-install',
      'after-install',
      'before-upgrade',
      'upgrade',
      'after-upgrade',
      'before-disable',
      'after-disable',
      'before-uninstall',
      'uninstall',
      'after-uninstall',
      'before-tenant-disable',
      'after-tenant-disable',
      'before-tenant-delete',
      'after-tenant-delete',
      'before-install-mode-change',
      'after-install-mode-change',
    ],
  );
});
