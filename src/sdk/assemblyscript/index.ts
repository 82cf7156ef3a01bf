import * as bizctx from './services/bizctx';
import * as cache from './services/cache';
import * as data from './services/data';
import * as hostconfig from './services/hostconfig';
import * as jobs from './services/jobs';
import * as lock from './services/lock';
import * as manifest from './services/manifest';
import * as network from './services/network';
import * as notifications from './services/notifications';
import * as plugins from './services/plugins';
import * as route from './services/route';
import * as runtime from './services/runtime';
import * as storage from './services/storage';

export { lina_dynamic_route_alloc, lina_dynamic_route_execute, lina_host_call_alloc, sandpool_reseed } from './abi';
export { Fields, Input } from './fields';
export { invoke, invokeJson } from './invoke';
export { Json, JsonKind } from './json/json';
export { jsonProblem, parseJson, parseJsonBytes } from './json/parse';
export { LifecycleEvent, Verdict, allow, fail, veto } from './lifecycle';
export { HostError, Reply } from './reply';
export { Request } from './request';
export {
  Failure, Response, badRequest, bytes, failure, forbidden, html, internalError, json, noContent, notFound, redirect, text,
  unauthorized,
} from './response';
export { Router, router } from './router';
export {
  bizctx, cache, data, hostconfig, jobs, lock, manifest, network, notifications, plugins, route, runtime, storage,
};
export { escapeHtml } from './text';
export { Reader } from './wire/reader';
export { Identity, Route } from './wire/snapshots';
export { Writer } from './wire/writer';
