import { readFileSync } from 'node:fs';
import t from 'tap';
import { CASES } from '../bench/runner.js';
import { README, renewed } from '../scripts/readme.js';
import { NOT_SETTINGS, settingOfVariable } from '../src/config/variables.js';
import { ERRORS } from '../src/protocol/errors.js';

const readme = readFileSync(README, 'utf8');

t.test('README shows the commands, settings and errors of this version', async (t) => {
  t.equal(readme, renewed(readme), 'run `npm run readme`');
});

t.test('README explains every code, and no code that does not exist', async (t) => {
  for (const code of Object.keys(ERRORS)) t.ok(readme.includes(`| \`${code}\` |`), code);
  for (const [code] of readme.matchAll(/\bSBX_[A-Z_]+[A-Z]\b/g)) t.ok(code in ERRORS, code);
});

t.test('README names no variable that the host would refuse', async (t) => {
  for (const [name] of readme.matchAll(/\bSANDPOOL_[A-Z0-9_]*[A-Z0-9]\b/g)) {
    t.ok(NOT_SETTINGS.includes(name) || settingOfVariable(name), name);
  }
});

t.test('README says of every bench what it measures', async (t) => {
  for (const { name } of CASES) t.match(readme, new RegExp(`^\\| \`${name}\` \\| \\S`, 'm'), name);
});

t.test('a README without a place for a table is refused', async (t) => {
  t.throws(() => renewed('# Sandpool\n'), { message: 'README has no <!-- commands:begin --> … <!-- commands:end -->' });
});
