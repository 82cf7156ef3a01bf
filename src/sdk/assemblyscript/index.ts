import * as bizctx from './services/bizctx';
import * as hostconfig from './services/hostconfig';
import * as manifest from './services/manifest';
import * as plugins from './services/plugins';
import * as route from './services/route';
import * as runtime from './services/runtime';

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
export { bizctx, hostconfig, manifest, plugins, route, runtime };
export { escapeHtml } from './text';
export { Reader } from './wire/reader';
export { Identity, Route } from './wire/snapshots';
export { Writer } from './wire/writer';
