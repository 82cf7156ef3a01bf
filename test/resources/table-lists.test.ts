import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { TableResource } from '../../src/artifact/artifact.js';
import { createTableLists, type TableListQuery } from '../../src/resources/table-lists.js';
import { loadParser } from '../../src/store/dialect/parse.js';
import { openPluginDatabase } from '../../src/store/plugin-database.js';
import { run } from '../store/dialect/cases.js';

await loadParser();

const RESOURCE: TableResource = {
  key: 'records',
  type: 'table-list',
  table: 'plugin_p_record',
  fields: [
    { name: 'id', column: 'id' },
    { name: 'title', column: 'title' },
  ],
  filters: [],
  orderBy: { column: 'id', direction: 'asc' },
  operations: ['query'],
  keyField: '',
  writableFields: [],
  permission: '',
  access: 'request',
};
const ADMIN = { userId: 1, tenantId: 0, isSuperAdmin: true, dataScope: 0 };
const SCHEMA = `
  CREATE TABLE plugin_p_record (id INT PRIMARY KEY, title VARCHAR(20), price NUMERIC(8,2), open BOOLEAN, owner BIGINT,
    tenant_id INT NOT NULL DEFAULT 0, born TIMESTAMP, blob BYTEA, extra JSONB);
  INSERT INTO plugin_p_record VALUES
    (1, 'a% b', 1.50, true, 7, 0, '2026-05-01 09:00:00.25', '\\x0102', '{"a": 1}'),
    (2, 'B',    NULL, false, 8, 22, '2026-05-02 23:59:59.9', NULL, NULL),
    (3, 'ab',   3, NULL, 7, 22, '2026-05-03', NULL, NULL)`;

function open(t: Test) {
  const dataDir = mkdtempSync(join(tmpdir(), 'sandpool-'));
  const database = openPluginDatabase(dataDir, 'p');
  run(database, SCHEMA);
  const lists = createTableLists({ dataDir });
  t.teardown(() => {
    lists.close();
    database.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  const list = (resource: Partial<TableResource> = {}, query: Partial<TableListQuery> = {}) =>
    lists.list({
      pluginId: 'p',
      caller: ADMIN,
      params: {},
      pageNum: 1,
      pageSize: 10,
      ...query,
      resource: { ...RESOURCE, ...resource },
    });
  return {
    dataDir,
    database,
    lists,
    list,
    ids: (...args: Parameters<typeof list>) => list(...args).list.map(({ id }) => id),
  };
}

t.test('rows come in pages, in the declared order, with the declared names (E14)', async (t) => {
  const { list, ids } = open(t);
  t.same(list({}, { pageSize: 2 }), {
    list: [
      { id: 1, title: 'a% b' },
      { id: 2, title: 'B' },
    ],
    total: 3,
  });
  t.same(list({}, { pageSize: 2, pageNum: 2 }), { list: [{ id: 3, title: 'ab' }], total: 3 });
  t.same(list({}, { pageNum: 9 }), { list: [], total: 3 });
  t.same(ids({ orderBy: { column: 'owner', direction: 'desc' } }), [2, 1, 3], 'the primary key decides between equals');
});

t.test('values are as the data service writes them', async (t) => {
  const names = ['price', 'open', 'owner', 'born', 'blob', 'extra'];
  const fields = names.map((name) => ({ name: name.toUpperCase(), column: name }));
  t.same(open(t).list({ fields }, { pageSize: 2 }).list, [
    { PRICE: '1.5', OPEN: true, OWNER: 7, BORN: '2026-05-01 09:00:00', BLOB: 'AQI=', EXTRA: '{"a": 1}' },
    { PRICE: null, OPEN: false, OWNER: 8, BORN: '2026-05-02 23:59:59', BLOB: null, EXTRA: null },
  ]);
});

t.test('only declared filters narrow, each by its operator', async (t) => {
  const { ids } = open(t);
  const filters: TableResource['filters'] = [
    { param: 'owner', column: 'owner', operator: 'eq' },
    { param: 'open', column: 'open', operator: 'eq' },
    { param: 'title', column: 'title', operator: 'like' },
    { param: 'from', column: 'born', operator: 'gte-date' },
    { param: 'to', column: 'born', operator: 'lte-date' },
  ];
  const cases: readonly (readonly [Record<string, unknown>, readonly number[]])[] = [
    [{ owner: '7' }, [1, 3]],
    [{ open: 'true' }, [1]],
    [{ open: 'f' }, [2]],
    [{ title: 'a' }, [1, 3]],
    [{ title: '%' }, [1]],
    [{ title: "' OR 1 = 1 --" }, []],
    [{ from: '2026-05-02' }, [2, 3]],
    [{ to: '2026-05-02' }, [1, 2]],
    [{ from: '2026-05-02', to: '2026-05-02', owner: '8' }, [2]],
    [{ owner: '', unknown: '1', id: '3' }, [1, 2, 3]],
  ];
  for (const [params, expected] of cases) t.same(ids({ filters }, { params }), expected, JSON.stringify(params));
  for (const params of [{ owner: 'x' }, { from: 'soon' }, { owner: ['7', '8'] }, { open: 'perhaps' }]) {
    t.throws(() => ids({ filters }, { params }), { code: 'SBX_BODY_INVALID' }, JSON.stringify(params));
  }
});

t.test('a data scope shows only the rows that it reaches (C110)', async (t) => {
  const { ids } = open(t);
  const user = { userId: 7, tenantId: 0, isSuperAdmin: false };
  const byUser = { userColumn: 'owner', deptColumn: '' };
  const cases = [
    ['all', 1, byUser, [1, 2, 3]],
    ['tenant', 2, byUser, [1, 2, 3]],
    ['department', 3, byUser, []],
    ['self', 4, byUser, [1, 3]],
    ['self, with no column that says whose', 4, { userColumn: '', deptColumn: 'owner' }, []],
    ['none', 0, byUser, []],
  ] as const;
  for (const [title, dataScope, declared, expected] of cases) {
    t.same(ids({ dataScope: declared }, { caller: { ...user, dataScope } }), expected, title);
  }
  t.same(ids({}, { caller: { ...user, dataScope: 4 } }), [1, 2, 3], 'nothing is declared');
  t.same(ids({}, { caller: { ...user, tenantId: 22, dataScope: 1 } }), [2, 3], 'a tenant sees its own rows');
});

t.test('a table or a column that is not there is told', async (t) => {
  const { list, lists, ids, database } = open(t);
  const cases = [
    [{ table: 'plugin_p_none' }, {}],
    [{ fields: [{ name: 'x', column: 'none' }] }, {}],
    [{ orderBy: { column: 'none', direction: 'asc' } }, {}],
    [{}, { pluginId: 'q' }],
  ] as const;
  for (const [resource, query] of cases) {
    t.throws(() => list(resource, query), { code: 'SBX_RESOURCE_UNAVAILABLE', message: /there is no|has no column/ });
  }
  t.same(ids(), [1, 2, 3]);
  run(database, 'ALTER TABLE plugin_p_record RENAME TO plugin_p_other');
  t.throws(() => list(), { code: 'SBX_RESOURCE_UNAVAILABLE' }, 'gone meanwhile');
  lists.forget('p');
  t.same(ids({ table: 'plugin_p_other' }), [1, 2, 3]);
});
