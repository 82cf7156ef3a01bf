import t from 'tap';
import { deathsInARow, restartDelayMs } from '../../src/cluster/restarts.js';

t.test('the wait before a restart doubles with each death in a row, up to half a minute', async (t) => {
  t.same([1, 2, 3, 4, 9, 10, 50].map(restartDelayMs), [100, 200, 400, 800, 25_600, 30_000, 30_000]);
});

t.test('a process that has lived for a minute did not die of its start', async (t) => {
  t.equal(deathsInARow(0, 100), 1);
  t.equal(deathsInARow(5, 59_999), 6);
  t.equal(deathsInARow(5, 60_000), 1);
});
