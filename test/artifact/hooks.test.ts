import t from 'tap';
import { parse, refused } from './refusal.js';

type Hook = Readonly<Record<string, unknown>>;
const INSERT = { event: 'plugin.enabled', table: 'plugin_demo_log', fields: { note: 'x' } };
const declare = (...hooks: Hook[]) => parse({ hooks }).hooks;

t.test('a hook inserts and blocks, unless it says otherwise', async (t) => {
  t.same(declare(INSERT), [
    {
      event: 'plugin.enabled',
      action: 'insert',
      mode: 'blocking',
      table: 'plugin_demo_log',
      fields: { note: 'x' },
      timeoutMs: 0,
      sleepMs: 0,
      errorMessage: '',
    },
  ]);
});

t.test('every action and mode is accepted, for every event', async (t) => {
  const events =
    'auth.login.succeeded auth.login.failed auth.logout.succeeded plugin.installed plugin.enabled plugin.disabled ' +
    'plugin.uninstalled plugin.upgraded system.started';
  const hooks = events.split(' ').flatMap((event) => [
    { ...INSERT, event, action: 'insert', mode: 'async' },
    { event, action: 'sleep', sleepMs: 1, mode: 'async' },
    { event, action: 'error', errorMessage: 'no', mode: 'blocking', timeoutMs: 5 },
  ]);
  t.equal(declare(...hooks).length, 27);
});

const REFUSED: readonly (readonly [why: string, hook: Hook, fragment: string])[] = [
  ['without event', { ...INSERT, event: '' }, 'event is unsupported'],
  ['of another event', { ...INSERT, event: 'plugin.crashed' }, 'event is unsupported: plugin.crashed'],
  ['of an event in another case', { ...INSERT, event: 'Plugin.Enabled' }, 'event is unsupported'],
  ['of an event with a space', { ...INSERT, event: 'plugin.enabled ' }, 'event is unsupported'],
  ['of another action', { ...INSERT, action: 'update' }, 'action is unsupported: update'],
  ['of an action in another case', { ...INSERT, action: 'Insert' }, 'action is unsupported'],
  ['of another mode', { ...INSERT, mode: 'sync' }, 'mode is unsupported: sync'],
  ['with a negative time', { ...INSERT, timeoutMs: -1 }, 'timeoutMs cannot be negative'],
  ['that inserts nowhere', { ...INSERT, table: '' }, 'requires table and fields'],
  ['that inserts nothing', { ...INSERT, fields: {} }, 'requires table and fields'],
  ['that inserts into what is no name', { ...INSERT, table: 'a;b' }, 'identifier is invalid: a;b'],
  ['that inserts a column that is no name', { ...INSERT, fields: { 'a b': 'x' } }, 'identifier is invalid: a b'],
  ['with a name of two lines', { ...INSERT, table: 'a\n' }, 'identifier is invalid'],
  ['that sleeps not', { event: 'system.started', action: 'sleep' }, 'sleepMs must be greater than 0'],
  [
    'that fails without a word',
    { event: 'system.started', action: 'error', errorMessage: ' ' },
    'errorMessage cannot be empty',
  ],
];

for (const [why, hook, fragment] of REFUSED) {
  t.test(`a hook ${why} is refused`, async (t) => refused(t, () => declare(hook), fragment));
}
