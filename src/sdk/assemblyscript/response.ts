import { Json } from './json/json';
import { encodeText, trim } from './text';

const EMPTY: Uint8Array = new Uint8Array(0);

/** What tells the host that a response is a failure. HTTP clients see status and body only. */
export class Failure {
  constructor(readonly code: string, readonly message: string) {}
}

/** An answer: `json(note).status(201).header('Location', '/x/notes/7')`. */
export class Response {
  statusCode: i32 = 200;
  contentType: string = '';
  private added: Map<string, string[]> | null = null;
  body: Uint8Array = EMPTY;
  failure: Failure | null = null;

  /** Values by name. */
  get headers(): Map<string, string[]> {
    const added = this.added;
    if (added) return added;
    const headers = new Map<string, string[]>();
    this.added = headers;
    return headers;
  }

  get hasHeaders(): bool {
    return this.added != null;
  }

  status(code: i32): this {
    this.statusCode = code;
    return this;
  }

  /** Adds a value to a header; one name may have many, such as `Set-Cookie`. */
  header(name: string, value: string): this {
    const headers = this.headers;
    if (!headers.has(name)) headers.set(name, []);
    headers.get(name).push(value);
    return this;
  }

  type(contentType: string): this {
    this.contentType = contentType;
    return this;
  }
}

/** 200 with a JSON body: of Json, a text, a number, a truth value, or an array of those. */
export function json<T>(value: T): Response {
  return bytes(Json.of<T>(value).toBytes(), 'application/json');
}

export function text(body: string): Response {
  return bytes(encodeText(body), 'text/plain; charset=utf-8');
}

export function html(body: string): Response {
  return bytes(encodeText(body), 'text/html; charset=utf-8');
}

export function bytes(body: Uint8Array, contentType: string = 'application/octet-stream'): Response {
  const response = new Response().type(contentType);
  response.body = body;
  return response;
}

/** 204, the one status (beside 304) whose empty body the host leaves empty. */
export function noContent(): Response {
  return new Response().status(204);
}

export function redirect(location: string, status: i32 = 302): Response {
  return text(location).status(status).header('Location', location);
}

export function badRequest(message: string = ''): Response {
  return failure(400, 'BAD_REQUEST', message, 'Bad Request');
}

export function unauthorized(message: string = ''): Response {
  return failure(401, 'UNAUTHORIZED', message, 'Unauthorized');
}

export function forbidden(message: string = ''): Response {
  return failure(403, 'FORBIDDEN', message, 'Forbidden');
}

export function notFound(message: string = ''): Response {
  return failure(404, 'NOT_FOUND', message, 'Not Found');
}

export function internalError(message: string = ''): Response {
  return failure(500, 'INTERNAL_ERROR', message, 'Internal Server Error');
}

/** A failure with its message as plain text; a blank message becomes `fallback`. */
export function failure(status: i32, code: string, message: string, fallback: string = ''): Response {
  const trimmed = trim(message);
  const sentence = trimmed.length > 0 ? trimmed : fallback;
  const response = text(sentence).status(status);
  response.failure = new Failure(code, sentence);
  return response;
}
