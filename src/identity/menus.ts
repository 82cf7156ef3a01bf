/** The table of menus: those of the host, those of plugins, and which of them a user's roles hold (`spec/governance.md` §4). */
import type { MenuDeclaration } from '../artifact/menus.js';
import { SandpoolError } from '../protocol/errors.js';
import type { Database } from '../store/sqlite.js';
import { stored } from './tables.js';

/** A row of `sys_menu`. */
export interface StoredMenu extends Omit<MenuDeclaration, 'parentKey'> {
  readonly id: number;
  /** 0 for a root. */
  readonly parentId: number;
}

export interface Menus {
  /** All rows, in order of id. */
  list(): readonly StoredMenu[];
  has(key: string): boolean;
  /**
   * Makes the rows of a plugin those of the declarations: known keys keep their id and with it their roles; rows whose key is gone
   * are removed with what roles hold on them. Writes nothing where nothing differs. To be called within a transaction.
   * @throws SBX_MENU_INVALID when a parent does not exist
   */
  replace(pluginId: string, menus: readonly MenuDeclaration[]): void;
  /** Removes the rows of a plugin and what roles hold on them. To be called within a transaction. */
  remove(pluginId: string): void;
  /** Ids of the menus that the roles of a user hold. */
  heldBy(userId: number, tenantId: number): ReadonlySet<number>;
}

/** Opens the table and brings the menus of the host itself up to date. */
export function openMenus(database: Database, now: () => number, builtin: readonly MenuDeclaration[]): Menus {
  const statements = prepare(database);

  const write = (menus: readonly MenuDeclaration[], existing: ReadonlyMap<string, StoredMenu>): void => {
    for (const { parentKey, ...menu } of menus) {
      const parentId = parentKey === '' ? 0 : (statements.idOf.get(parentKey) as number);
      const row = { ...menu, parentId };
      if (!isSame(row, existing.get(menu.key))) statements.write.run({ ...row, at: now() });
    }
  };

  const drop = (row: StoredMenu): void => {
    statements.unbind.run(row.id);
    // What others have hung below it is still theirs, and moves to the top.
    statements.uproot.run(row.id);
    statements.drop.run(row.id);
  };

  const rowsOf = (pluginId: string): readonly StoredMenu[] =>
    // All keys that begin with `plugin:<id>:`; a semicolon comes right after a colon.
    statements.between.all(`plugin:${pluginId}:`, `plugin:${pluginId};`) as StoredMenu[];

  const has = (key: string): boolean => statements.idOf.get(key) !== undefined;

  const writeBuiltin = database.transaction(() => {
    const existing = new Map((statements.list.all() as StoredMenu[]).map((row) => [row.key, row]));
    write(inParentOrder(builtin, 'the host', has), existing);
  });
  stored(() => writeBuiltin.immediate());

  return {
    list: () => stored(() => statements.list.all() as StoredMenu[]),
    has: (key) => stored(() => has(key)),
    replace(pluginId, menus) {
      stored(() => {
        const existing = new Map(rowsOf(pluginId).map((row) => [row.key, row]));
        write(inParentOrder(menus, pluginId, has), existing);
        const keys = new Set(menus.map(({ key }) => key));
        for (const row of existing.values()) if (!keys.has(row.key)) drop(row);
      });
    },
    remove(pluginId) {
      stored(() => rowsOf(pluginId).forEach(drop));
    },
    heldBy: (userId, tenantId) => new Set(stored(() => statements.heldBy.all(userId, tenantId) as number[])),
  };
}

/**
 * Menus with every parent before its children, else in the order given.
 * @param exists whether a menu that is not among them is in the table
 * @throws SBX_MENU_INVALID when a parent does not exist, or menus are each other's parents
 */
export function inParentOrder(
  menus: readonly MenuDeclaration[],
  pluginId: string,
  exists: (key: string) => boolean,
): readonly MenuDeclaration[] {
  const own = new Set(menus.map(({ key }) => key));
  const placed = new Set<string>();
  const ordered: MenuDeclaration[] = [];
  const isReady = ({ parentKey }: MenuDeclaration): boolean =>
    parentKey === '' || (own.has(parentKey) ? placed.has(parentKey) : exists(parentKey));
  let waiting = menus;
  while (waiting.length > 0) {
    const ready = waiting.filter(isReady);
    if (ready.length === 0) throw unplaceable(pluginId, waiting[0]!, own);
    for (const menu of ready) placed.add(menu.key);
    ordered.push(...ready);
    waiting = waiting.filter(({ key }) => !placed.has(key));
  }
  return ordered;
}

function unplaceable(pluginId: string, { key, parentKey }: MenuDeclaration, own: ReadonlySet<string>): SandpoolError {
  const why = own.has(parentKey) ? 'stands below itself' : `has the parent ${parentKey}, which does not exist`;
  return new SandpoolError('SBX_MENU_INVALID', { pluginId, reason: `menu ${key} ${why}` });
}

type Columns = Omit<StoredMenu, 'id'>;

// biome-ignore format: a table
const COLUMNS: { readonly [Field in keyof Columns]: string } = {
  parentId: 'parent_id', key: 'menu_key', name: 'name', path: 'path', component: 'component', perms: 'perms', icon: 'icon',
  type: 'type', sort: 'sort', visible: 'visible', status: 'status', isFrame: 'is_frame', isCache: 'is_cache',
  queryParam: 'query_param', remark: 'remark',
};
const FIELDS = Object.keys(COLUMNS) as (keyof Columns)[];

function isSame(row: Columns, known: StoredMenu | undefined): boolean {
  return known !== undefined && FIELDS.every((field) => row[field] === known[field]);
}

function prepare(database: Database) {
  const select = `SELECT id, ${FIELDS.map((field) => `${COLUMNS[field]} AS ${field}`).join(', ')} FROM sys_menu`;
  const columns = FIELDS.map((field) => COLUMNS[field]);
  return {
    list: database.prepare(`${select} ORDER BY id`),
    between: database.prepare(`${select} WHERE menu_key >= ? AND menu_key < ? ORDER BY id`),
    idOf: database.prepare('SELECT id FROM sys_menu WHERE menu_key = ?').pluck(),
    write: database.prepare(
      `INSERT INTO sys_menu (${columns.join(', ')}, created_at, updated_at)
       VALUES (${FIELDS.map((field) => `@${field}`).join(', ')}, @at, @at)
       ON CONFLICT (menu_key) DO UPDATE SET
         ${columns.map((column) => `${column} = excluded.${column}`).join(', ')}, updated_at = excluded.updated_at`,
    ),
    unbind: database.prepare('DELETE FROM sys_role_menu WHERE menu_id = ?'),
    uproot: database.prepare('UPDATE sys_menu SET parent_id = 0 WHERE parent_id = ?'),
    drop: database.prepare('DELETE FROM sys_menu WHERE id = ?'),
    heldBy: database
      .prepare(
        `SELECT DISTINCT menu_id FROM sys_role_menu
         JOIN sys_role ON sys_role.id = sys_role_menu.role_id
         JOIN sys_user_role_held AS held ON held.role_id = sys_role.id
         WHERE held.user_id = ? AND held.tenant_id = ? AND sys_role.status = 1`,
      )
      .pluck(),
  };
}
