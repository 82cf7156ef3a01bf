/** Menus of the host itself: plugins as on the reference host (`spec/governance.md` §4.5), users, roles, menus, tenants. */
import type { MenuDeclaration } from '../artifact/menus.js';

type Row = readonly [key: string, parentKey: string, name: string, more: Partial<MenuDeclaration>];

// biome-ignore format: a table
const ROWS: readonly Row[] = [
  ['iam',                       '', 'Access control',       { type: 'D', path: 'iam', icon: 'lucide:shield-check', sort: 2 }],
  ['system:user:list',          'iam', 'Users',             page('/system/user', 'system/user/index', 1)],
  ['system:role:list',          'iam', 'Roles',             page('/system/role', 'system/role/index', 2)],
  ['system:menu:list',          'iam', 'Menus',             page('/system/menu', 'system/menu/index', 3)],
  ...buttons('system:user',     'list', ['query', 'Show users'], ['add', 'Add users'], ['edit', 'Change users'], ['remove', 'Remove users'], ['resetPwd', 'Reset passwords']),
  ...buttons('system:role',     'list', ['query', 'Show roles'], ['add', 'Add roles'], ['edit', 'Change roles'], ['remove', 'Remove roles'], ['auth', 'Decide what roles hold']),
  ...buttons('system:menu',     'list', ['query', 'Show menus']),
  ['system:config:list',        'iam', 'Parameters',        page('/system/config', 'system/config/index', 4)],
  ...buttons('system:config',   'list', ['query', 'Show parameters'], ['edit', 'Set parameters'], ['remove', 'Remove parameters']),
  ['platform',                  '', 'Platform',             { type: 'D', path: 'platform', icon: 'lucide:building-2', sort: 3 }],
  ['system:tenant:list',        'platform', 'Tenants',      page('/system/tenant', 'system/tenant/index', 1)],
  ...buttons('system:tenant',   'list', ['query', 'Show tenants'], ['add', 'Add tenants'], ['edit', 'Change tenants'], ['remove', 'Remove tenants'], ['plugin', 'Decide on plugins of a tenant']),
  ['extension',                 '', 'Extensions',           { type: 'D', path: 'extension', icon: 'lucide:puzzle', sort: 10 }],
  ['extension:plugin:list',     'extension', 'Plugins',     { ...page('/system/plugin', 'system/plugin/index', 1), perms: 'plugin:list' }],
  ['system:job:list',           'extension', 'Scheduled jobs', page('/system/job', 'system/job/index', 2)],
  ...buttons('system:job',      'list', ['run', 'Run jobs now'], ['edit', 'Pause and resume jobs']),
  ...['query', 'enable', 'disable', 'edit', 'install', 'uninstall'].map((action, index): Row =>
    [`extension:plugin:${action}`, 'extension:plugin:list', `Plugins: ${action}`, { type: 'B', perms: `plugin:${action}`, sort: index + 1 }]),
];

export const BUILTIN_MENUS: readonly MenuDeclaration[] = ROWS.map(([key, parentKey, name, more]) => ({
  key,
  parentKey,
  name,
  path: '',
  component: '',
  perms: more.type === 'D' ? '' : key,
  icon: '',
  type: 'M',
  sort: 0,
  visible: 1,
  status: 1,
  isFrame: 0,
  isCache: 0,
  queryParam: '',
  remark: '',
  ...more,
}));

function page(path: string, component: string, sort: number): Partial<MenuDeclaration> {
  return { path, component, sort, isCache: 1 };
}

function buttons(noun: string, page: string, ...actions: readonly (readonly [action: string, name: string])[]): Row[] {
  return actions.map(([action, name], index) => [
    `${noun}:${action}`,
    `${noun}:${page}`,
    name,
    { type: 'B', sort: index + 1 },
  ]);
}
