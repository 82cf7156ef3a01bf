/** A tour of every method of every service, over the host that runs it. What a step finds wrong, it reports. */
import {
  HostError, Json, Reply, Request, Response, bizctx, cache, data, hostconfig, json, jobs, lock, manifest, network, notifications, plugins,
  route, router, runtime, storage,
} from '../../../src/sdk/assemblyscript';

export { lina_dynamic_route_alloc, lina_dynamic_route_execute, lina_host_call_alloc } from '../../../src/sdk/assemblyscript';

let report: Json = Json.list();

router.on('TourReq', (request: Request): Response => {
  report = Json.list();
  visitRuntime();
  visitStorage();
  visitNetwork(request.json()!.get('url').asText());
  visitData();
  visitCache();
  visitLock();
  visitJobs();
  visitNotifications();
  visitPlugins();
  visitHostconfig();
  visitManifest();
  return json(report);
});

/** Notes what came of a method: an error, or whether its value is as wanted. */
function step(method: string, error: HostError | null, isRight: bool = true): void {
  const problem = error ? `${error.status} ${error.code}` : isRight ? '' : 'another value than wanted';
  report.push(Json.object().set('method', method).set('problem', problem));
}

function visitRuntime(): void {
  step('runtime.log.write', runtime.log.info('on tour', new Map<string, string>().set('stop', 'runtime')).error);
  step('runtime.state.set', runtime.state.set('tour', 'begun').error);
  const text = runtime.state.get('tour');
  step('runtime.state.get', text.error, text.ok && text.value! == 'begun');
  const many = new Map<string, string>().set('tour/a', 'A').set('tour/b', 'B');
  step('runtime.state.set_many', runtime.state.setMany(many).error);
  const texts = runtime.state.getMany(['tour/a', 'tour/b', 'tour/none']);
  step('runtime.state.get_many', texts.error, texts.ok && texts.value.size == 2 && texts.value.get('tour/b') == 'B');
  step('runtime.state.delete', runtime.state.delete('tour').error);
  step('runtime.state.delete_many', runtime.state.deleteMany(['tour/a', 'tour/b']).error);
  const now = runtime.info.now();
  step('runtime.info.now', now.error, now.ok && now.value > 1700000000000);
  const id = runtime.info.uuid();
  step('runtime.info.uuid', id.error, id.ok && id.value.length == 32);
  step('runtime.info.node', runtime.info.node().error);
  const context = bizctx.current();
  step('bizctx.current.get', context.error, context.ok && context.value.username == 'admin');
  const metadata = route.metadata();
  step('route.metadata.get', metadata.error, metadata.ok && metadata.value.pluginId == 'demo');
}

function visitStorage(): void {
  const stored = storage.putText('tour/a.txt', 'first');
  step('storage.put', stored.error, stored.ok && stored.value.path == 'tour/a.txt' && stored.value.sizeBytes == 5);
  const text = storage.getText('tour/a.txt');
  step('storage.get', text.error, text.ok && text.value! == 'first');
  const known = storage.stat('tour/a.txt');
  step('storage.stat', known.error, known.ok && known.value!.sizeBytes == 5);
  const upload = storage.begin('tour/b.txt', 'text/plain', true);
  step('storage.put.init', upload.error);
  const written = upload.value.write(Uint8Array.wrap(String.UTF8.encode('in pieces')));
  step('storage.put.chunk', written.error, written.ok && written.value == 9);
  const committed = upload.value.commit();
  step('storage.put.commit', committed.error, committed.ok && committed.value.sizeBytes == 9);
  step('storage.put.abort', storage.begin('tour/c.txt').value.abort().error);
  const objects = storage.list('tour/', 10);
  step('storage.list', objects.error, objects.ok && objects.value.length == 2);
  const page = storage.listPage('tour/', '', 1);
  step('storage.list.cursor', page.error, page.ok && page.value.objects.length == 1 && page.value.cursor == 'tour/a.txt');
  const stats = storage.statMany(['tour/a.txt', 'tour/none.txt']);
  step('storage.stat.batch', stats.error, stats.ok && stats.value.size == 1);
  step('storage.delete', storage.delete('tour/a.txt').error);
  step('storage.delete.batch', storage.deleteMany(['tour/a.txt', 'tour/b.txt']).error);
  const big = storage.put('tour/big.bin', new Uint8Array((1 << 20) + 1), '', true);
  step('storage.put in pieces', big.error, big.ok && big.value.sizeBytes == (1 << 20) + 1);
}

function visitNetwork(url: string): void {
  const reply = network.postJson(url, Json.object().set('on', 'tour'), new Map<string, string>().set('x-tour', '1'));
  const isRight = reply.ok && reply.value.statusCode == 201 && reply.value.text == '1 {"on":"tour"}';
  step('network.request', reply.error, isRight && reply.value.contentType == 'text/plain');
}

function row(id: string, title: string, stars: i32): Json {
  return Json.object().set('id', id).set('title', title).set('stars', stars);
}

function visitData(): void {
  const table = data.table('plugin_demo_tour');
  const made = table.create(row('a', 'first', 1));
  step('data.create', made.error, made.ok && made.value.rows == 1 && made.value.key.asText() == 'a');
  const found = table.get('a');
  step('data.get', found.error, found.ok && found.value!.get('title').asText() == 'first');
  const changes = table.transaction().create(row('b', 'second', 2)).create(row('c', 'third', 3)).commit();
  step('data.transaction', changes.error, changes.ok && changes.value.items.length == 2 && changes.value.rows == 2);
  const updated = table.update('a', Json.object().set('stars', 5));
  step('data.update', updated.error, updated.ok && updated.value.rows == 1);
  const list = table.query().whereIn('id', ['a', 'b']).whereLike('title', 's').orderBy('stars', 'desc').page(1, 1).list();
  step('data.list', list.error, list.ok && list.value.total == 2 && list.value.items[0].get('stars').asInt() == 5);
  const many = table.getMany(['b', 'none'], ['id', 'title']);
  step('data.batch_get', many.error, many.ok && many.value.length == 1 && !many.value[0].has('stars'));
  const deleted = table.delete('c');
  step('data.delete', deleted.error, deleted.ok && deleted.value.rows == 1);
  const count = table.where('stars', 3).count();
  step('data.list count', count.error, count.ok && count.value == 0);
}

function visitCache(): void {
  const set = cache.set('tour', 'a', 'A', 60);
  step('cache.set', set.error, set.ok && set.value.text == 'A' && set.value.expireAt.length > 0);
  const text = cache.getText('tour', 'a');
  step('cache.get', text.error, text.ok && text.value! == 'A');
  const counted = cache.incr('tour', 'n', 5, 60);
  step('cache.incr', counted.error, counted.ok && counted.value.isInteger && counted.value.integer == 5);
  const expires = cache.expire('tour', 'n', 30);
  step('cache.expire', expires.error, expires.ok && expires.value != null);
  step('cache.set_many', cache.setMany('tour', new Map<string, string>().set('b', 'B').set('c', 'C'), 60).error);
  const values = cache.getMany('tour', ['a', 'b', 'none']);
  step('cache.get_many', values.error, values.ok && values.value.size == 2 && values.value.get('b').text == 'B');
  step('cache.delete', cache.delete('tour', 'a').error);
  step('cache.delete_many', cache.deleteMany('tour', ['b', 'c', 'n']).error);
}

function visitLock(): void {
  const reply = lock.acquire('tour', 300_000);
  step('lock.acquire', reply.error, reply.ok && reply.value != null);
  const again = lock.acquire('tour', 300_000);
  step('lock.acquire in vain', again.error, again.ok && again.value == null);
  const lease = reply.value!;
  step('lock.renew', lease.renew().error, lease.expireAt.length > 0);
  step('lock.release', lease.release().error);
}

function visitJobs(): void {
  const draft = Json.object().set('GroupID', '1').set('Name', 'tour').set('CronExpr', '@daily').set('Timezone', 'UTC');
  const created = jobs.create(draft);
  step('jobs.jobs.create', created.error);
  const id = created.value;
  const known = jobs.getMany([id]);
  step('jobs.jobs.batch_get', known.error, known.ok && known.value.get(id).name == 'tour');
  const list = jobs.list('tour');
  step('jobs.jobs.list', list.error, list.ok && list.value.total == 1 && list.value.items[0].id == id);
  step('jobs.jobs.visible.ensure', jobs.ensureVisible([id]).error);
  step('jobs.jobs.update', jobs.update(id, draft).error);
  step('jobs.jobs.status.set', jobs.setStatus(id, 'disabled').error);
  step('jobs.jobs.run', jobs.run(id).error);
  step('jobs.jobs.delete', jobs.delete(id).error);
  step('jobs.jobs.register', jobs.register(new jobs.Job('late', '@daily', 'LateReq')).error);
}

function send(): string {
  const message = new notifications.Notification('Tour', 'Begun');
  message.sourceType = 'plugin';
  message.sourceId = 'tour';
  const sent = notifications.send('inbox', message);
  step('notifications.messages.send', sent.error, sent.ok && sent.value.deliveryCount == 1);
  return sent.value.messageId.toString();
}

function visitNotifications(): void {
  const ids = [send(), send()];
  const known = notifications.getMany(ids);
  step('notifications.messages.batch_get', known.error, known.ok && known.value.size == 2);
  const list = notifications.list(1, 1, 'plugin');
  step('notifications.messages.list', list.error, list.ok && list.value.items[0].title == 'Tour' && list.value.total == 2);
  const sources = notifications.bySource('plugin', ['tour']);
  step('notifications.messages.by_source.batch_get', sources.error, sources.ok && sources.value.get('tour').length == 2);
  step('notifications.messages.visible.ensure', notifications.ensureVisible(ids).error);
  step('notifications.messages.mark_read', notifications.markRead(ids).error);
  step('notifications.messages.mark_unread', notifications.markUnread(ids).error);
  step('notifications.messages.delete', notifications.delete([ids[0]]).error);
  step('notifications.messages.by_source.delete', notifications.deleteBySource('plugin', ['tour']).error);
}

function visitPlugins(): void {
  const title = plugins.config.getString('title');
  step('plugins.config.get', title.error, title.ok && title.value == 'On tour');
  const current = plugins.current();
  step('plugins.plugins.current.get', current.error, current.ok && current.value.id == 'demo' && current.value.enabled);
  const known = plugins.getMany(['demo', 'none']);
  step('plugins.plugins.batch_get', known.error, known.ok && known.value.size == 1);
  const list = plugins.list(1, 5, 'demo');
  step('plugins.plugins.registry.list', list.error, list.ok && list.value.total == 1);
  step('plugins.plugins.tenant.list', plugins.tenantList().error);
  yes('plugins.plugins.state.enabled.check', plugins.state.isEnabled('demo'));
  yes('plugins.plugins.state.provider_enabled.check', plugins.state.isProviderEnabled('demo'));
  yes('plugins.plugins.state.enabled_authoritative.check', plugins.state.isEnabledForSure('demo'));
  yes('plugins.plugins.lifecycle.tenant_plugin_disable.ensure', plugins.lifecycle.ensureTenantPluginDisable('demo', 1));
  yes('plugins.plugins.lifecycle.tenant_plugin_disabled.notify', plugins.lifecycle.tenantPluginDisabled('demo', 1));
  yes('plugins.plugins.lifecycle.tenant_delete.ensure', plugins.lifecycle.ensureTenantDelete(1));
  yes('plugins.plugins.lifecycle.tenant_deleted.notify', plugins.lifecycle.tenantDeleted(1));
}

function yes(method: string, reply: Reply<bool>): void {
  step(method, reply.error, reply.or(false));
}

function visitHostconfig(): void {
  const path = hostconfig.getString('workspace.basePath');
  step('hostconfig.get', path.error, path.ok && path.value == '/admin');
  step('hostconfig.sys_config.value.set', hostconfig.system.set('tour.flag', 'on').error);
  const parameter = hostconfig.system.get('tour.flag');
  step('hostconfig.sys_config.get', parameter.error, parameter.ok && parameter.value.value == 'on');
  step('hostconfig.sys_config.reset', hostconfig.system.reset('tour.flag').error);
}

function visitManifest(): void {
  const text = manifest.getText('config/config.yaml');
  step('manifest.get', text.error, text.ok && text.value! == 'title: On tour\n');
  const files = manifest.getMany(['config/config.yaml', 'config/none.yaml']);
  step('manifest.get_many', files.error, files.ok && files.value.size == 1);
  const list = manifest.list('config', 10);
  step('manifest.list', list.error, list.ok && list.value.length == 1);
}
