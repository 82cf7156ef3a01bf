import t from 'tap';
import { loadParser } from '../../src/store/dialect/parse.js';
import { readTableComments, readTableContract } from '../../src/store/plugin-catalog.js';
import { openScratchDatabase } from '../../src/store/plugin-database.js';
import { run } from './dialect/cases.js';

await loadParser();

const SCRIPT = `
  CREATE TABLE plugin_p_record (
    id BIGINT GENERATED ALWAYS AS IDENTITY, tenant_id INT NOT NULL DEFAULT 0, title VARCHAR(128) NOT NULL,
    price NUMERIC(10,2), created_at TIMESTAMPTZ DEFAULT now(), upper_title TEXT GENERATED ALWAYS AS (upper(title)) STORED,
    PRIMARY KEY (tenant_id, id));
  COMMENT ON TABLE plugin_p_record IS 'Records';
  COMMENT ON COLUMN plugin_p_record.title IS 'Its title';`;

t.test('the contract of a table says its types as PostgreSQL knows them', async (t) => {
  const database = openScratchDatabase();
  t.teardown(() => database.close());
  run(database, SCRIPT);
  t.same(readTableContract(database, 'Plugin_P_Record'), {
    table: 'plugin_p_record',
    comment: 'Records',
    columns: [
      {
        name: 'id',
        type: 'bigint',
        typeArgs: [],
        declaredType: 'bigint',
        isNullable: false,
        hasDefault: true,
        isGenerated: false,
        identity: 'always',
      },
      {
        name: 'tenant_id',
        type: 'integer',
        typeArgs: [],
        declaredType: 'integer',
        isNullable: false,
        hasDefault: true,
        isGenerated: false,
      },
      {
        name: 'title',
        type: 'varchar',
        typeArgs: [128],
        declaredType: 'varchar(128)',
        isNullable: false,
        hasDefault: false,
        isGenerated: false,
        comment: 'Its title',
      },
      {
        name: 'price',
        type: 'numeric',
        typeArgs: [10, 2],
        declaredType: 'numeric(10,2)',
        isNullable: true,
        hasDefault: false,
        isGenerated: false,
      },
      {
        name: 'created_at',
        type: 'timestamptz',
        typeArgs: [],
        declaredType: 'timestamptz',
        isNullable: true,
        hasDefault: true,
        isGenerated: false,
      },
      {
        name: 'upper_title',
        type: 'text',
        typeArgs: [],
        declaredType: 'text',
        isNullable: true,
        hasDefault: false,
        isGenerated: true,
      },
    ],
    primaryKey: ['tenant_id', 'id'],
  });
  t.equal(readTableContract(database, 'plugin_p_none'), undefined);
});

t.test('ALTER keeps the contract true', async (t) => {
  const database = openScratchDatabase();
  t.teardown(() => database.close());
  run(database, SCRIPT);
  run(
    database,
    `
    ALTER TABLE plugin_p_record RENAME COLUMN title TO name;
    ALTER TABLE plugin_p_record ALTER COLUMN price TYPE TEXT, ADD COLUMN more BOOLEAN NOT NULL DEFAULT false, DROP COLUMN created_at;
    ALTER TABLE plugin_p_record RENAME TO plugin_p_row;
    COMMENT ON TABLE plugin_p_row IS NULL;`,
  );
  t.equal(readTableContract(database, 'plugin_p_record'), undefined);
  const contract = readTableContract(database, 'plugin_p_row');
  t.same(
    contract?.columns.map(({ name, declaredType }) => [name, declaredType]),
    [
      ['id', 'bigint'],
      ['tenant_id', 'integer'],
      ['name', 'varchar(128)'],
      ['price', 'text'],
      ['upper_title', 'text'],
      ['more', 'boolean'],
    ],
  );
  t.equal(contract?.columns[2]?.comment, 'Its title');
  t.same([...readTableComments(database)], []);
});

t.test('comments of tables are kept for the administrator who reviews them', async (t) => {
  const database = openScratchDatabase();
  t.teardown(() => database.close());
  run(database, SCRIPT);
  t.same([...readTableComments(database)], [['plugin_p_record', 'Records']]);
});
