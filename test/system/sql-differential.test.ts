import t from 'tap';
import { KINDS, plain, readCases } from '../store/dialect/cases.js';
import { startPostgres } from '../store/dialect/postgres.js';

const server = startPostgres(process.env.PATH ?? '');
t.teardown(() => server?.stop());

const RESET = 'SET client_min_messages = error; DROP SCHEMA public CASCADE; CREATE SCHEMA public;';
/** PostgreSQL shows a moment with its zone, which is UTC here. */
const withoutZone = (row: string) => row.replace(/(\d{2}:\d{2}:\d{2}(?:\.\d+)?)\+00/g, '$1');

for (const kind of KINDS) {
  const options = server === undefined ? { skip: 'no PostgreSQL server is installed (initdb, pg_ctl and psql)' } : {};
  t.test(`${kind}: a PostgreSQL server answers the same rows`, options, async (t) => {
    for (const { title, script, query, rows } of readCases(kind)) {
      const answered = server!.ask(`${RESET}\n${script}\n;\\o\n\\echo ---\n${query};`);
      t.same(
        answered
          .slice(answered.indexOf('---') + 1)
          .map(withoutZone)
          .map(plain),
        rows,
        title,
      );
    }
  });
}
