/**
 * Public assets, `/x-assets/{plugin-id}/{version}/…` (`spec/governance.md` §5.2). Only files that an effective release of an
 * enabled plugin publishes exist; whatever else is asked for is the same 404, and nothing is read for it: a path is looked up
 * among the published ones.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Identity } from '../../protocol/envelope.js';
import { reasonOf, SandpoolError } from '../../protocol/errors.js';
import type { PluginView } from '../../registry/registry.js';
import type { PublicFile, PublicFiles, Representation } from '../../resources/public-files.js';
import { type AssetExchange, sendAsset, sendAssetMiss } from '../asset-answer.js';
import { readAssetTarget } from '../asset-target.js';
import { preferredEncoding } from '../encodings.js';
import type { HttpLog } from './x.js';

export interface AssetRouteOptions {
  /** The release that serves a version of a plugin: installed, enabled, and in force, or in force a moment ago. */
  readonly releases: { find(pluginId: string, version: string): PluginView | undefined };
  readonly files: PublicFiles;
  /** `Cache-Control` of what this release publishes. */
  readonly cacheControlOf: (release: PluginView) => string;
}

export interface AssetHost {
  readonly assets: AssetRouteOptions;
  readonly tenantExposes?: (view: PluginView, tenantId: number) => boolean;
  readonly identity: { authenticate(authorization: string | undefined): Identity };
  readonly log: HttpLog;
}

/** @param url the target as received; the framework has rewritten that of `request` */
export type AssetHandler = (request: IncomingMessage, reply: ServerResponse, url: string) => void;

/** A handler of every request below `/x-assets`, whatever its verb. */
export function createAssetHandler(host: AssetHost): AssetHandler {
  return (request, reply, url) => {
    void serve(host, { request, reply }, url).catch((thrown) => fail(host, reply, thrown));
  };
}

async function serve(host: AssetHost, exchange: AssetExchange, url: string): Promise<void> {
  const release = findRelease(host, exchange.request, url);
  const file = release?.file;
  if (release === undefined || file === undefined) {
    sendAssetMiss(exchange);
    return;
  }
  const form = chooseForm(host, exchange.request, file);
  const chosen = form instanceof Promise ? await form : form;
  sendAsset(exchange, file, chosen, host.assets.cacheControlOf(release.view));
}

function findRelease(host: AssetHost, request: IncomingMessage, url: string) {
  if (request.method !== 'GET' && request.method !== 'HEAD') return undefined;
  const target = readAssetTarget(url);
  const view = target && host.assets.releases.find(target.pluginId, target.version);
  if (target === undefined || view === undefined) return undefined;
  if (!isExposed(host, view, request.headers.authorization)) return undefined;
  return { view, file: host.assets.files.find(view, target.path) };
}

/** Assets are for everybody; whoever comes as a member of a tenant sees what that tenant has enabled. */
function isExposed(host: AssetHost, view: PluginView, authorization: string | undefined): boolean {
  if (host.tenantExposes === undefined || view.installMode !== 'tenant_scoped' || authorization === undefined)
    return true;
  const tenantId = tenantOf(host, authorization);
  return tenantId === 0 || host.tenantExposes(view, tenantId);
}

/** A token that is no good is no token: nothing here needs one. */
function tenantOf({ identity }: AssetHost, authorization: string): number {
  try {
    return identity.authenticate(authorization).tenantId;
  } catch (thrown) {
    if (thrown instanceof SandpoolError) return 0;
    throw thrown;
  }
}

/** Ranges are cut out of the file itself: a player that seeks, or a client that resumes, would not understand another form. */
function chooseForm(
  { assets }: AssetHost,
  { headers }: IncomingMessage,
  file: PublicFile,
): Representation | Promise<Representation> {
  if (!file.isCompressible || headers.range !== undefined) return file;
  const encoding = preferredEncoding(headers['accept-encoding']);
  return encoding === undefined ? file : assets.files.encode(file, encoding);
}

function fail({ log }: AssetHost, reply: ServerResponse, thrown: unknown): void {
  log.error({ err: thrown }, `a public asset could not be sent: ${reasonOf(thrown)}`);
  if (reply.headersSent) reply.destroy();
  else reply.writeHead(500, ['Content-Type', 'text/plain', 'X-Sandpool-Error', 'SBX_INTERNAL']).end('internal error');
}
