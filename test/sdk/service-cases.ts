/** What each client of a service sends, byte for byte, and what it makes of the reply (`spec/host-services.md` §29). */
import { encodeJsonResponse } from '../../src/protocol/host-call.js';
import { encodePayload } from '../../src/protocol/payloads.js';
import { type HostReply, hex } from './guest.js';

export const replying = (payload: string): HostReply => ({ payload: Buffer.from(payload, 'hex') });
export const json = (value: unknown): HostReply => ({ payload: encodeJsonResponse(value) });
export const jsonPayload = (value: unknown): string => hex(encodeJsonResponse(value));

/** `target` is the resource reference, or the table of the service `data`; `body` is that of the request to the guest. */
export type Case = readonly [
  call: string,
  target: string,
  method: string,
  payload: string,
  reply: HostReply | undefined,
  answer: unknown,
  body?: string,
];

const DEMO = 'reports/demo.json';
const DEMO_PATH = '0a117265706f7274732f64656d6f2e6a736f6e';
export const OBJECT =
  '0a460a117265706f7274732f64656d6f2e6a736f6e100b1a106170706c69636174696f6e2f6a736f6e2214323032362d30342d31345431303a30303a30305a2a0770726976617465';
export const OBJECT_SEEN = [[DEMO, 'application/json', '2026-04-14T10:00:00Z', 'private'], 11];
const BATCH =
  '0aad017b226f626a65637473223a5b7b2270617468223a227265706f7274732f612e6a736f6e222c2273697a65223a332c22636f6e74656e7454797065223a226170706c69636174696f6e2f6a736f6e222c22757064617465644174223a22323032362d30342d31345431303a30303a30305a222c227669736962696c697479223a2270726976617465227d5d2c226d697373696e675061746873223a5b227265706f7274732f622e6a736f6e225d7d';
const UPDATED_AT = '2026-04-14T10:00:00Z';
const A_SEEN = [['reports/a.json', 'application/json', UPDATED_AT, 'private'], 3];

const STORAGE: Case[] = [
  [
    'put',
    DEMO,
    'put',
    '0a117265706f7274732f64656d6f2e6a736f6e120b7b226f6b223a747275657d1a106170706c69636174696f6e2f6a736f6e2001',
    replying(OBJECT),
    OBJECT_SEEN,
    '{"ok":true}',
  ],
  [
    'putText',
    'reports/a.txt',
    'put',
    hex(
      encodePayload('HostServiceStoragePutRequest', {
        path: 'reports/a.txt',
        body: Buffer.from('é'),
        contentType: 'text/plain',
      }),
    ),
    replying(OBJECT),
    OBJECT_SEEN,
  ],
  [
    'get',
    DEMO,
    'get',
    DEMO_PATH,
    replying(`0801${OBJECT.replace('0a46', '1246')}1a0b7b226f6b223a747275657d`),
    [OBJECT_SEEN, '{"ok":true}'],
  ],
  ['get', DEMO, 'get', DEMO_PATH, undefined, null],
  ['getText', DEMO, 'get', DEMO_PATH, replying('08011a026f6b'), 'ok'],
  ['getText', DEMO, 'get', DEMO_PATH, undefined, null],
  ['stat', DEMO, 'stat', DEMO_PATH, replying(`0801${OBJECT.replace('0a46', '1246')}`), OBJECT_SEEN],
  ['stat', DEMO, 'stat', DEMO_PATH, undefined, null],
  [
    'statMany',
    'reports/',
    'stat.batch',
    jsonPayload({ paths: ['reports/a.json', 'reports/b.json'] }),
    replying(BATCH),
    [A_SEEN],
  ],
  ['list', 'reports/', 'list', '0a087265706f7274732f100a', replying(OBJECT + OBJECT), [OBJECT_SEEN, OBJECT_SEEN]],
  [
    'listPage',
    'reports/',
    'list.cursor',
    '0a1f7b22707265666978223a227265706f7274732f222c226c696d6974223a317d',
    json({
      objects: [
        {
          path: 'reports/a.json',
          size: 3,
          contentType: 'application/json',
          updatedAt: UPDATED_AT,
          visibility: 'private',
        },
      ],
      nextCursor: 'reports/a.json',
    }),
    [A_SEEN, 'reports/a.json'],
  ],
  ['delete', DEMO, 'delete', DEMO_PATH, undefined, true],
  [
    'deleteMany',
    'reports/',
    'delete.batch',
    '0a3e7b227061746873223a5b227265706f7274732f612e6a736f6e222c227265706f7274732f622e6a736f6e222c227265706f7274732f612e6a736f6e225d7d',
    undefined,
    true,
  ],
];

const ORDERS = 'https://foo.bar.example.com/api/orders?id=1';
const POSTED =
  '0a04504f535412200a0c636f6e74656e742d7479706512106170706c69636174696f6e2f6a736f6e1a117b226e616d65223a227469636b6574227d';
const CREATED = replying(
  '08c90112200a0c436f6e74656e742d5479706512106170706c69636174696f6e2f6a736f6e1a0b7b226f6b223a747275657d22106170706c69636174696f6e2f6a736f6e',
);
const CREATED_SEEN = [201, true, 'application/json', '{"ok":true}', 'application/json', { ok: true }];

const NETWORK: Case[] = [
  ['request', ORDERS, 'request', POSTED, CREATED, CREATED_SEEN, '{"name":"ticket"}'],
  [
    'postJson',
    ORDERS,
    'request',
    POSTED.replace('636f6e74656e742d74797065', '436f6e74656e742d54797065'),
    CREATED,
    CREATED_SEEN,
  ],
  [
    'postJson with type',
    ORDERS,
    'request',
    '0a04504f535412200a0c636f6e74656e742d7479706512106170706c69636174696f6e2f6a736f6e1a027b7d',
    CREATED,
    CREATED_SEEN,
  ],
  ['get', ORDERS, 'request', '0a03474554', replying('089403'), [404, false, '', '', '', null]],
];

const RECORDS =
  '0a1a7b226964223a2262222c227469746c65223a226164762d32227d0a1a7b226964223a2261222c227469746c65223a226164762d31227d1002';
const A = { id: 'a', title: 'adv-1' };
const B = { id: 'b', title: 'adv-2' };
const TABLE = 'plugin_demo_dynamic_record';
const planOf = (plan: object): string => jsonPayload({ table: TABLE, ...plan });

const DATA: Case[] = [
  [
    'list',
    TABLE,
    'list',
    '0ad9027b227461626c65223a22706c7567696e5f64656d6f5f64796e616d69635f7265636f7264222c22616374696f6e223a226c697374222c226669656c6473223a5b226964222c227469746c65225d2c2266696c74657273223a5b7b226669656c64223a2274656e616e744964222c226f70657261746f72223a226571222c2276616c75654a736f6e223a224d413d3d227d2c7b226669656c64223a227469746c65222c226f70657261746f72223a226c696b65222c2276616c75654a736f6e223a22496d466b64693069227d2c7b226669656c64223a226964222c226f70657261746f72223a22696e222c2276616c7565734a736f6e223a5b22496d4569222c22496d4969225d7d5d2c226f7264657273223a5b7b226669656c64223a226964222c22646972656374696f6e223a2264657363227d5d2c2270616765223a7b22706167654e756d223a312c227061676553697a65223a31307d7d',
    replying(RECORDS),
    [B, A, 2],
  ],
  ['list all', TABLE, 'list', planOf({ action: 'list' }), undefined, [0]],
  [
    'where null',
    TABLE,
    'list',
    planOf({ action: 'list', filters: [{ field: 'title', operator: 'eq', valueJson: 'bnVsbA==' }] }),
    undefined,
    [0],
  ],
  ['first', TABLE, 'list', planOf({ action: 'list', page: { pageNum: 1, pageSize: 1 } }), replying(RECORDS), B],
  ['first', TABLE, 'list', planOf({ action: 'list', page: { pageNum: 1, pageSize: 1 } }), undefined, null],
  [
    'count',
    TABLE,
    'list',
    '0a377b227461626c65223a22706c7567696e5f64656d6f5f64796e616d69635f7265636f7264222c22616374696f6e223a22636f756e74227d',
    replying('1002'),
    2,
  ],
  [
    'get',
    TABLE,
    'get',
    '0a467b227461626c65223a22706c7567696e5f64656d6f5f64796e616d69635f7265636f7264222c22616374696f6e223a22676574222c226b65794a736f6e223a22496d4569227d',
    replying('0801121a7b226964223a2261222c227469746c65223a226164762d31227d'),
    A,
  ],
  ['get', TABLE, 'get', planOf({ action: 'get', keyJson: 'ImEi' }), undefined, null],
  [
    'getMany',
    TABLE,
    'batch_get',
    '0a01310a06393939393939120c63757272656e745374617465',
    replying('0a1a7b2263757272656e745374617465223a2270656e64696e67227d1206393939393939'),
    [{ currentState: 'pending' }],
  ],
  [
    'create',
    TABLE,
    'create',
    '121a7b226964223a2261222c227469746c65223a226164762d31227d',
    replying('08011203226122'),
    [1, 'a'],
  ],
  ['update', TABLE, 'update', '0a03226122120f7b227469746c65223a226e6577227d', replying('08011203226122'), [1, 'a']],
  ['delete', TABLE, 'delete', '0a03226122', replying('1203226122'), [0, 'a']],
  [
    'transaction',
    TABLE,
    'transaction',
    '0a1a0a066372656174651a107b226e616d65223a22616c706861227d0a0b0a0664656c657465120132',
    replying('0a060801120231300a0508011201321002'),
    [2, [1, 10], [1, 2]],
  ],
];

const PAGES = 'host-call-demo-cache';
const CACHE: Case[] = [
  [
    'set',
    PAGES,
    'set',
    '0a0770726f66696c6512107b22656e61626c6564223a747275657d18ac02',
    replying('0a2a080112107b22656e61626c6564223a747275657d2214323032362d30342d31355431323a30353a30305a'),
    [false, '{"enabled":true}', 0, '2026-04-15T12:05:00Z'],
  ],
  [
    'get',
    PAGES,
    'get',
    '0a0770726f66696c65',
    replying('0801121f08011205616c7068612214323032362d30342d31355431323a30303a30305a'),
    [false, 'alpha', 0, '2026-04-15T12:00:00Z'],
  ],
  ['get', PAGES, 'get', '0a0770726f66696c65', undefined, null],
  ['getText', PAGES, 'get', '0a0770726f66696c65', replying('0801120908011205616c706861'), 'alpha'],
  [
    'incr',
    PAGES,
    'incr',
    '0a07636f756e7465721005183c',
    replying('0a1a080218052214323032362d30342d31355431323a30303a30315a'),
    [true, '', 5, '2026-04-15T12:00:01Z'],
  ],
  [
    'incr down',
    PAGES,
    'incr',
    '0a07636f756e74657210feffffffffffffffff01183c',
    replying('0a0d080218fdffffffffffffffff01'),
    [true, '', -3, ''],
  ],
  [
    'expire',
    PAGES,
    'expire',
    '0a07636f756e746572101e',
    replying('08011214323032362d30342d31355431323a30303a30325a'),
    '2026-04-15T12:00:02Z',
  ],
  ['expire', PAGES, 'expire', '0a07636f756e746572101e', undefined, null],
  [
    'getMany',
    PAGES,
    'get_many',
    '0a127b226b657973223a5b2261222c2262225d7d',
    replying(
      '0a617b226974656d73223a7b2261223a7b2276616c75654b696e64223a312c2276616c7565223a2241222c226578706972654174223a22323032362d30342d31355431323a30303a30305a227d7d2c226d697373696e674b657973223a5b2262225d7d',
    ),
    { a: [false, 'A', 0, '2026-04-15T12:00:00Z'] },
  ],
  [
    'setMany',
    PAGES,
    'set_many',
    jsonPayload({
      items: [
        { key: 'a', value: 'A', expireSeconds: 60 },
        { key: 'b', value: 'B', expireSeconds: 60 },
      ],
    }),
    json({ items: { a: { valueKind: 1, value: 'A' }, b: { valueKind: 2, value: '', intValue: 7 } } }),
    { a: [false, 'A', 0, ''], b: [true, '', 7, ''] },
  ],
  ['delete', PAGES, 'delete', '0a0161', undefined, true],
  ['deleteMany', PAGES, 'delete_many', '0a127b226b657973223a5b2261222c2262225d7d', undefined, true],
];

const LOCK: Case[] = [
  [
    'acquire',
    'sync',
    'acquire',
    '088827',
    replying('080112087469636b65742d311a14323032362d30342d31355431323a31303a30305a'),
    ['sync', 'ticket-1', '2026-04-15T12:10:00Z'],
  ],
  ['acquire', 'sync', 'acquire', '088827', undefined, null],
  [
    'renew',
    'sync',
    'renew',
    '0a087469636b65742d32',
    replying('0a14323032362d30342d31355431323a32303a30305a'),
    '2026-04-15T12:20:00Z',
  ],
  ['release', 'sync', 'release', '0a087469636b65742d32', undefined, true],
];

const JOB = { ID: '7', Name: 'clean', Group: '2', Status: 'enabled' };
const JOB_SEEN = ['7', 'clean', '2', 'enabled'];
const JOBS: Case[] = [
  [
    'getMany',
    '',
    'jobs.batch_get',
    jsonPayload({ ids: ['7', '8'] }),
    json({ Items: { 7: JOB }, MissingIDs: ['8'] }),
    JOB_SEEN,
  ],
  [
    'list',
    '',
    'jobs.list',
    jsonPayload({ keyword: 'clean', group: '2', status: 'enabled', pageNum: 1, pageSize: 5 }),
    json({ Items: [JOB], Total: 9 }),
    [9, JOB_SEEN],
  ],
  ['ensureVisible', '', 'jobs.visible.ensure', jsonPayload({ ids: ['7'] }), json(true), true],
  ['create', '', 'jobs.create', jsonPayload({ Name: 'clean' }), json('7'), '7'],
  ['update', '', 'jobs.update', jsonPayload({ ID: '7', Name: 'clean' }), json(true), true],
  ['delete', '', 'jobs.delete', jsonPayload({ jobId: '7' }), json(true), true],
  ['run', '', 'jobs.run', jsonPayload({ jobId: '7' }), json(true), true],
  ['setStatus', '', 'jobs.status.set', jsonPayload({ jobId: '7', status: 'disabled' }), json(true), true],
];

const MESSAGE = {
  id: '1',
  tenantId: 3,
  pluginId: 'demo',
  sourceType: 'plugin',
  sourceId: 's',
  categoryCode: 'c',
  title: 't',
  createdAt: 1776304800000,
};
const MESSAGE_SEEN = [['1', 'demo', 'plugin', 's', 'c', 't'], 3, 1776304800000];
const NOTIFICATIONS: Case[] = [
  [
    'send',
    'inbox',
    'messages.send',
    '0a055469746c651204426f64791a06706c7567696e22057372632d312a056f746865723a097b226b223a2276227d',
    replying('08a9461001'),
    [9001, 1],
  ],
  ['send to', 'inbox', 'messages.send', '0a0154120143300730ac02', replying('08a9461002'), [9001, 2]],
  [
    'getMany',
    '',
    'messages.batch_get',
    jsonPayload({ ids: ['1', '2'] }),
    json({ Items: { 1: MESSAGE } }),
    MESSAGE_SEEN,
  ],
  [
    'list',
    '',
    'messages.list',
    jsonPayload({ sourceType: 'plugin', sourceId: 's', categoryCode: 'c', page: { PageNum: 2, PageSize: 5 } }),
    json({ Items: [MESSAGE], Total: 6 }),
    [6, MESSAGE_SEEN],
  ],
  [
    'bySource',
    '',
    'messages.by_source.batch_get',
    jsonPayload({ sourceType: 'plugin', sourceIds: ['s'] }),
    json({ items: { s: [MESSAGE] }, missingIds: [] }),
    MESSAGE_SEEN,
  ],
  ['ensureVisible', '', 'messages.visible.ensure', jsonPayload({ ids: ['1'] }), json({}), true],
  ['delete', '', 'messages.delete', jsonPayload({ ids: ['1'] }), replying('0a027b7d'), true],
  [
    'deleteBySource',
    '',
    'messages.by_source.delete',
    jsonPayload({ sourceType: 'plugin', sourceIds: ['s'] }),
    json({}),
    true,
  ],
  ['markRead', '', 'messages.mark_read', jsonPayload({ ids: ['1'] }), json({}), true],
  ['markUnread', '', 'messages.mark_unread', jsonPayload({ ids: ['1'] }), json({}), true],
];

const FLAG = 'demo.flag';
const HOSTCONFIG: Case[] = [
  [
    'get',
    FLAG,
    'sys_config.get',
    '0a137b226b6579223a2264656d6f2e666c6167227d',
    replying(
      '0a707b224b6579223a2264656d6f2e666c6167222c2256616c7565223a226f6e222c2253797374656d4d616e61676561626c65223a747275652c224c6162656c4b6579223a22636f6e6669672e64656d6f2e666c61672e6c6162656c222c224c6162656c223a2244656d6f20666c6167227d',
    ),
    [['demo.flag', 'on', 'config.demo.flag.label', 'Demo flag'], true],
  ],
  ['set', FLAG, 'sys_config.value.set', jsonPayload({ key: FLAG, value: 'on' }), replying('0a0474727565'), true],
  [
    'setManaged',
    FLAG,
    'sys_config.value.set',
    jsonPayload({ key: FLAG, value: 'on', systemManageable: true }),
    replying('0a0474727565'),
    true,
  ],
  ['reset', FLAG, 'sys_config.reset', jsonPayload({ key: FLAG }), replying('0a0474727565'), true],
];

const PLUGIN = { ID: 'demo', Version: 'v1', Installed: true, Enabled: false, Status: 'normal' };
const PLUGIN_SEEN = [
  ['demo', 'v1', 'normal'],
  [true, false],
];
const PLUGINS: Case[] = [
  ['current', '', 'plugins.current.get', '', json(PLUGIN), PLUGIN_SEEN],
  [
    'getMany',
    '',
    'plugins.batch_get',
    jsonPayload({ ids: ['demo', 'none'] }),
    json({ Items: { demo: PLUGIN } }),
    PLUGIN_SEEN,
  ],
  [
    'list',
    '',
    'plugins.registry.list',
    jsonPayload({ Keyword: 'de', Page: { PageNum: 1, PageSize: 5 } }),
    json({ Items: [PLUGIN], Total: 4 }),
    [4, PLUGIN_SEEN],
  ],
  [
    'tenantList',
    '',
    'plugins.tenant.list',
    jsonPayload({ Page: { PageNum: 1, PageSize: 20 } }),
    json({
      Items: [
        {
          ...PLUGIN,
          Name: 'Demo',
          Type: 'dynamic',
          Description: 'd',
          ScopeNature: 'tenant_aware',
          InstallMode: 'global',
          TenantEnabled: true,
        },
      ],
    }),
    [
      ['demo', 'Demo', 'v1', 'dynamic', 'd', 'tenant_aware', 'global'],
      [true, false, true],
    ],
  ],
  ['isEnabled', '', 'plugins.state.enabled.check', jsonPayload({ pluginId: 'demo' }), json(true), true],
  ['isEnabled', '', 'plugins.state.enabled.check', jsonPayload({ pluginId: 'demo' }), json(false), false],
  [
    'isProviderEnabled',
    '',
    'plugins.state.provider_enabled.check',
    jsonPayload({ pluginId: 'demo' }),
    json(true),
    true,
  ],
  [
    'isEnabledForSure',
    '',
    'plugins.state.enabled_authoritative.check',
    jsonPayload({ pluginId: 'demo' }),
    json(true),
    true,
  ],
  [
    'ensureTenantPluginDisable',
    '',
    'plugins.lifecycle.tenant_plugin_disable.ensure',
    jsonPayload({ pluginId: 'demo', tenantId: 3 }),
    json(true),
    true,
  ],
  [
    'tenantPluginDisabled',
    '',
    'plugins.lifecycle.tenant_plugin_disabled.notify',
    jsonPayload({ pluginId: 'demo', tenantId: 3 }),
    json(true),
    true,
  ],
  ['ensureTenantDelete', '', 'plugins.lifecycle.tenant_delete.ensure', jsonPayload({ tenantId: 3 }), json(true), true],
  ['tenantDeleted', '', 'plugins.lifecycle.tenant_deleted.notify', jsonPayload({ tenantId: 3 }), json(true), true],
];

const RUNTIME: Case[] = [
  ['log', '', 'log.write', '0804120568656c6c6f1a060a01611201311a060a0162120132', undefined, true],
  [
    'state.getMany',
    '',
    'state.get_many',
    '0a187b226b657973223a5b226b222c226d697373696e67225d7d',
    replying('0a2e7b2276616c756573223a7b226b223a2276227d2c226d697373696e674b657973223a5b226d697373696e67225d7d'),
    { k: 'v' },
  ],
  [
    'state.setMany',
    '',
    'state.set_many',
    '0a1c7b2276616c756573223a7b2261223a2231222c2262223a2232227d7d',
    undefined,
    true,
  ],
  ['state.deleteMany', '', 'state.delete_many', jsonPayload({ keys: ['a', 'b'] }), undefined, true],
];

const FILES = {
  resources: [
    { path: 'config/a.yaml', body: 'YTogMQo=' },
    { path: 'config/b/c.yaml', body: '' },
  ],
};
const MANIFEST: Case[] = [
  [
    'getMany',
    'config/',
    'get_many',
    jsonPayload({ paths: ['config/a.yaml', 'config/b/c.yaml'] }),
    json(FILES),
    ['config/a.yaml=a: 1\n', 'config/b/c.yaml='],
  ],
  [
    'list',
    'config/.manifest-list-probe',
    'list',
    '0a1e7b22707265666978223a22636f6e666967222c226c696d6974223a31307d',
    json({ resources: [{ path: 'config/a.yaml', size: 5 }], limit: 10 }),
    [['config/a.yaml', 5]],
  ],
];

/** By service. */
export const CLIENTS = {
  storage: STORAGE,
  network: NETWORK,
  data: DATA,
  cache: CACHE,
  lock: LOCK,
  jobs: JOBS,
  notifications: NOTIFICATIONS,
  hostconfig: HOSTCONFIG,
  plugins: PLUGINS,
};

/** Of AssemblyScript, these are in `clients.test.ts`. */
export const CLIENTS_OF_GO = { ...CLIENTS, runtime: RUNTIME, manifest: MANIFEST };
