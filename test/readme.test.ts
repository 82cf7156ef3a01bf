import { readFileSync } from 'node:fs';
import t from 'tap';
import { CASES } from '../bench/runner.js';
import { README, renewed } from '../scripts/readme.js';
import { normalizeHostServices } from '../src/artifact/host-services.js';
import { parsePluginYaml } from '../src/artifact/manifest.js';
import { scaffold } from '../src/cli/new.js';
import { NOT_SETTINGS, settingOfVariable } from '../src/config/variables.js';
import { type GrantDecision, narrow } from '../src/grants/narrow.js';
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

t.test('README leads to no part of itself that is not there', async (t) => {
  const headings = [...readme.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => title);
  const anchors = headings.map((title) =>
    title
      .toLowerCase()
      .replaceAll(/[^a-z0-9 -]/g, '')
      .replaceAll(' ', '-'),
  );
  for (const [, anchor = ''] of readme.matchAll(/\]\(#([^)]+)\)/g)) t.ok(anchors.includes(anchor), anchor);
});

t.test('the grant that README shows fits the plugin that README makes', async (t) => {
  const [, example = ''] = /```json\n([\s\S]*?)```/.exec(readme) ?? [];
  const decision = JSON.parse(example) as GrantDecision;
  const directory = `${t.testdir({})}/acme-notes`;
  await scaffold('acme-notes', { language: 'assemblyscript', directory });
  const { hostServices } = parsePluginYaml(readFileSync(`${directory}/plugin.yaml`, 'utf8'));
  const granted = narrow(normalizeHostServices(hostServices, 'acme-notes'), decision);
  t.strictSame(
    granted.map(({ service }) => service),
    ['cache', 'data', 'hostconfig', 'jobs', 'plugins', 'runtime', 'storage'],
    'all but the manifest, which is not named',
  );
});

t.test('README says of every bench what it measures', async (t) => {
  for (const { name } of CASES) t.match(readme, new RegExp(`^\\| \`${name}\` \\| \\S`, 'm'), name);
});

t.test('a README without a place for a table is refused', async (t) => {
  t.throws(() => renewed('# Sandpool\n'), { message: 'README has no <!-- commands:begin --> … <!-- commands:end -->' });
});
