import t from 'tap';
import { parse, refused } from './refusal.js';

type Resource = Readonly<Record<string, unknown>>;
const RESOURCE = {
  key: 'records',
  table: 'plugin_demo_records',
  fields: [
    { name: 'id', column: 'id' },
    { name: 'title', column: 'title' },
  ],
  orderBy: { column: 'id' },
};
const declare = (...resources: Resource[]) => parse({ resources }).resources;
const one = (change: Resource) => declare({ ...RESOURCE, ...change })[0];

t.test('a resource is a list that may be queried, unless it says otherwise', async (t) => {
  t.same(one({}), {
    key: 'records',
    type: 'table-list',
    table: 'plugin_demo_records',
    fields: RESOURCE.fields,
    filters: [],
    orderBy: { column: 'id', direction: 'asc' },
    operations: ['query'],
    keyField: '',
    writableFields: [],
    permission: '',
    access: 'request',
  });
});

t.test('words are taken in any case, and lists keep their order without duplicates', async (t) => {
  const resource = one({
    type: ' Table-List ',
    filters: [{ param: ' q ', column: ' title ', operator: ' LIKE ' }],
    orderBy: { column: 'id', direction: 'DESC' },
    operations: [' Update', 'get', 'update'],
    keyField: ' id ',
    writableFields: [' title ', 'TITLE', '', 'id'],
    permission: ' demo:records:view ',
    access: ' Both ',
    dataScope: { userColumn: ' user_id ' },
  });
  t.match(resource, {
    type: 'table-list',
    filters: [{ param: 'q', column: 'title', operator: 'like' }],
    orderBy: { direction: 'desc' },
    operations: ['update', 'get'],
    keyField: 'id',
    writableFields: ['title', 'id'],
    permission: 'demo:records:view',
    access: 'both',
    dataScope: { userColumn: 'user_id', deptColumn: '' },
  });
  t.equal(resource?.writableFields.length, 2);
  t.equal(resource?.operations.length, 2);
});

const filter = (change: Resource) => ({ filters: [{ param: 'q', column: 'title', operator: 'eq', ...change }] });

const REFUSED: readonly (readonly [why: string, change: Resource, fragment: string])[] = [
  ['without key', { key: ' ' }, 'resource key cannot be empty'],
  ['of another type', { type: 'tree' }, 'type is unsupported: tree'],
  ['without table', { table: '' }, 'table is invalid'],
  ['of a table that is no name', { table: 'a.b' }, 'table is invalid: a.b'],
  ['without fields', { fields: [] }, 'must declare at least one field'],
  ['with a null field', { fields: [null] }, 'fields[0] cannot be null'],
  ['with a field that has no name', { fields: [{ column: 'id' }] }, 'field name is invalid'],
  ['with a field that has no column', { fields: [{ name: 'id' }] }, 'field column is invalid'],
  ['with a null filter', { filters: [null] }, 'filters[0] cannot be null'],
  ['with a filter that has no parameter', filter({ param: ' ' }), 'filter param cannot be empty'],
  ['with a filter of another operator', filter({ operator: 'regexp' }), 'filter operator is unsupported: regexp'],
  ['with a filter without operator', filter({ operator: '' }), 'filter operator is unsupported'],
  ['with a filter on what is no column', filter({ column: 'a-b' }), 'filter column is invalid: a-b'],
  ['without order', { orderBy: null }, 'orderBy column is invalid'],
  ['with another direction', { orderBy: { column: 'id', direction: 'up' } }, 'orderBy direction is unsupported: up'],
  ['with another operation', { operations: ['drop'] }, 'operation is unsupported: drop'],
  ['that gets without a key field', { operations: ['get'] }, 'requires keyField'],
  ['that deletes without a key field', { operations: ['delete'] }, 'requires keyField'],
  ['whose key field is not declared', { keyField: 'uuid' }, 'keyField uuid is not a declared field'],
  ['that creates without writable fields', { operations: ['create'] }, 'requires writableFields'],
  ['whose writable field is not declared', { writableFields: ['uuid'] }, 'writableFields uuid is not a declared field'],
  ['with a permission of another plugin', { permission: 'other:a:b' }, 'permission must use'],
  ['with a permission of two parts', { permission: 'demo:a' }, 'permission must use'],
  ['with a blank part in its permission', { permission: 'demo: :b' }, 'permission must use'],
  ['with another access', { access: 'public' }, 'access is unsupported: public'],
  ['with a scope without columns', { dataScope: {} }, 'requires userColumn or deptColumn'],
  ['with a scope on what is no column', { dataScope: { deptColumn: 'a b' } }, 'dataScope column is invalid: a b'],
];

for (const [why, change, fragment] of REFUSED) {
  t.test(`a table resource ${why} is refused`, async (t) => refused(t, () => one(change), fragment));
}

t.test('a key is used once', async (t) => {
  refused(t, () => declare(RESOURCE, { ...RESOURCE, key: ' records ' }), 'resource records is duplicated');
});
