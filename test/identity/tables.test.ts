import t from 'tap';
import { prepareAccess } from '../../src/identity/access.js';
import { MIGRATIONS } from '../../src/identity/tables.js';
import { migrate } from '../../src/store/migrations.js';
import { openDatabase } from '../../src/store/sqlite.js';

t.test('who was a member before roles were given tenant by tenant, keeps what worked', async (t) => {
  const database = openDatabase(':memory:');
  t.teardown(() => database.close());
  migrate(database, 'identity', MIGRATIONS.slice(0, 2));
  database.exec(`
    INSERT INTO sys_tenant VALUES (1, 'one', 'One', 'active', 0, 0), (2, 'two', 'Two', 'active', 0, 0);
    INSERT INTO sys_user (id, username, password_hash, tenant_id, created_at, updated_at) VALUES (7, 'ada', '', 1, 0, 0);
    INSERT INTO sys_role (id, key, name, created_at, updated_at) VALUES (3, 'editor', 'Editor', 0, 0);
    INSERT INTO sys_role_permission VALUES (3, 'notes:edit');
    INSERT INTO sys_user_role VALUES (7, 3);
    INSERT INTO sys_user_tenant VALUES (7, 2)`);
  migrate(database, 'identity', MIGRATIONS);
  const accessOf = prepareAccess(database, () => true);
  for (const tenantId of [1, 2]) t.match(accessOf(7, tenantId), { permissions: ['notes:edit'], roleNames: ['Editor'] });
  t.same(accessOf(7, 3)?.permissions, [], 'and nowhere else');
});
