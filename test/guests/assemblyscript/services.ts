/** One answer per client of a service, so that `test/sdk/services.test.ts` sees what it sends and what it makes of the reply. */
import {
  HostError, Json, Reply, Request, Response, cache, data, hostconfig, json, jobs, lock, network, notFound, notifications, plugins,
  router, storage,
} from '../../../src/sdk/assemblyscript';

export { lina_dynamic_route_alloc, lina_dynamic_route_execute, lina_host_call_alloc } from '../../../src/sdk/assemblyscript';

const heartbeat = new jobs.Job('heartbeat', '# */10 * * * *', 'JobHeartbeatReq');
heartbeat.displayName = 'Dynamic Plugin Heartbeat';
heartbeat.description = 'Runs a dynamic plugin heartbeat.';
heartbeat.timezone = 'Asia/Shanghai';
heartbeat.scope = 'all_node';
heartbeat.concurrency = 'singleton';
heartbeat.maxConcurrency = 1;
heartbeat.timeoutSeconds = 30;
heartbeat.internalPath = '/job-heartbeat';

router
  .on('StorageReq', onStorage)
  .on('NetworkReq', onNetwork)
  .on('DataReq', onData)
  .on('CacheReq', onCache)
  .on('LockReq', onLock)
  .on('JobsReq', onJobs)
  .on('NotificationsReq', onNotifications)
  .on('HostconfigReq', onHostconfig)
  .on('PluginsReq', onPlugins)
  .onJob(heartbeat, (request) => json('beat'))
  .onJob(new jobs.Job('nightly', '0 3 * * *', 'NightlyReq'), (request) => json('night'));

function onStorage(request: Request): Response {
  const call = request.query('call');
  if (call == 'put') return object(storage.put('reports/demo.json', request.body, 'application/json', true));
  if (call == 'putText') return object(storage.putText('reports/a.txt', 'é'));
  if (call == 'get') return file(storage.get('reports/demo.json'));
  if (call == 'getText') return textOrNull(storage.getText('reports/demo.json'));
  if (call == 'stat') return objectOrNull(storage.stat('reports/demo.json'));
  if (call == 'statMany') return objectMap(storage.statMany(['reports/a.json', 'reports/b.json']));
  if (call == 'list') return objects(storage.list('reports/', 10));
  if (call == 'listPage') return page(storage.listPage('reports/', request.query('cursor'), 1));
  if (call == 'delete') return flag(storage.delete('reports/demo.json'));
  if (call == 'deleteMany') return flag(storage.deleteMany(['reports/a.json', 'reports/b.json', 'reports/a.json']));
  if (call == 'upload') return uploaded();
  if (call == 'upload long') return uploadedLong();
  if (call == 'abort') return flag(storage.begin('reports/big.bin', 'application/octet-stream', true).value.abort());
  return notFound(call);
}

function uploaded(): Response {
  const upload = storage.begin('reports/big.bin', 'application/octet-stream', true).value;
  upload.write(Uint8Array.wrap(String.UTF8.encode('hello ')));
  const written = upload.write(Uint8Array.wrap(String.UTF8.encode('world')));
  return written.ok ? object(upload.commit()) : refused(written.error!);
}

/** 8 MiB in pieces of 64 KiB. */
function uploadedLong(): Response {
  const upload = storage.begin('reports/big.bin').value;
  const piece = new Uint8Array(1 << 16);
  for (let i = 0; i < 128; i++) if (!upload.write(piece).ok) return notFound('no');
  return object(upload.commit());
}

function onNetwork(request: Request): Response {
  const url = 'https://foo.bar.example.com/api/orders?id=1';
  const call = request.query('call');
  if (call == 'get') return answered(network.get(url));
  if (call == 'postJson') return answered(network.postJson(url, Json.object().set('name', 'ticket')));
  const headers = new Map<string, string>().set('content-type', 'application/json');
  if (call == 'postJson with type') return answered(network.postJson(url, Json.object(), headers));
  return answered(network.request('POST', url, request.body, headers));
}

function onData(request: Request): Response {
  const call = request.query('call');
  const table = data.table('plugin_demo_dynamic_record');
  if (call == 'list') {
    const query = table.where('tenantId', 0).whereLike('title', 'adv-').whereIn('id', ['a', 'b']);
    return records(query.select(['id', 'title']).orderBy('id', 'desc').page(1, 10).list());
  }
  if (call == 'list all') return records(table.query().list());
  if (call == 'where null') return records(table.where('title', Json.null).list());
  if (call == 'first') return jsonOrNull(table.query().first());
  if (call == 'count') return integer(table.query().count());
  if (call == 'get') return jsonOrNull(table.get('a'));
  if (call == 'getMany') return list(table.getMany([1, 999999], ['currentState']));
  if (call == 'create') return change(table.create(Json.object().set('id', 'a').set('title', 'adv-1')));
  if (call == 'update') return change(table.update('a', Json.object().set('title', 'new')));
  if (call == 'delete') return change(table.delete('a'));
  if (call == 'transaction') return changes(table.transaction().create(Json.object().set('name', 'alpha')).delete(2).commit());
  return notFound(call);
}

function onCache(request: Request): Response {
  const call = request.query('call');
  const ref = 'host-call-demo-cache';
  if (call == 'set') return value(cache.set(ref, 'profile', '{"enabled":true}', 300));
  if (call == 'get') return valueOrNull(cache.get(ref, 'profile'));
  if (call == 'getText') return textOrNull(cache.getText(ref, 'profile'));
  if (call == 'incr') return value(cache.incr(ref, 'counter', 5, 60));
  if (call == 'incr down') return value(cache.incr(ref, 'counter', -2, 60));
  if (call == 'expire') return textOrNull(cache.expire(ref, 'counter', 30));
  if (call == 'getMany') return values(cache.getMany(ref, ['a', 'b']));
  if (call == 'setMany') return values(cache.setMany(ref, new Map<string, string>().set('a', 'A').set('b', 'B'), 60));
  if (call == 'delete') return flag(cache.delete(ref, 'a'));
  if (call == 'deleteMany') return flag(cache.deleteMany(ref, ['a', 'b']));
  return notFound(call);
}

function onLock(request: Request): Response {
  const call = request.query('call');
  if (call == 'acquire') {
    const reply = lock.acquire('sync', 5000);
    if (!reply.ok) return refused(reply.error!);
    const lease = reply.value;
    return lease ? json([lease.ref, lease.ticket, lease.expireAt]) : json(Json.null);
  }
  if (call == 'renew') return text(new lock.Lease('sync', 'ticket-2', '').renew());
  if (call == 'release') return flag(new lock.Lease('sync', 'ticket-2', '').release());
  return notFound(call);
}

function onJobs(request: Request): Response {
  const call = request.query('call');
  if (call == 'getMany') {
    const reply = jobs.getMany(['7', '8']);
    return reply.ok ? json(jobOf(reply.value.get('7'))) : refused(reply.error!);
  }
  if (call == 'list') {
    const reply = jobs.list('clean', '2', 'enabled', 1, 5);
    return reply.ok ? json(Json.list().push(reply.value.total).push(jobOf(reply.value.items[0]))) : refused(reply.error!);
  }
  if (call == 'ensureVisible') return flag(jobs.ensureVisible(['7']));
  if (call == 'create') return text(jobs.create(Json.object().set('Name', 'clean')));
  if (call == 'update') return flag(jobs.update('7', Json.object().set('Name', 'clean')));
  if (call == 'delete') return flag(jobs.delete('7'));
  if (call == 'run') return flag(jobs.run('7'));
  if (call == 'setStatus') return flag(jobs.setStatus('7', 'disabled'));
  return notFound(call);
}

function onNotifications(request: Request): Response {
  const call = request.query('call');
  if (call == 'send') {
    const message = new notifications.Notification('Title', 'Body');
    message.sourceType = 'plugin';
    message.sourceId = 'src-1';
    message.categoryCode = 'other';
    message.payload = Json.object().set('k', 'v');
    return sent(notifications.send('inbox', message));
  }
  if (call == 'send to') {
    const message = new notifications.Notification('T', 'C');
    message.recipientUserIds = [7, 300];
    return sent(notifications.send('inbox', message));
  }
  if (call == 'getMany') {
    const reply = notifications.getMany(['1', '2']);
    return reply.ok ? json(messageOf(reply.value.get('1'))) : refused(reply.error!);
  }
  if (call == 'list') {
    const reply = notifications.list(2, 5, 'plugin', 's', 'c');
    return reply.ok ? json(Json.list().push(reply.value.total).push(messageOf(reply.value.items[0]))) : refused(reply.error!);
  }
  if (call == 'bySource') {
    const reply = notifications.bySource('plugin', ['s']);
    return reply.ok ? json(messageOf(reply.value.get('s')[0])) : refused(reply.error!);
  }
  if (call == 'ensureVisible') return flag(notifications.ensureVisible(['1']));
  if (call == 'delete') return flag(notifications.delete(['1']));
  if (call == 'deleteBySource') return flag(notifications.deleteBySource('plugin', ['s']));
  if (call == 'markRead') return flag(notifications.markRead(['1']));
  if (call == 'markUnread') return flag(notifications.markUnread(['1']));
  return notFound(call);
}

function onHostconfig(request: Request): Response {
  const call = request.query('call');
  if (call == 'get') {
    const reply = hostconfig.system.get('demo.flag');
    if (!reply.ok) return refused(reply.error!);
    const told = reply.value;
    return json(Json.list().push([told.key, told.value, told.labelKey, told.label]).push(told.systemManageable));
  }
  if (call == 'set') return flag(hostconfig.system.set('demo.flag', 'on'));
  if (call == 'setManaged') return flag(hostconfig.system.setManaged('demo.flag', 'on', true));
  if (call == 'reset') return flag(hostconfig.system.reset('demo.flag'));
  return notFound(call);
}

function onPlugins(request: Request): Response {
  const call = request.query('call');
  if (call == 'current') {
    const reply = plugins.current();
    return reply.ok ? json(pluginOf(reply.value)) : refused(reply.error!);
  }
  if (call == 'getMany') {
    const reply = plugins.getMany(['demo', 'none']);
    return reply.ok ? json(pluginOf(reply.value.get('demo'))) : refused(reply.error!);
  }
  if (call == 'list') {
    const reply = plugins.list(1, 5, 'de');
    return reply.ok ? json(Json.list().push(reply.value.total).push(pluginOf(reply.value.items[0]))) : refused(reply.error!);
  }
  if (call == 'tenantList') {
    const reply = plugins.tenantList();
    if (!reply.ok) return refused(reply.error!);
    const info = reply.value.items[0];
    const texts = [info.id, info.name, info.version, info.type, info.description, info.scopeNature, info.installMode];
    return json(Json.list().push(texts).push([info.installed, info.enabled, info.tenantEnabled]));
  }
  if (call == 'isEnabled') return flag(plugins.state.isEnabled('demo'));
  if (call == 'isProviderEnabled') return flag(plugins.state.isProviderEnabled('demo'));
  if (call == 'isEnabledForSure') return flag(plugins.state.isEnabledForSure('demo'));
  if (call == 'ensureTenantPluginDisable') return flag(plugins.lifecycle.ensureTenantPluginDisable('demo', 3));
  if (call == 'tenantPluginDisabled') return flag(plugins.lifecycle.tenantPluginDisabled('demo', 3));
  if (call == 'ensureTenantDelete') return flag(plugins.lifecycle.ensureTenantDelete(3));
  if (call == 'tenantDeleted') return flag(plugins.lifecycle.tenantDeleted(3));
  return notFound(call);
}

// ---- answers ---------------------------------------------------------------------------------------------------------------

function refused(error: HostError): Response {
  return json(Json.object().set('status', error.status).set('message', error.message));
}

function flag(reply: Reply<bool>): Response {
  return reply.ok ? json(reply.value) : refused(reply.error!);
}

function text(reply: Reply<string>): Response {
  return reply.ok ? json(reply.value) : refused(reply.error!);
}

function textOrNull(reply: Reply<string | null>): Response {
  return reply.ok ? json(reply.value) : refused(reply.error!);
}

function integer(reply: Reply<i32>): Response {
  return reply.ok ? json(reply.value) : refused(reply.error!);
}

function jsonOrNull(reply: Reply<Json | null>): Response {
  if (!reply.ok) return refused(reply.error!);
  const found = reply.value;
  return json(found ? found : Json.null);
}

function objectOf(object: storage.StorageObject): Json {
  const texts = [object.path, object.contentType, object.updatedAt, object.visibility];
  return Json.list().push(texts).push(object.sizeBytes);
}

function object(reply: Reply<storage.StorageObject>): Response {
  return reply.ok ? json(objectOf(reply.value)) : refused(reply.error!);
}

function objectOrNull(reply: Reply<storage.StorageObject | null>): Response {
  if (!reply.ok) return refused(reply.error!);
  const found = reply.value;
  return json(found ? objectOf(found) : Json.null);
}

function file(reply: Reply<storage.StorageFile | null>): Response {
  if (!reply.ok) return refused(reply.error!);
  const found = reply.value;
  return json(found ? Json.list().push(objectOf(found.object)).push(found.text) : Json.null);
}

function objects(reply: Reply<storage.StorageObject[]>): Response {
  return reply.ok ? json(objectList(reply.value)) : refused(reply.error!);
}

function objectList(found: storage.StorageObject[]): Json {
  const out = Json.list();
  for (let i = 0; i < found.length; i++) out.push(objectOf(found[i]));
  return out;
}

function objectMap(reply: Reply<Map<string, storage.StorageObject>>): Response {
  return reply.ok ? json(objectList(reply.value.values())) : refused(reply.error!);
}

function page(reply: Reply<storage.StoragePage>): Response {
  return reply.ok ? json(objectList(reply.value.objects).push(reply.value.cursor)) : refused(reply.error!);
}

function answered(reply: Reply<network.NetworkResponse>): Response {
  if (!reply.ok) return refused(reply.error!);
  const response = reply.value;
  const out = Json.list().push(response.statusCode).push(response.ok).push(response.contentType).push(response.text);
  return json(out.push(response.header('CONTENT-TYPE')).push(response.json));
}

function records(reply: Reply<data.Records>): Response {
  return reply.ok ? json(recordList(reply.value.items).push(reply.value.total)) : refused(reply.error!);
}

function list(reply: Reply<Json[]>): Response {
  return reply.ok ? json(recordList(reply.value)) : refused(reply.error!);
}

function recordList(items: Json[]): Json {
  const out = Json.list();
  for (let i = 0; i < items.length; i++) out.push(items[i]);
  return out;
}

function change(reply: Reply<data.Change>): Response {
  return reply.ok ? json(changeOf(reply.value)) : refused(reply.error!);
}

function changeOf(change: data.Change): Json {
  return Json.list().push(change.rows).push(change.key);
}

function changes(reply: Reply<data.Changes>): Response {
  if (!reply.ok) return refused(reply.error!);
  const out = Json.list().push(reply.value.rows);
  for (let i = 0; i < reply.value.items.length; i++) out.push(changeOf(reply.value.items[i]));
  return json(out);
}

function value(reply: Reply<cache.CacheValue>): Response {
  return reply.ok ? json(valueOf(reply.value)) : refused(reply.error!);
}

function valueOrNull(reply: Reply<cache.CacheValue | null>): Response {
  if (!reply.ok) return refused(reply.error!);
  const found = reply.value;
  return json(found ? valueOf(found) : Json.null);
}

function valueOf(value: cache.CacheValue): Json {
  return Json.list().push(value.isInteger).push(value.text).push(value.integer).push(value.expireAt);
}

function values(reply: Reply<Map<string, cache.CacheValue>>): Response {
  if (!reply.ok) return refused(reply.error!);
  const out = Json.object();
  for (let i = 0, keys = reply.value.keys(); i < keys.length; i++) out.set(keys[i], valueOf(reply.value.get(keys[i])));
  return json(out);
}

function jobOf(job: jobs.JobInfo): Json {
  return Json.of([job.id, job.name, job.group, job.status]);
}

function sent(reply: Reply<notifications.Sent>): Response {
  return reply.ok ? json([reply.value.messageId, <i64>reply.value.deliveryCount]) : refused(reply.error!);
}

function messageOf(message: notifications.Message): Json {
  const texts = [message.id, message.pluginId, message.sourceType, message.sourceId, message.categoryCode, message.title];
  return Json.list().push(texts).push(message.tenantId).push(message.createdAt);
}

function pluginOf(info: plugins.PluginInfo): Json {
  return Json.list().push([info.id, info.version, info.status]).push([info.installed, info.enabled]);
}
