import { EMPTY, invoke, invokeJson } from '../invoke';
import { Json } from '../json/json';
import { Reply } from '../reply';
import { decodeText, encodeText } from '../text';
import { broken, done, doneJson, textPayload, textReply } from './decode';
import { commonPath } from './paths';
import { Reader } from '../wire/reader';
import { Writer } from '../wire/writer';

/**
 * Files of the plugin, per tenant. Paths are relative, `reports/a.json`, and must lie under a path that plugin.yaml declares:
 * `resources: { paths: [reports/] }`.
 */
const SERVICE = 'storage';

/** A body larger than this travels in pieces of this size. */
const PIECE_BYTES: i32 = 1 << 20;

/** What the host knows of a stored file. */
export class StorageObject {
  path: string = '';
  sizeBytes: i64 = 0;
  contentType: string = '';
  /** Such as `2026-04-14T10:00:00Z`. */
  updatedAt: string = '';
  /** `private`. */
  visibility: string = '';
}

export class StorageFile {
  constructor(readonly object: StorageObject, readonly body: Uint8Array) {}

  /** The body as UTF-8 text. */
  get text(): string {
    return decodeText(this.body);
  }
}

/** Some of the files, and where to go on; `cursor` is empty at the end. */
export class StoragePage {
  constructor(readonly objects: StorageObject[], readonly cursor: string) {}
}

/** Stores a file. One that is there stays, and the reply is the error PLUGIN_STORAGE_OBJECT_EXISTS, unless `overwrite`. */
export function put(
  path: string,
  body: Uint8Array,
  contentType: string = '',
  overwrite: bool = false,
): Reply<StorageObject> {
  if (body.length > PIECE_BYTES) return putInPieces(path, body, contentType, overwrite);
  const payload = new Writer(body.length + 128);
  payload.text(1, path);
  payload.bytes(2, body);
  payload.text(3, contentType);
  payload.bool(4, overwrite);
  return objectReply(invoke(SERVICE, 'put', path, '', payload.toBytes()));
}

/** As `put`, for UTF-8 text. */
export function putText(
  path: string,
  text: string,
  contentType: string = 'text/plain',
  overwrite: bool = false,
): Reply<StorageObject> {
  return put(path, encodeText(text), contentType, overwrite);
}

/**
 * A file that is stored piece by piece. It appears with `commit`; forget it with `abort`.
 *
 *     const upload = storage.begin('reports/big.csv', 'text/csv').value;
 *     upload.write(rows);
 *     upload.commit();
 */
export class Upload {
  /** Bytes written so far. */
  sizeBytes: i64 = 0;
  /** Memory of all pieces: nothing is collected within an invocation. */
  private readonly message: Writer = new Writer(0);

  constructor(readonly path: string, readonly id: string) {}

  /** Appends 1 byte to 4 MiB; the reply is the number of bytes written so far. */
  write(piece: Uint8Array): Reply<i64> {
    const payload = this.message;
    payload.clear(piece.length + 128);
    payload.text(1, this.path);
    payload.text(2, this.id);
    payload.int(3, this.sizeBytes);
    payload.bytes(4, piece);
    const reply = numberReply(invoke(SERVICE, 'put.chunk', this.path, '', payload.toBytes()));
    if (reply.ok) this.sizeBytes = reply.value;
    return reply;
  }

  commit(): Reply<StorageObject> {
    const payload = new Writer();
    payload.text(1, this.path);
    payload.text(2, this.id);
    payload.int(3, this.sizeBytes);
    return objectReply(invoke(SERVICE, 'put.commit', this.path, '', payload.toBytes()));
  }

  abort(): Reply<bool> {
    const payload = new Writer();
    payload.text(1, this.path);
    payload.text(2, this.id);
    return done(invoke(SERVICE, 'put.abort', this.path, '', payload.toBytes()));
  }
}

/** Begins a file that is stored piece by piece. */
export function begin(path: string, contentType: string = '', overwrite: bool = false): Reply<Upload> {
  const payload = new Writer();
  payload.text(1, path);
  payload.text(2, contentType);
  payload.bool(3, overwrite);
  const reply = textReply(invoke(SERVICE, 'put.init', path, '', payload.toBytes()));
  const error = reply.error;
  return error ? Reply.failed<Upload>(error) : Reply.of<Upload>(new Upload(path, reply.value));
}

/** A file with its body; null when there is none. */
export function get(path: string): Reply<StorageFile | null> {
  const reply = invoke(SERVICE, 'get', path, '', textPayload(path));
  const error = reply.error;
  if (error) return Reply.failed<StorageFile | null>(error);
  const reader = new Reader(reply.value, 'storage get response');
  let found = false;
  let object = new StorageObject();
  let body = EMPTY;
  while (reader.next()) {
    if (reader.field == 1) found = reader.bool('found');
    else if (reader.field == 2) object = takeObject(reader);
    else if (reader.field == 3) body = reader.body('body');
    else reader.skip();
  }
  if (reader.problem.length > 0) return broken<StorageFile | null>(reader);
  return Reply.of<StorageFile | null>(found ? new StorageFile(object, body) : null);
}

/** The body of a file as UTF-8 text; null when there is none. */
export function getText(path: string): Reply<string | null> {
  const reply = get(path);
  const error = reply.error;
  if (error) return Reply.failed<string | null>(error);
  const file = reply.value;
  return Reply.of<string | null>(file ? file.text : null);
}

/** What is known of a file, without its body; null when there is none. */
export function stat(path: string): Reply<StorageObject | null> {
  const reply = invoke(SERVICE, 'stat', path, '', textPayload(path));
  const error = reply.error;
  if (error) return Reply.failed<StorageObject | null>(error);
  const reader = new Reader(reply.value, 'storage stat response');
  let found = false;
  let object = new StorageObject();
  while (reader.next()) {
    if (reader.field == 1) found = reader.bool('found');
    else if (reader.field == 2) object = takeObject(reader);
    else reader.skip();
  }
  if (reader.problem.length > 0) return broken<StorageObject | null>(reader);
  return Reply.of<StorageObject | null>(found ? object : null);
}

/** What is known of up to 100 files, by path; missing ones are left out. */
export function statMany(paths: string[]): Reply<Map<string, StorageObject>> {
  const reply = invokeJson(SERVICE, 'stat.batch', Json.object().set('paths', paths), commonPath(paths));
  const error = reply.error;
  if (error) return Reply.failed<Map<string, StorageObject>>(error);
  const objects = objectsOf(reply.value.get('objects'));
  const found = new Map<string, StorageObject>();
  for (let i = 0; i < objects.length; i++) found.set(objects[i].path, objects[i]);
  return Reply.of<Map<string, StorageObject>>(found);
}

/** The files under a directory, or the one of that path, sorted by path; `limit` 0 means the host's default of 100. */
export function list(prefix: string, limit: u32 = 0): Reply<StorageObject[]> {
  const payload = new Writer();
  payload.text(1, prefix);
  payload.int(2, limit);
  const reply = invoke(SERVICE, 'list', prefix, '', payload.toBytes());
  const error = reply.error;
  if (error) return Reply.failed<StorageObject[]>(error);
  const reader = new Reader(reply.value, 'storage list response');
  const objects: StorageObject[] = [];
  while (reader.next()) {
    if (reader.field == 1) objects.push(takeObject(reader));
    else reader.skip();
  }
  return reader.problem.length > 0 ? broken<StorageObject[]>(reader) : Reply.of<StorageObject[]>(objects);
}

/** As `list`, page by page: give the cursor of a page to get the next. */
export function listPage(prefix: string, cursor: string = '', limit: i32 = 0): Reply<StoragePage> {
  const argument = Json.object().set('prefix', prefix);
  if (cursor.length > 0) argument.set('cursor', cursor);
  if (limit > 0) argument.set('limit', limit);
  const reply = invokeJson(SERVICE, 'list.cursor', argument, prefix);
  const error = reply.error;
  if (error) return Reply.failed<StoragePage>(error);
  const next = reply.value.get('nextCursor').asText();
  return Reply.of<StoragePage>(new StoragePage(objectsOf(reply.value.get('objects')), next));
}

/** Deletes a file; it is no error when there is none. */
function remove(path: string): Reply<bool> {
  return done(invoke(SERVICE, 'delete', path, '', textPayload(path)));
}

/** Deletes up to 100 files. */
export function deleteMany(paths: string[]): Reply<bool> {
  return doneJson(invokeJson(SERVICE, 'delete.batch', Json.object().set('paths', paths), commonPath(paths)));
}

export { remove as delete };

function putInPieces(path: string, body: Uint8Array, contentType: string, overwrite: bool): Reply<StorageObject> {
  const begun = begin(path, contentType, overwrite);
  const refusal = begun.error;
  if (refusal) return Reply.failed<StorageObject>(refusal);
  const upload = begun.value;
  for (let at = 0; at < body.length; at += PIECE_BYTES) {
    const failure = upload.write(body.subarray(at, min(at + PIECE_BYTES, body.length))).error;
    if (failure) {
      upload.abort();
      return Reply.failed<StorageObject>(failure);
    }
  }
  return upload.commit();
}

/** The object of a message {1: object}. */
function objectReply(reply: Reply<Uint8Array>): Reply<StorageObject> {
  const error = reply.error;
  if (error) return Reply.failed<StorageObject>(error);
  const reader = new Reader(reply.value, 'storage put response');
  let object = new StorageObject();
  while (reader.next()) {
    if (reader.field == 1) object = takeObject(reader);
    else reader.skip();
  }
  return reader.problem.length > 0 ? broken<StorageObject>(reader) : Reply.of<StorageObject>(object);
}

/** The number of a message {1: number}. */
function numberReply(reply: Reply<Uint8Array>): Reply<i64> {
  const error = reply.error;
  if (error) return Reply.failed<i64>(error);
  const reader = new Reader(reply.value, 'storage put chunk response');
  let value: i64 = 0;
  while (reader.next()) {
    if (reader.field == 1) value = <i64>reader.u64('nextOffset');
    else reader.skip();
  }
  return reader.problem.length > 0 ? broken<i64>(reader) : Reply.of<i64>(value);
}

function takeObject(outer: Reader): StorageObject {
  const reader = new Reader(outer.body('object'), 'storage object');
  const object = new StorageObject();
  while (reader.next()) {
    switch (reader.field) {
      case 1: object.path = reader.text('path'); break;
      case 2: object.sizeBytes = <i64>reader.u64('size'); break;
      case 3: object.contentType = reader.text('contentType'); break;
      case 4: object.updatedAt = reader.text('updatedAt'); break;
      case 5: object.visibility = reader.text('visibility'); break;
      default: reader.skip();
    }
  }
  outer.adopt(reader);
  return object;
}

function objectsOf(list: Json): StorageObject[] {
  const objects: StorageObject[] = [];
  for (let i = 0; i < list.length; i++) {
    const item = list.at(i);
    const object = new StorageObject();
    object.path = item.get('path').asText();
    object.sizeBytes = item.get('size').asInt();
    object.contentType = item.get('contentType').asText();
    object.updatedAt = item.get('updatedAt').asText();
    object.visibility = item.get('visibility').asText();
    objects.push(object);
  }
  return objects;
}
