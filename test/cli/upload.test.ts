import t from 'tap';
import { connect } from '../../src/cli/client.js';
import type { Context } from '../../src/cli/command.js';
import { type UploadOptions, uploadFile } from '../../src/cli/upload.js';
import { playHost } from './command-line.js';

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
