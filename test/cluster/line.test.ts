import t from 'tap';
import { type Line, openLine } from '../../src/cluster/line.js';
import { SandpoolError } from '../../src/protocol/errors.js';

/** Two ends of a line. What the second one answers is given; `cut` loses all that it says. */
function connect(answer: (question: string) => unknown, cut: readonly string[] = []): Line<string> {
  const asking: Line<string> = openLine({ post: (message) => answering.receive(message), answer: () => undefined });
  const answering: Line<never> = openLine<never, string>({
    post: (message) => void (cut.includes(message.kind) || asking.receive(structuredClone(message))),
    answer,
  });
  return asking;
}

const PATIENT = { answerMs: 60_000 };
const FAILED = new SandpoolError('PLUGIN_NOT_FOUND', { pluginId: 'a' });

t.test('a question is answered from the other side, and each gets its own answer', async (t) => {
  const line = connect(async (question) => `${question}!`);
  t.same(await Promise.all(['one', 'two'].map((question) => line.ask(question, PATIENT))), ['one!', 'two!']);
});

t.test('what the other side throws arrives with its code', async (t) => {
  const line = connect(() => Promise.reject(FAILED));
  await t.rejects(line.ask('a', PATIENT), { code: 'PLUGIN_NOT_FOUND', message: 'plugin a does not exist' });
  const broken = connect(() => {
    throw new TypeError('no function');
  });
  await t.rejects(broken.ask('a', PATIENT), { code: 'SBX_INTERNAL', message: 'internal error: no function' });
});

t.test('an answer that does not come is given up on', async (t) => {
  const line = connect(() => 'late', ['answer']);
  await t.rejects(line.ask('a', { answerMs: 1 }), {
    code: 'SBX_PEERS_SILENT',
    message: 'the other processes of this host did not answer within 1 ms',
  });
});

t.test('who has heard a question may take its time to answer; who has not is given up on sooner', async (t) => {
  const deaf = connect(() => 'yes', ['heard', 'answer']);
  await t.rejects(deaf.ask('a', { heardMs: 1, answerMs: 60_000 }), {
    code: 'SBX_PEERS_SILENT',
    details: { timeoutMs: 1 },
  });
  const slow = connect(() => new Promise((settle) => setTimeout(() => settle('yes'), 30)));
  t.equal(await slow.ask('a', { heardMs: 5, answerMs: 60_000 }), 'yes');
});

t.test('when the other side has ended, nobody goes on waiting', async (t) => {
  const line = connect(() => new Promise(() => {}));
  const asked = line.ask('a', PATIENT);
  line.close('SIGKILL');
  const lost = { code: 'SBX_PROCESS_LOST', message: 'a host process ended before its time: SIGKILL' };
  await t.rejects(asked, lost);
  await t.rejects(line.ask('b', PATIENT), lost);
});
