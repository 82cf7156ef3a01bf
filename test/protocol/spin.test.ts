import t from 'tap';
import { createSpinner, spin } from '../../src/protocol/spin.js';

t.test('who spins sees at once that it is ready, and gives up in the end', async (t) => {
  let looks = 0;
  t.equal(
    spin(() => ++looks === 100, 60_000),
    true,
  );
  t.equal(looks, 100);
  t.equal(
    spin(() => false, 0),
    false,
  );
});

t.test('each time in vain, twice as many opportunities are passed over', async (t) => {
  const spinner = createSpinner(0);
  const tried: number[] = [];
  for (let opportunity = 0; opportunity < 300; opportunity++) {
    let looked = false;
    spinner.try(() => {
      looked = true;
      return false;
    });
    if (looked) tried.push(opportunity);
  }
  t.strictSame(tried, [0, 2, 6, 14, 30, 62, 126, 191, 256], 'the gap ends at 64');
});

t.test('once it has paid, no opportunity is passed over', async (t) => {
  const spinner = createSpinner(0);
  t.equal(
    spinner.try(() => false),
    false,
  );
  t.equal(
    spinner.try(() => true),
    false,
    'passed over',
  );
  t.equal(
    spinner.try(() => true),
    true,
  );
  t.equal(
    spinner.try(() => true),
    true,
  );
});
