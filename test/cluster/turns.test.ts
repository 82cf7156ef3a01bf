import t from 'tap';
import { createTurns } from '../../src/cluster/turns.js';

/** Begins turns and writes down who got one, as `holder key`. */
function begin(asks: readonly string[]) {
  const turns = createTurns<string>();
  const granted: string[] = [];
  const ask = (text: string): void => {
    const [holder = '', key = ''] = text.split(' ');
    turns.begin(key, holder).then(() => granted.push(text));
  };
  asks.forEach(ask);
  /** What has been granted since the last look. */
  const look = async (): Promise<string[]> => {
    await new Promise(setImmediate);
    return granted.splice(0);
  };
  return { turns, look };
}

t.test('one at a time has the turn of a plugin, in the order of asking; other plugins are not held up', async (t) => {
  const { turns, look } = begin(['a x', 'b x', 'c x', 'b y']);
  t.same(await look(), ['a x', 'b y']);
  turns.end('x', 'a');
  t.same(await look(), ['b x']);
  turns.end('x', 'b');
  t.same(await look(), ['c x']);
});

t.test('only who has the turn can end it', async (t) => {
  const { turns, look } = begin(['a x', 'b x']);
  await look();
  turns.end('x', 'b');
  turns.end('z', 'a');
  t.same(await look(), []);
});

t.test('the turns of a holder that is gone stay taken until somebody has settled them', async (t) => {
  const { turns, look } = begin(['a x', 'a y', 'b x', 'a x', 'c x', 'c z', 'a z']);
  await look();
  t.same(turns.abandon('a'), ['x', 'y']);
  t.same(await look(), [], 'nobody may go on from a change that was cut short');
  turns.end('x', 'a');
  t.same(await look(), ['b x']);
  turns.end('x', 'b');
  t.same(await look(), ['c x'], 'where the one that is gone was waiting, it waits no more');
});
