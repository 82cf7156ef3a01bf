import t from 'tap';
import type { SandboxMessage } from '../../src/protocol/messages.js';
import { createLineCutter, createPluginLog } from '../../src/sandbox/log.js';

t.test('lines above the rate are dropped and reported once a second', async (t) => {
  const posted: SandboxMessage[] = [];
  let now = 1000;
  const log = createPluginLog(
    'demo',
    5,
    (message) => void posted.push(message),
    () => now,
  );
  for (let line = 0; line < 30; line++) log.line('info', `line ${line}`, 'log');
  t.equal(posted.filter(({ kind }) => kind === 'log').length, 10, 'twice the rate in a burst');
  t.match(
    posted.filter(({ kind }) => kind === 'log-dropped'),
    [{ pluginId: 'demo', lines: 1 }],
  );
  now += 1000;
  log.line('info', 'later', 'log');
  t.match(posted.at(-1), { kind: 'log-dropped', lines: 19 });
  t.match(posted.at(-2), { kind: 'log', text: 'later' });
  log.settle();
  t.match(posted.at(-1), { lines: 19 }, 'nothing is reported twice');
});

t.test('standard output becomes whole lines, however it is written', async (t) => {
  const lines: string[] = [];
  const cutter = createLineCutter((text) => void lines.push(text));
  for (const piece of ['one\ntw', 'o\n\nthr', 'ee', ' ünd']) cutter.write(Buffer.from(piece));
  t.same(lines, ['one', 'two']);
  cutter.flush();
  t.same(lines, ['one', 'two', 'three ünd']);
  cutter.flush();
  t.equal(lines.length, 3);
});

t.test('an endless line takes bounded memory', async (t) => {
  const lines: string[] = [];
  const cutter = createLineCutter((text) => void lines.push(text));
  for (let piece = 0; piece < 100; piece++) cutter.write(Buffer.alloc(10_000, 'x'));
  cutter.write(Buffer.from('\nnext\n'));
  t.equal(lines.length, 2);
  t.ok((lines[0] as string).length <= 16384);
  t.equal(lines[1], 'next');
});
