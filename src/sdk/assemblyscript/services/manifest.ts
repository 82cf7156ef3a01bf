import { decodeBase64 } from '../base64';
import { EMPTY, invoke, invokeJson } from '../invoke';
import { Json } from '../json/json';
import { Reply } from '../reply';
import { decodeText } from '../text';
import { broken, jsonOf, textPayload } from './decode';
import { commonPath } from './paths';
import { Reader } from '../wire/reader';

const SERVICE = 'manifest';

/** A file of the plugin's `manifest/` folder. */
export class ManifestFile {
  constructor(readonly path: string, readonly sizeBytes: i64) {}
}

/** The bytes of a file of the plugin's own `manifest/` folder, by path relative to it; null when it is missing or empty. */
export function get(path: string): Reply<Uint8Array | null> {
  const reply = invoke(SERVICE, 'get', path, '', textPayload(path));
  const error = reply.error;
  if (error) return Reply.failed<Uint8Array | null>(error);
  const reader = new Reader(reply.value, 'host service manifest get response');
  let found = false;
  let body = EMPTY;
  while (reader.next()) {
    if (reader.field == 1) found = reader.bool('found');
    else if (reader.field == 2) body = reader.body('body');
    else reader.skip();
  }
  if (reader.problem.length > 0) return broken<Uint8Array | null>(reader);
  return Reply.of<Uint8Array | null>(found ? body : null);
}

/** Whether there is such a file; an empty one is none. */
export function exists(path: string): Reply<bool> {
  const reply = get(path);
  const error = reply.error;
  if (error) return Reply.failed<bool>(error);
  return Reply.of<bool>(reply.value !== null);
}

/** As `get`, for a file of UTF-8 text. */
export function getText(path: string): Reply<string | null> {
  const reply = get(path);
  const error = reply.error;
  if (error) return Reply.failed<string | null>(error);
  const body = reply.value;
  return Reply.of<string | null>(body ? decodeText(body) : null);
}

/** As `get`, for a file of JSON; `Json.missing` when it is missing or empty. */
export function getJson(path: string): Reply<Json> {
  return jsonOf(getText(path));
}

/** The bytes of up to 100 files; missing ones are left out. The grant must cover the directory that they have in common. */
export function getMany(paths: string[]): Reply<Map<string, Uint8Array>> {
  const reply = invokeJson(SERVICE, 'get_many', Json.object().set('paths', paths), commonPath(paths));
  const error = reply.error;
  if (error) return Reply.failed<Map<string, Uint8Array>>(error);
  const resources = reply.value.get('resources');
  const files = new Map<string, Uint8Array>();
  for (let i = 0; i < resources.length; i++) {
    const resource = resources.at(i);
    files.set(resource.get('path').asText(), decodeBase64(resource.get('body').asText()));
  }
  return Reply.of<Map<string, Uint8Array>>(files);
}

/** The files under a directory, sorted by path; `limit` 0 means the host's default of 100. */
export function list(prefix: string = '', limit: i32 = 0): Reply<ManifestFile[]> {
  const argument = Json.object().set('prefix', prefix);
  if (limit > 0) argument.set('limit', limit);
  const probe = prefix.length == 0 ? '' : prefix.endsWith('/') ? prefix : prefix + '/';
  const reply = invokeJson(SERVICE, 'list', argument, probe + '.manifest-list-probe');
  const error = reply.error;
  if (error) return Reply.failed<ManifestFile[]>(error);
  const resources = reply.value.get('resources');
  const files: ManifestFile[] = [];
  for (let i = 0; i < resources.length; i++) {
    const resource = resources.at(i);
    files.push(new ManifestFile(resource.get('path').asText(), resource.get('size').asInt()));
  }
  return Reply.of<ManifestFile[]>(files);
}
