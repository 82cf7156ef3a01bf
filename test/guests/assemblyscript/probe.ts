/** One request type per promise of the guest SDK; `test/sdk/` runs it under a host of its own. */
import {
  Fields, HostError, Input, Json, LifecycleEvent, Reply, Request, Response, Verdict, Writer, allow, badRequest, bizctx, bytes,
  fail, failure, forbidden, hostconfig, html, internalError, invoke, invokeJson, json, jsonProblem, manifest, noContent, notFound, plugins,
  redirect, route, router, runtime, text, unauthorized, veto,
} from '../../../src/sdk/assemblyscript';

export { lina_dynamic_route_alloc, lina_dynamic_route_execute, lina_host_call_alloc, sandpool_reseed } from '../../../src/sdk/assemblyscript';

// Declared before the routes, because AssemblyScript compiles a handler where it is named.
let kept: string[] = [];

router
  .on('JsonReq', jsonEcho)
  .on('FailureReq', failed)
  .on('ResponseReq', responded)
  .on('SeenReq', seen)
  .on('ClientReq', client)
  .on('InvokeReq', invoked)
  .on('TrapReq', (request) => text(runtime.state.get('denied').value!))
  .on('AssertReq', (request) => { assert(false, 'this is odd'); return text('never'); })
  .on('OutOfRangeReq', (request) => text([1, 2, 3][<i32>parseInt(request.query('i'))].toString()))
  .on('RandomReq', (request) => text(Math.random().toString()))
  .on('TraceReq', (request) => { trace('seen', 2, 1, 2.5); return text('ok'); })
  .on('GarbageReq', garbage)
  .on('RegisterJobsReq', registerJobs)
  .handle<CreateNoteReq>(createNote)
  .onLifecycle('BeforeInstall', beforeInstall)
  .onLifecycle('BeforeUpgrade', (event) => veto(`no way from ${event.fromVersion} to ${event.toVersion}`))
  .onLifecycle('Upgrade', (event) => fail(`${event.fromManifest.get('name').asText()} ${event.toManifest.get('menuCount').asInt()}`))
  .onLifecycle('Uninstall', (event) => (event.purgeStorageData ? veto('') : allow()))
  .onLifecycle('BeforeTenantDisable', (event) => veto(event.tenantId.toString()));

function jsonEcho(request: Request): Response {
  const value = request.json();
  if (!value) return badRequest(jsonProblem);
  const name = request.query('get');
  if (name == 'int') return text(value.asInt(-1).toString());
  if (name == 'float') return text(value.asFloat(-1).toString());
  if (name == 'built') return json(built());
  return json(value);
}

function built(): Json {
  return Json.object()
    .set('text', 'a"b\\c\n\u0001é🚀' + String.fromCharCode(0xd800))
    .set('int', i64.MIN_VALUE)
    .set('u8', <u8>255)
    .set('float', 0.5)
    .set('whole', 3.0)
    .set('nan', NaN)
    .set('yes', true)
    .set('list', ['a', 'b'])
    .set('numbers', [1, 2])
    .set('null', Json.null)
    .set('nested', Json.list().push(Json.object()).push(Json.list()))
    .set('left out', Json.missing);
}

function failed(request: Request): Response {
  const message = decodeURIComponent(request.query('message'));
  switch (<i32>parseInt(request.query('status'))) {
    case 400: return badRequest(message);
    case 401: return unauthorized(message);
    case 403: return forbidden(message);
    case 404: return notFound(message);
    case 500: return internalError(message);
    default: return failure(418, 'TEAPOT', message);
  }
}

function responded(request: Request): Response {
  const kind = request.query('kind');
  if (kind == 'ok') return json(Json.object().set('ok', true));
  if (kind == 'E17') return noContent().header('X-A', '1').header('X-A', '2').header('Set-Cookie', 'a=b');
  if (kind == 'E19') return e19();
  if (kind == 'E20') return new Response().status(-1).type('  ');
  if (kind == 'html') return html('<p>é</p>').status(201);
  if (kind == 'bytes') return bytes(request.body);
  if (kind == 'order') return new Response().header('\uffff', 'last of plane 0').header('🚀', 'after it').header('Z', 'first');
  return redirect('/elsewhere');
}

function e19(): Response {
  const response = new Response().header(' b', '1').header('a', '2').header('', 'x');
  response.headers.set('Z', []);
  return response;
}

function seen(request: Request): Response {
  const identity = request.identity;
  const out = Json.object()
    .set('pluginId', request.pluginId)
    .set('requestId', request.requestId)
    .set('routePath', request.route.routePath)
    .set('permission', request.route.permission)
    .set('access', request.route.access)
    .set('method', request.method)
    .set('publicPath', request.publicPath)
    .set('internalPath', request.internalPath)
    .set('rawQuery', request.rawQuery)
    .set('clientIp', request.clientIp)
    .set('host', request.host)
    .set('id', request.param('id'))
    .set('q', request.queryAll('q'))
    .set('first', request.query('q', 'none'))
    .set('header', request.header('x-b'))
    .set('accepts', request.headerAll('accept'))
    .set('cookie', request.cookie('k'))
    .set('body', request.text());
  if (identity) {
    out
      .set('user', identity.username)
      .set('userId', identity.userId)
      .set('roles', identity.roleNames)
      .set('mayC', identity.may('a:b:c'))
      .set('mayX', identity.may('x'))
      .set('tenant', identity.tenantId)
      .set('scopes', [identity.dataScope, identity.unsupportedDataScope, identity.actingUserId])
      .set('flags', [identity.dataScopeUnsupported, identity.actingAsTenant, identity.isImpersonation]);
  }
  return json(out);
}

class CreateNoteReq extends Input {
  id: string = '';
  title: string = '';
  stars: i64 = 0;
  weight: f64 = 0;
  pinned: bool = false;
  tags: string[] = [];

  read(fields: Fields): void {
    this.id = fields.text('id', 'none');
    this.title = fields.requireText('title');
    this.stars = fields.int('stars', 3);
    this.weight = fields.float('weight', 0.5);
    this.pinned = fields.bool('pinned');
    this.tags = fields.texts('tags');
    if (this.title.length > 10) fields.reject('title is longer than 10 characters');
  }
}

function createNote(input: CreateNoteReq, request: Request): Response {
  const note = Json.object().set('id', input.id).set('title', input.title).set('stars', input.stars);
  return json(note.set('weight', input.weight).set('pinned', input.pinned).set('tags', input.tags)).status(201);
}

function beforeInstall(event: LifecycleEvent): Verdict {
  runtime.log.info(`${event.pluginId} ${event.operation}`);
  return allow();
}

/** The job contract {1: name, 4: pattern}, sent through the generic client. */
function registerJobs(request: Request): Response {
  const job = new Writer();
  job.text(1, 'heartbeat');
  job.text(4, '# */10 * * * *');
  const reply = invoke('jobs', 'jobs.register', '', '', job.toBytes());
  return reply.ok ? json(Json.object()) : internalError(reply.error!.toString());
}

/** Asks one method of one service and prints what came. */
function client(request: Request): Response {
  const call = request.query('call');
  if (call == 'log') return done(runtime.log.error(' hello ', new Map<string, string>().set('b', '2').set('a', '1')));
  if (call == 'log.debug') return done(runtime.log.debug('d'));
  if (call == 'log.warning') return done(runtime.log.warning('w'));
  if (call == 'state.get') return textOrNull(runtime.state.get(' k '));
  if (call == 'state.set') return done(runtime.state.set('k', ' v '));
  if (call == 'state.delete') return done(runtime.state.delete('k'));
  if (call == 'state.getMany') return stateMany();
  if (call == 'state.setMany') return done(runtime.state.setMany(new Map<string, string>().set('a', '1').set('b', '2')));
  if (call == 'state.deleteMany') return done(runtime.state.deleteMany(['a', 'b']));
  if (call == 'now') return number(runtime.info.now());
  if (call == 'uuid') return textOf(runtime.info.uuid());
  if (call == 'node') return textOf(runtime.info.node());
  if (call == 'manifest.get') return textOrNull(manifest.getText('config/profile.yaml'));
  if (call == 'manifest.exists') return flag(manifest.exists('config/profile.yaml'));
  if (call == 'manifest.scan') return textOf(deepValue());
  if (call == 'manifest.getMany') return manifestMany(request);
  if (call == 'manifest.list') return manifestList(request.query('prefix'));
  if (call == 'config') return setting(plugins.config.get('monitor.interval'));
  if (call == 'config.string') return textOf(plugins.config.getString('k', 'fallback'));
  if (call == 'config.bool') return flag(plugins.config.getBool('k', true));
  if (call == 'config.int') return number(plugins.config.getInt('k', 7));
  if (call == 'config.duration') return number(plugins.config.getDurationMs('k', 5));
  if (call == 'hostconfig') return setting(hostconfig.get('workspace.basePath'));
  if (call == 'hostconfig.string') return textOf(hostconfig.getString('workspace.basePath', 'fallback'));
  if (call == 'hostconfig.bool') return flag(hostconfig.getBool('k'));
  if (call == 'hostconfig.int') return number(hostconfig.getInt('k'));
  if (call == 'hostconfig.duration') return number(hostconfig.getDurationMs('k'));
  if (call == 'bizctx') return business();
  if (call == 'route') return routeMetadata();
  if (call == 'json') return setting(invokeJson('users', 'users.batch_get', Json.object().set('ids', ['1'])));
  return notFound(call);
}

function deepValue(): Reply<string> {
  const json = manifest.getJson('config/profile.yaml');
  const error = json.error;
  return error ? Reply.failed<string>(error) : Reply.of<string>(json.value.get('a').get('b').asText());
}

function invoked(request: Request): Response {
  const payload = request.body;
  const reply = invoke(
    request.query('service'), request.query('method'), request.query('ref'), request.query('table'), payload,
    request.query('owner'), request.query('version'),
  );
  return reply.ok ? bytes(reply.value) : hostError(reply.error!);
}

function hostError(error: HostError): Response {
  const told = Json.object().set('status', error.status).set('code', error.code).set('message', error.message);
  return json(told.set('key', error.messageKey).set('params', error.messageParams).set('text', error.toString()));
}

function done(reply: Reply<bool>): Response {
  return reply.ok ? json(reply.value) : hostError(reply.error!);
}

function textOf(reply: Reply<string>): Response {
  return reply.ok ? json(reply.value) : hostError(reply.error!);
}

function textOrNull(reply: Reply<string | null>): Response {
  return reply.ok ? json(reply.value) : hostError(reply.error!);
}

function number(reply: Reply<i64>): Response {
  return reply.ok ? json(reply.value) : hostError(reply.error!);
}

function flag(reply: Reply<bool>): Response {
  return done(reply);
}

function setting(reply: Reply<Json>): Response {
  if (!reply.ok) return hostError(reply.error!);
  return reply.value.isMissing ? text('missing') : json(reply.value);
}

function stateMany(): Response {
  const reply = runtime.state.getMany(['k', 'missing']);
  if (!reply.ok) return hostError(reply.error!);
  const keys = reply.value.keys();
  const out = Json.object();
  for (let i = 0; i < keys.length; i++) out.set(keys[i], reply.value.get(keys[i]));
  return json(out);
}

function manifestMany(request: Request): Response {
  const reply = manifest.getMany(request.queryAll('path'));
  if (!reply.ok) return hostError(reply.error!);
  const paths = reply.value.keys();
  const out = Json.object();
  for (let i = 0; i < paths.length; i++) {
    const body = reply.value.get(paths[i]);
    out.set(paths[i], String.UTF8.decodeUnsafe(body.dataStart, body.length));
  }
  return json(out);
}

function manifestList(prefix: string): Response {
  const reply = manifest.list(prefix, 10);
  if (!reply.ok) return hostError(reply.error!);
  const out = Json.list();
  for (let i = 0; i < reply.value.length; i++) out.push(`${reply.value[i].path}:${reply.value[i].sizeBytes}`);
  return json(out);
}

function business(): Response {
  const reply = bizctx.current();
  if (!reply.ok) return hostError(reply.error!);
  const context = reply.value;
  return json(
    Json.object()
      .set('tokenId', context.tokenId)
      .set('userId', context.userId)
      .set('username', context.username)
      .set('tenantId', context.tenantId)
      .set('actingUserId', context.actingUserId)
      .set('permissions', context.permissions)
      .set('scopes', [context.dataScope, context.unsupportedDataScope])
      .set('flags', [
        context.actingAsTenant, context.isImpersonation, context.dataScopeUnsupported, context.isSuperAdmin, context.platformBypass,
      ]),
  );
}

function routeMetadata(): Response {
  const reply = route.metadata();
  if (!reply.ok) return hostError(reply.error!);
  const told = reply.value;
  return json([told.pluginId, told.publicPath, told.executionSource, told.requestId]);
}

/** Makes a megabyte of garbage, and checks that what a global holds survives the collector. */
function garbage(request: Request): Response {
  kept.push(`kept ${kept.length}`);
  let length = 0;
  for (let i = 0; i < 1000; i++) length += new Uint8Array(1000).length;
  for (let i = 0; i < kept.length; i++) {
    if (kept[i] != `kept ${i}`) return internalError(`lost ${i}: ${kept[i]}`);
  }
  if (kept.length > 50) kept = [];
  return text(length.toString());
}
