/** The client of a running host: addresses, tokens, and the envelope of its answers (spec/governance.md §2.1). */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { readEnvironment } from '../config/load.js';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import { unreadable } from '../protocol/unreadable.js';
import { storedToken } from './credentials.js';
import { HostRefusal } from './refusal.js';

/** Options that every command for a running host takes. */
export interface HostOptions {
  readonly url?: string;
  readonly token?: string;
}

/** One request to a host. */
export interface HostRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below `/api/v1`; identifiers in it are already encoded. */
  readonly path: string;
  /** Sent as JSON. */
  readonly json?: unknown;
}

export interface Host {
  readonly url: string;
  /**
   * Sends a request and gives the `data` of the answer.
   * @throws SBX_HOST_UNREACHABLE when nothing answers in time; HostRefusal with the host's own code when it refuses.
   */
  readonly request: <Data>(request: HostRequest) => Promise<Data>;
  /** Uploads an artifact; `progress` hears how many bytes have left, of how many. Throws like `request`. */
  readonly upload: <Data>(upload: Upload) => Promise<Data>;
}

export interface Upload {
  readonly file: string;
  readonly overwrite: boolean;
  readonly progress?: (sentBytes: number, totalBytes: number) => void;
}

/** Address of a host that was given no other. */
export const DEFAULT_URL = 'http://127.0.0.1:9120';

const READ_TIMEOUT_MS = 30_000;
// Installing runs SQL and enabling compiles; both may rightly take long.
const WRITE_TIMEOUT_MS = 600_000;

/** Gives a client for the host that options, environment and stored tokens name, in this order. */
export async function connect(options: HostOptions): Promise<Host> {
  const environment = readEnvironment();
  const url = hostUrl(options.url ?? environment.url ?? DEFAULT_URL);
  const token = options.token ?? environment.token ?? (await storedToken(environment.userDir, url));
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const call = (path: string, init: RequestInit) =>
    answerOf(url, path, { ...init, headers: { accept: 'application/json', ...authorization, ...init.headers } });

  return {
    url,
    request: <Data>({ method = 'GET', path, json }: HostRequest) =>
      call(path, {
        method,
        signal: AbortSignal.timeout(method === 'GET' ? READ_TIMEOUT_MS : WRITE_TIMEOUT_MS),
        ...(json !== undefined && { body: JSON.stringify(json), headers: { 'content-type': 'application/json' } }),
      }) as Promise<Data>,
    upload: async <Data>(upload: Upload) =>
      (await call('/plugins/dynamic/package', await uploadRequest(upload))) as Data,
  };
}

/** The path of a plugin below `/api/v1`. */
export function pluginPath(id: string | undefined, action = ''): string {
  return `/plugins/${encodeURIComponent(id ?? '')}${action && `/${action}`}`;
}

function hostUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new SandpoolError('SBX_USAGE', { reason: `${text} is not an http or https address` });
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

async function answerOf(url: string, path: string, init: RequestInit): Promise<unknown> {
  let response: Response;
  let text: string;
  try {
    // A redirect is not followed: the token is for this host only.
    response = await fetch(`${url}/api/v1${path}`, { ...init, redirect: 'manual' });
    text = await response.text();
  } catch (error) {
    throw new SandpoolError('SBX_HOST_UNREACHABLE', { url, reason: networkReason(error) }, { cause: error });
  }
  const body = jsonObject(text);
  if (body === undefined || typeof body.message !== 'string') {
    throw new SandpoolError('SBX_HOST_REFUSED', {
      reason: `HTTP ${response.status} without an answer of a Sandpool host`,
    });
  }
  if (response.ok && body.code === 0) return body.data;
  throw refusal(url, body, body.message);
}

function networkReason(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  // A refused connection to a name with two addresses is an AggregateError without a message.
  const inner = cause instanceof AggregateError ? cause.errors[0] : cause;
  return reasonOf(inner ?? error);
}

function refusal(url: string, body: Record<string, unknown>, message: string): HostRefusal {
  const { errorCode, messageParams } = body;
  const code = typeof errorCode === 'string' && errorCode !== '' ? errorCode : 'SBX_HOST_REFUSED';
  return new HostRefusal(code, message, isObject(messageParams) ? messageParams : {}, url);
}

async function uploadRequest(upload: Upload): Promise<RequestInit> {
  const totalBytes = await fileBytes(upload.file);
  const boundary = `sandpool-${crypto.randomUUID()}`;
  const request = {
    method: 'POST',
    signal: AbortSignal.timeout(WRITE_TIMEOUT_MS),
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: ReadableStream.from(multipart(upload, boundary, totalBytes)),
    // fetch demands it for a streamed body.
    duplex: 'half',
  };
  return request as RequestInit;
}

async function* multipart({ file, overwrite, progress }: Upload, boundary: string, totalBytes: number) {
  const text = new TextEncoder();
  const part = (headers: string) => `--${boundary}\r\ncontent-disposition: form-data; ${headers}\r\n\r\n`;
  yield text.encode(`${part('name="overwriteSupport"')}${overwrite ? 1 : 0}\r\n`);
  const name = basename(file)
    .replaceAll('"', '%22')
    .replaceAll(/[\r\n]/g, '_');
  yield text.encode(part(`name="file"; filename="${name}"\r\ncontent-type: application/wasm`));
  let sentBytes = 0;
  for await (const chunk of createReadStream(file)) {
    yield new Uint8Array(chunk);
    sentBytes += chunk.length;
    progress?.(sentBytes, totalBytes);
  }
  yield text.encode(`\r\n--${boundary}--\r\n`);
}

async function fileBytes(file: string): Promise<number> {
  try {
    const found = await stat(file);
    if (found.isFile()) return found.size;
  } catch (error) {
    throw unreadable(file, error);
  }
  throw new SandpoolError('SBX_FILE_UNREADABLE', { file, reason: 'it is not a file' });
}

function jsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    // The caller says what came instead.
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
