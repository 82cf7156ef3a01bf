import t from 'tap';
import { loadParser } from '../../../src/store/dialect/parse.js';
import { openScratchDatabase } from '../../../src/store/plugin-database.js';
import { ask, KINDS, readCases, run } from './cases.js';

await loadParser();

for (const kind of KINDS) {
  t.test(`${kind}: plugin SQL of PostgreSQL does on SQLite what it says (F066)`, async (t) => {
    for (const { title, script, query, rows } of readCases(kind)) {
      t.test(title, async (t) => {
        const database = openScratchDatabase();
        t.teardown(() => database.close());
        run(database, script);
        t.same(ask(database, query), rows);
      });
    }
  });
}
