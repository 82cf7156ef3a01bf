import t from 'tap';
import { loadParser } from '../../src/store/dialect/parse.js';
import { openScratchDatabase } from '../../src/store/plugin-database.js';
import { checkSql } from '../../src/store/sql-check.js';
import { run } from './dialect/cases.js';

await loadParser();

const file = (key: string, content: string) => ({ key, content });
const NONE = { install: [], uninstall: [], mock: [] };
const short = (problems: ReturnType<typeof checkSql>) =>
  problems.map(({ phase, file: name, line, reason, severity }) => `${severity} ${phase} ${name}:${line} ${reason}`);

t.test('SQL that runs has no problem', async (t) => {
  const problems = checkSql('p', {
    install: [file('001-a.sql', 'CREATE TABLE IF NOT EXISTS plugin_p (id INT PRIMARY KEY, n INT)')],
    mock: [file('001-m.sql', 'INSERT INTO plugin_p VALUES (1, 1) ON CONFLICT DO NOTHING')],
    uninstall: [file('001-u.sql', 'DROP TABLE IF EXISTS plugin_p')],
  });
  t.same(problems, []);
});

t.test('all problems of all files are told at once, before anybody installs', async (t) => {
  const problems = checkSql('p', {
    install: [
      file('001-a.sql', 'CREATE TABLE IF NOT EXISTS plugin_p (id INT);\nSELECT pg_sleep(9);\n\nSELECT * FRM x;'),
      file('002-b.sql', 'INSERT INTO plugin_p VALUES (1);\nATTACH x;\nSELECT other FROM plugin_p'),
    ],
    mock: [file('001-m.sql', 'INSERT INTO sys_user VALUES (1)')],
    uninstall: [file('001-u.sql', 'DROP TABLE plugin_p; DROP TABLE plugin_p')],
  });
  t.same(short(problems), [
    'error install 001-a.sql:2 the function pg_sleep is not supported',
    'error install 001-a.sql:4 syntax error at or near "FRM"',
    'error install 002-b.sql:2 ATTACH is not PostgreSQL, which the SQL of plugins is written in',
    'error mock 001-m.sql:1 sys_user is not a table of plugin p: its tables are plugin_p and plugin_p_<name>',
    'error uninstall 001-u.sql:1 table "plugin_p" does not exist',
  ]);
});

t.test('a column that is not there is found, what follows from it is not repeated', async (t) => {
  const install = [
    file('001-a.sql', 'CREATE TABLE plugin_p (id IN);\nINSERT INTO plugin_p VALUES (1);\nSELECT 1 FROM plugin_p'),
  ];
  t.same(short(checkSql('p', { ...NONE, install })), ['error install 001-a.sql:1 syntax error at or near "IN"']);
  const other = [
    file(
      '001-a.sql',
      'CREATE TABLE IF NOT EXISTS plugin_p (id INT);\nCREATE VIEW plugin_p_v AS SELECT id FROM plugin_p;\nSELECT no FROM plugin_p_v',
    ),
  ];
  t.match(short(checkSql('p', { ...NONE, install: other }))[0], 'error install 001-a.sql:3 no such column: "no"');
});

t.test('what depends on rows is let pass', async (t) => {
  const install = [
    file(
      '001-a.sql',
      `
    CREATE TABLE IF NOT EXISTS plugin_p (id INT PRIMARY KEY, parent INT REFERENCES plugin_p, at DATE NOT NULL DEFAULT '2026-01-01');
    INSERT INTO plugin_p (id) VALUES (1) ON CONFLICT DO NOTHING;
    INSERT INTO plugin_p (id) SELECT 1 WHERE EXISTS (SELECT 1 FROM plugin_p WHERE id = 1);
    INSERT INTO plugin_p (id, parent) VALUES (2, 99) ON CONFLICT DO NOTHING;
    UPDATE plugin_p SET at = (SELECT max(id)::text FROM plugin_p)::date;`,
    ),
  ];
  t.same(checkSql('p', { ...NONE, install }), []);
});

t.test('a value that can never be stored is found', async (t) => {
  const install = [
    file(
      '001-a.sql',
      'CREATE TABLE IF NOT EXISTS plugin_p (id INT NOT NULL, n INT CHECK (n > 0));\nINSERT INTO plugin_p VALUES (1, -1);\nINSERT INTO plugin_p VALUES (NULL, 1)',
    ),
  ];
  t.same(short(checkSql('p', { ...NONE, install })), [
    'error install 001-a.sql:2 CHECK constraint failed: plugin_p_n_check',
    'error install 001-a.sql:3 NOT NULL constraint failed: plugin_p.id',
  ]);
});

t.test('files that cannot run twice are warned of (F069)', async (t) => {
  const install = [file('001-a.sql', 'CREATE TABLE plugin_p (id INT)')];
  t.same(short(checkSql('p', { ...NONE, install })), [
    'warning install 001-a.sql:1 cannot run twice: relation "plugin_p" already exists',
  ]);
});

t.test('an upgrade is checked on the tables of the installed release, without touching them', async (t) => {
  const live = openScratchDatabase();
  t.teardown(() => live.close());
  run(
    live,
    'CREATE TABLE plugin_p (id INT); CREATE UNIQUE INDEX ix ON plugin_p (id); CREATE VIEW plugin_p_v AS SELECT id FROM plugin_p; INSERT INTO plugin_p VALUES (1)',
  );
  const install = [
    file(
      '002-b.sql',
      'ALTER TABLE plugin_p ADD COLUMN IF NOT EXISTS n INT; UPDATE plugin_p SET n = 1; INSERT INTO plugin_p (id) SELECT id FROM plugin_p_v',
    ),
  ];
  t.same(checkSql('p', { ...NONE, install }, live), []);
  t.match(short(checkSql('p', { ...NONE, install }))[0], 'relation "plugin_p" does not exist');
  t.same(live.prepare('SELECT * FROM plugin_p').all(), [{ id: 1 }]);
});
