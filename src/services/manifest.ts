import { cleanManifestPath, compileManifestPattern } from '../grants/manifest-paths.js';
import { encodeJsonResponse, type HostCallRequest } from '../protocol/host-call.js';
import { decodeManifestGetRequest, encodeManifestGetResponse } from '../protocol/payloads.js';
import { trimGo } from '../protocol/text.js';
import { readArguments } from './arguments.js';
import { defineService, EMPTY_REPLY, failure, type HostCallContext, reply, type ServiceReply } from './service.js';

const PROBE = '.manifest-list-probe';
const MAX_PATHS = 100;
const MAX_FILE_BYTES = 1 << 20;
const MAX_TOTAL_BYTES = 4 << 20;
const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 500;

/** The plugin's own files below `manifest/`, as its effective release carries them (`spec/host-services.md` §12). */
export const manifest = defineService({
  name: 'manifest',
  placement: 'worker',
  methods: () => ({ get, get_many: getMany, list }),
});

function get(call: HostCallRequest, context: HostCallContext): ServiceReply {
  const path = coveredPath(call, decodeManifestGetRequest(call.payload).path);
  if (path === undefined) return targetMismatch();
  const body = fileAt(context, path);
  return body === undefined ? EMPTY_REPLY : reply(encodeManifestGetResponse({ found: true, body }));
}

function getMany(call: HostCallRequest, context: HostCallContext): ServiceReply {
  const covered = readArguments(call.payload)
    .texts('paths')
    .map((path) => coveredPath(call, path));
  const paths = [...new Set(covered)].filter((path) => path !== undefined);
  if (covered.includes(undefined)) return targetMismatch();
  if (paths.length > MAX_PATHS) return failure(3, `manifest request exceeds ${MAX_PATHS} paths`);
  const files = paths.map((path) => ({ path, content: fileAt(context, path) }));
  const tooLarge = files.find(({ content }) => (content?.length ?? 0) > MAX_FILE_BYTES);
  if (tooLarge) return failure(3, `manifest resource ${tooLarge.path} exceeds ${MAX_FILE_BYTES} bytes`);
  const totalBytes = files.reduce((sum, { content }) => sum + (content?.length ?? 0), 0);
  if (totalBytes > MAX_TOTAL_BYTES) return failure(3, `manifest resources exceed ${MAX_TOTAL_BYTES} bytes`);
  return reply(encodeJsonResponse(batch(files)));
}

function batch(files: readonly { readonly path: string; readonly content: Uint8Array | undefined }[]) {
  const missingPaths = files.filter(({ content }) => content === undefined).map(({ path }) => path);
  const resources = files.flatMap(({ path, content }) =>
    content === undefined ? [] : [{ path, body: Buffer.from(content).toString('base64') }],
  );
  return missingPaths.length > 0 ? { resources, missingPaths } : { resources };
}

/** The grant is asked for a file that does not exist, so that a listing needs a pattern which covers whatever is there. */
function list(call: HostCallRequest, context: HostCallContext): ServiceReply {
  const given = readArguments(call.payload);
  const isRoot = trimGo(given.text('prefix')) === '';
  const prefix = isRoot ? '' : cleanManifestPath(given.text('prefix'));
  if (prefix === undefined || coveredPath(call, isRoot ? PROBE : `${prefix}/${PROBE}`) === undefined) {
    return targetMismatch();
  }
  const asked = given.integer('limit');
  const limit = asked <= 0 ? DEFAULT_LIMIT : Math.min(asked, MAX_LIMIT);
  const resources = [...context.manifestResources]
    .filter(([path]) => isRoot || path === prefix || path.startsWith(`${prefix}/`))
    .map(([path, content]) => ({ path, size: content.length }))
    .sort((left, right) => Buffer.compare(Buffer.from(left.path), Buffer.from(right.path)))
    .slice(0, limit);
  return reply(encodeJsonResponse({ resources, limit }));
}

/** The clean path, if the authorised resource of the call covers it, read as a pattern of a grant. */
function coveredPath(call: HostCallRequest, path: string): string | undefined {
  return compileManifestPattern(call.resourceRef)?.(path) ? cleanManifestPath(path) : undefined;
}

/** An empty file counts as missing. */
function fileAt(context: HostCallContext, path: string): Uint8Array | undefined {
  const content = context.manifestResources.get(path);
  return content === undefined || content.length === 0 ? undefined : content;
}

function targetMismatch(): ServiceReply {
  return failure(3, 'manifest request target mismatch');
}
