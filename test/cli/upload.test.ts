import t from 'tap';
import { connect } from '../../src/cli/client.js';
import type { Context } from '../../src/cli/command.js';
import { type UploadOptions, uploadFile } from '../../src/cli/upload.js';
import { playHost, sandpool } from './command-line.js';

const file = `${t.testdir({ 'a.wasm': 'x'.repeat(100_000) })}/a.wasm`;

t.test('progress is shown on a terminal and nowhere else', async (t) => {
  const { url } = await playHost(t, { 'POST /plugins/dynamic/package': { id: 'a' } });
  const host = await connect({ url, token: 'x' });
  for (const isTTY of [true, false]) {
    const written: string[] = [];
    const stderr = { isTTY, write: (text: string) => written.push(text) };
    await uploadFile({ options: {}, stderr } as unknown as Context<UploadOptions>, host, file);
    t.same(written, isTTY ? [`\r${file}: 65 % of 98 KiB`, `\r${file}: 100 % of 98 KiB`, '\n'] : []);
  }
});

const NEXT_STEPS: readonly (readonly [what: string, installed: number, effectiveVersion: string, text: string])[] = [
  ['is not installed', 0, '', 'not installed; sandpool install a'],
  ['has another release', 1, 'v1', 'v1 is in effect; sandpool preview a shows what an upgrade changes'],
  ['has this release', 1, 'v2', 'it is in effect already'],
];

for (const [what, installed, effectiveVersion, text] of NEXT_STEPS) {
  t.test(`an upload says what comes next where the plugin ${what}`, async (t) => {
    const uploaded = { id: 'a', name: 'A', version: 'v2', installed, enabled: installed };
    const answers = { 'POST /plugins/dynamic/package': uploaded, 'GET /plugins/a': { ...uploaded, effectiveVersion } };
    const { url } = await playHost(t, answers);
    const ran = await sandpool(['upload', file, '--url', url, '--token', 'x'], { cwd: t.testdir({}) });
    t.same(ran, { code: 0, stdout: `a v2 is uploaded (${text})\n`, stderr: '' });
  });
}
