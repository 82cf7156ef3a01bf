import t from 'tap';
import { programVersion } from '../../src/config/program-version.js';

t.test('the program knows its version', async (t) => {
  t.match(programVersion(), /^\d+\.\d+\.\d+/);
});
