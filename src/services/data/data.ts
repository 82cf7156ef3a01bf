/** Rows of the plugin's own tables (`spec/host-services.md` §6), in the plugin's own SQLite file. */
import type { GrantedService } from '../../protocol/grant.js';
import type { HostCallRequest } from '../../protocol/host-call.js';
import { trimGo } from '../../protocol/text.js';
import type { Database } from '../../store/sqlite.js';
import {
  defineService,
  failure,
  type HostCallContext,
  type ServiceEnvironment,
  type ServiceReply,
} from '../service.js';
import { MAX_REQUEST_BYTES } from './limits.js';
import { mutate, transaction } from './mutations.js';
import { batchGet, type DataCall, get, list } from './reads.js';
import { invalidCall, replyOfThrown, tooMuch } from './refusals.js';
import { createRoom, type Room } from './room.js';

export const data = defineService({
  name: 'data',
  placement: 'worker',
  blocks: ['create', 'update', 'delete', 'transaction'],
  reads: true,
  methods: (environment) => {
    const answer = answerer(environment);
    const { now } = environment;
    return {
      list: answer(list),
      get: answer(get),
      batch_get: answer(batchGet),
      create: answer((call) => mutate('create', call, now())),
      update: answer((call) => mutate('update', call, now())),
      delete: answer((call) => mutate('delete', call, now())),
      transaction: answer((call, context) => transaction(call, now(), methodsGranted(context))),
    };
  },
});

type Answer = (call: DataCall, context: HostCallContext) => ServiceReply;

function answerer(environment: ServiceEnvironment) {
  const rooms = new WeakMap<Database, Room>();
  const roomOf = (database: Database, pluginId: string): Room => {
    const known = rooms.get(database);
    if (known !== undefined) return known;
    const { inTurn } = environment.databases();
    const room = createRoom(database, environment.now, (work) => inTurn(pluginId, work));
    rooms.set(database, room);
    return room;
  };
  return (answer: Answer) =>
    (call: HostCallRequest, context: HostCallContext): ServiceReply => {
      try {
        const refusal = refuse(call, context);
        if (refusal) return refusal;
        const { pluginId, release, tenantId, deadlineAt } = context;
        const database = environment.databases().get(pluginId, { releaseKey: release.key, deadlineAt });
        if (database === undefined) throw noTable(call);
        const room = roomOf(database, pluginId);
        room.begin(deadlineAt);
        const contract = room.contract(trimGo(call.table));
        const scope = { tenantId: release.tenantFilter ? tenantId : 0 };
        return answer({ room, contract, scope, call }, context);
      } catch (thrown) {
        return replyOfThrown(thrown);
      }
    };
}

function noTable({ table }: HostCallRequest): Error {
  return invalidCall(`data table ${trimGo(table)} does not exist`);
}

function refuse({ table, payload }: HostCallRequest, context: HostCallContext): ServiceReply | undefined {
  if (!isOwn(trimGo(table), context.pluginId)) return failure(1, 'data host service table is outside plugin namespace');
  if (context.executionSource === 'route' && !((context.identity?.userId ?? 0) > 0))
    return failure(3, 'data host service requires an authenticated user for route calls');
  if (payload.length > MAX_REQUEST_BYTES) throw tooMuch(MAX_REQUEST_BYTES);
  return undefined;
}

const prefixes = new Map<string, string>();

/** The grant says so already; a second lock on the same door. */
function isOwn(table: string, pluginId: string): boolean {
  let prefix = prefixes.get(pluginId);
  if (prefix === undefined) {
    prefix = `plugin_${pluginId.toLowerCase().replace(/[-.]/g, '_')}`;
    prefixes.set(pluginId, prefix);
  }
  const lower = table.toLowerCase();
  return lower === prefix || lower.startsWith(`${prefix}_`);
}

const granted = new WeakMap<readonly GrantedService[], (method: string) => boolean>();

function methodsGranted({ release: { grantedServices } }: HostCallContext): (method: string) => boolean {
  let isGranted = granted.get(grantedServices);
  if (isGranted === undefined) {
    const methods = new Set(
      grantedServices
        .filter(({ owner, service }) => owner === '' && service === 'data')
        .flatMap(({ methods }) => methods),
    );
    isGranted = (method) => methods.has(method);
    granted.set(grantedServices, isGranted);
  }
  return isGranted;
}
