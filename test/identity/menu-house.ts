/** A registry and users on one database, with the menus, permissions and endpoints between them, and a plugin `bystander`. */
import type { FastifyInstance, InjectOptions } from 'fastify';
import type { Test } from 'tap';
import { apiRoutes } from '../../src/http/routes/api.js';
import { authRoutes } from '../../src/http/routes/auth.js';
import { menuRoutes } from '../../src/http/routes/menus.js';
import { roleRoutes } from '../../src/http/routes/roles.js';
import { tenantRoutes } from '../../src/http/routes/tenants.js';
import { userRoutes } from '../../src/http/routes/users.js';
import { createIdentity, type IdentityRoom } from '../../src/identity/identity.js';
import type { TenantCallbacks } from '../../src/identity/tenants.js';
import type { RegistryOptions } from '../../src/registry/registry.js';
import { openStateStore } from '../../src/store/state.js';
import type { ArtifactParts } from '../artifact/build.js';
import { done, fakeHost, response } from '../http/fakes.js';
import { artifactOf, type House, openHouse } from '../registry/house.js';
import { CHEAP, PASSWORD, SECRET } from './identity-room.js';

export interface Answer {
  readonly status: number;
  readonly code: number;
  readonly message: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly data: any;
  readonly errorCode?: string;
}

export interface MenuHouse extends House {
  readonly identity: IdentityRoom;
  readonly app: FastifyInstance;
  readonly menuWarnings: readonly string[];
  /** Uploads, installs and enables. */
  serve(id: string, version?: string, parts?: ArtifactParts): Promise<void>;
  /** Uploads a higher version and upgrades to it. */
  upgrade(id: string, version: string, parts: ArtifactParts): Promise<unknown>;
  /** Asks as `username`, whose session is begun when it is not there; nobody when it is empty. */
  ask(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, username?: string): Promise<Answer>;
  /** The header of a new session. */
  logIn(username: string): Promise<string>;
  /** Keys of the rows of a plugin, in order of id. */
  menuKeys(pluginId: string): readonly string[];
  /** Rows of roles and menus that belong together, as `role key`. */
  bindings(): readonly string[];
  bind(role: string, key: string): void;
}

export interface MenuHouseOptions {
  readonly registry?: Partial<RegistryOptions>;
  readonly callbacks?: TenantCallbacks;
}

export async function openMenuHouse(t: Test, options: MenuHouseOptions = {}): Promise<MenuHouse> {
  let identity: IdentityRoom | undefined;
  const house = openHouse(t, t.testdir({}), {
    governance: {
      check: (artifact, state) => identity!.pluginMenus.check(artifact, state),
      apply: (artifact) => identity!.pluginMenus.apply(artifact),
      remove: (pluginId) => identity!.pluginMenus.remove(pluginId),
    },
    ...options.registry,
  });
  const { registry, database } = house;
  const state = openStateStore(':memory:');
  t.teardown(() => state.close());
  const showsPlugin = (pluginId: string, tenantId: number): boolean => {
    const view = registry.find(pluginId);
    const isInForce = view?.installed === true && view.enabled && view.runtimeState === 'normal';
    return isInForce && identity!.tenants.exposes(view, tenantId);
  };
  const plugins = () =>
    registry.list().map(({ plugin }) => ({
      ...plugin,
      installed: plugin.installed === 1,
      enabled: plugin.status === 1,
      autoEnableForNewTenants: plugin.autoEnableForNewTenants === 1,
    }));
  const menuWarnings: string[] = [];
  const room = createIdentity({
    database,
    secret: SECRET,
    accessTokenTtlSeconds: 7200,
    sessionTtlSeconds: 3600,
    hashCost: CHEAP,
    showsPlugin,
    tenancy: { state: () => state, plugins, ...(options.callbacks && { callbacks: options.callbacks }) },
    onMenuWarning: (pluginId, warning) => menuWarnings.push(`${pluginId}: ${warning}`),
  });
  identity = room;
  registry.subscribe(room.forgetAccess);
  await registry.reload();
  await room.ensureAdmin(PASSWORD);
  const texts = {
    translate: (locale: string, key: string) => (key === 'menu.iam.title' ? `IAM ${locale}` : undefined),
  };
  const languages = { default: 'en-US', supported: ['en-US', 'zh-CN'] };
  const all: MenuHouse = { ...house, identity: room, app: undefined as never, menuWarnings } as unknown as MenuHouse;
  const { app } = fakeHost({
    plugins: registry,
    identity: room,
    tenantExposes: room.tenants.exposes,
    engine: {
      start({ pluginId }, end) {
        end(done(response({ body: pluginId })));
        return { cancel: () => {} };
      },
    },
    async register(scope) {
      await scope.register(menuRoutes({ identity: room, showsPlugin, texts, languages }));
      for (const routes of [authRoutes, userRoutes, roleRoutes, tenantRoutes]) {
        await scope.register(routes({ identity: room }));
      }
      await scope.register(apiRoutes({ registry, identity: room, maxUploadBytes: 1024 * 1024 }));
    },
  });
  t.teardown(() => app.close());
  const headers = new Map<string, string>();
  const logIn = async (username: string): Promise<string> => {
    const { accessToken } = await room.login({ username, password: PASSWORD, ip: '10.0.0.1' });
    headers.set(username, `Bearer ${accessToken}`);
    return `Bearer ${accessToken}`;
  };
  Object.assign(all, {
    app,
    logIn,
    async serve(id: string, version?: string, parts?: ArtifactParts) {
      await registry.upload(artifactOf(id, version, parts));
      await registry.install(id, { grantUnreviewed: true, installMode: parts?.manifest?.defaultInstallMode as string });
      await registry.enable(id);
    },
    async upgrade(id: string, version: string, parts: ArtifactParts) {
      await registry.upload(artifactOf(id, version, parts));
      return registry.upgrade(id, { confirmed: true, grantUnreviewed: true });
    },
    async ask(method, path, body, username = 'admin') {
      const authorization = username === '' ? undefined : (headers.get(username) ?? (await logIn(username)));
      const request: InjectOptions = { method, url: path.startsWith('/x/') ? path : `/api/v1${path}` };
      const payload = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
      const answer = await app.inject({
        ...request,
        headers: { ...(authorization && { authorization }), ...(payload && { 'content-type': 'application/json' }) },
        ...(payload !== undefined && { payload }),
      });
      const isJson = answer.headers['content-type']?.toString().includes('json');
      const said = isJson ? answer.json<Omit<Answer, 'status'>>() : { code: -1, message: answer.body, data: null };
      return { status: answer.statusCode, ...said };
    },
    menuKeys: (pluginId: string) =>
      room.menus
        .list()
        .map(({ key }) => key)
        .filter((key) => key.startsWith(`plugin:${pluginId}:`)),
    bindings: () =>
      database
        .prepare(
          `SELECT sys_role.key || ' ' || menu_key FROM sys_role_menu
           JOIN sys_role ON sys_role.id = role_id JOIN sys_menu ON sys_menu.id = menu_id ORDER BY 1`,
        )
        .pluck()
        .all() as string[],
    bind(role: string, key: string) {
      database
        .prepare(
          'INSERT INTO sys_role_menu SELECT sys_role.id, sys_menu.id FROM sys_role, sys_menu WHERE key = ? AND menu_key = ?',
        )
        .run(role, key);
      room.forgetAccess();
    },
  } satisfies Partial<MenuHouse>);
  const page = { key: 'plugin:bystander:home', name: 'Bystander', path: 'bystander' };
  await all.serve('bystander', 'v1.0.0', {
    manifest: { menus: [page], defaultInstallMode: 'global' },
    routes: [{ path: '/ping' }],
  });
  return all;
}
