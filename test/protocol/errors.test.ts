import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { ERRORS, reasonOf, SandpoolError } from '../../src/protocol/errors.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const HERE = 'test/protocol/errors.test.ts';
const TABLE = 'src/protocol/errors.ts';

t.test('every code is raised somewhere, and provoked by a test', async (t) => {
  const raised = wordsIn('src', TABLE);
  const provoked = wordsIn('test', HERE);
  for (const code of Object.keys(ERRORS)) {
    t.ok(raised.has(code), `${code} is raised in src/`);
    t.ok(provoked.has(code), `${code} is provoked in test/`);
  }
});

t.test('a sentence is filled with the facts, and says which fact is missing', async (t) => {
  const facts = { pluginId: 'demo', version: 'v0.2.0', stagedVersion: 'v0.1.0' };
  const error = new SandpoolError('PLUGIN_DYNAMIC_VERSION_DOWNGRADE_UNSUPPORTED', facts);
  t.equal(error.message, 'plugin demo is at v0.2.0: the staged v0.1.0 is lower');
  t.match(error, {
    code: 'PLUGIN_DYNAMIC_VERSION_DOWNGRADE_UNSUPPORTED',
    status: 409,
    blame: 'caller',
    details: facts,
  });
  t.equal(new SandpoolError('PLUGIN_NOT_FOUND').message, 'plugin {pluginId} does not exist');
});

t.test('what a fact contains is text, and not a sentence to fill again', async (t) => {
  const facts = { limitMiB: '{reason} $& $1', reason: 'x' };
  const { message } = new SandpoolError('SBX_MEMORY_LIMIT', facts);
  t.equal(message, 'call dynamic plugin execute failed: out of memory at {reason} $& $1 MiB');
});

t.test('a failure keeps its cause', async (t) => {
  const cause = new Error('disk full');
  t.equal(new SandpoolError('SBX_STORE_FAILED', { reason: 'disk full' }, { cause }).cause, cause);
  t.notOk('cause' in new SandpoolError('SBX_STORE_FAILED'));
});

t.test('a failure crosses a thread as data and is the same behind it', async (t) => {
  const error = new SandpoolError('SBX_TRAP', { reason: 'unreachable' });
  const data = structuredClone(error.toData());
  t.strictSame(data, {
    code: 'SBX_TRAP',
    message: 'call dynamic plugin execute failed: unreachable',
    details: { reason: 'unreachable' },
  });
  const again = SandpoolError.fromData(data);
  t.strictSame([again.code, again.message, again.details], [error.code, error.message, error.details]);
});

t.test('anything that is thrown has a reason', async (t) => {
  t.equal(reasonOf(new TypeError('no number')), 'no number');
  t.equal(reasonOf('a text'), 'a text');
  t.equal(reasonOf(undefined), 'undefined');
});

/** Upper-case words of the TypeScript sources below a folder. */
function wordsIn(folder: string, except: string): ReadonlySet<string> {
  const files = readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: 'utf8' }).map(
    (file) => `${folder}/${file}`,
  );
  const texts = files
    .filter((file) => file.endsWith('.ts') && file !== except)
    .map((file) => readFileSync(`${ROOT}${file}`, 'utf8'));
  return new Set(texts.flatMap((text) => text.match(/\b[A-Z][A-Z0-9_]+\b/g) ?? []));
}
