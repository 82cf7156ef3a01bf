/** Receives an uploaded artifact (`spec/governance.md` §2.3) on disk: slow uploads must not fill the memory. */
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { MultipartFile, MultipartValue } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { reasonOf, SandpoolError } from '../protocol/errors.js';

export interface ReceivedUpload {
  readonly bytes: Uint8Array;
  readonly overwrite: boolean;
}

const BYTES_PER_MB = 1024 * 1024;
/** What the transport limit allows for boundaries and part headers on top of the file. */
const FRAMING_BYTES = BYTES_PER_MB;

/** Limits of a form with one file and a few words; the file's own is given for each request. */
export const FORM_LIMITS = { fieldNameSize: 100, fieldSize: 1024, fields: 20, headerPairs: 100, files: 1, parts: 21 };

/**
 * Reads the form fields `file` and `overwriteSupport`.
 * @throws UPLOAD_FILE_TOO_LARGE, SBX_BODY_INVALID, SBX_STORE_FAILED
 */
export async function receiveUpload(request: FastifyRequest, maxFileBytes: number): Promise<ReceivedUpload> {
  if (Number(request.headers['content-length'] ?? 0) > maxFileBytes + FRAMING_BYTES) throw drain(request, maxFileBytes);
  if (!request.isMultipart()) throw invalid('the content type must be multipart/form-data');
  const directory = await mkdtemp(join(tmpdir(), 'sandpool-upload-')).catch((thrown) => {
    throw refusalOf(thrown);
  });
  try {
    return await readForm(request, join(directory, 'artifact'), maxFileBytes);
  } catch (thrown) {
    throw thrown instanceof SandpoolError ? thrown : refusalOf(thrown);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function readForm(request: FastifyRequest, path: string, maxFileBytes: number): Promise<ReceivedUpload> {
  // Of a client that went away before anybody listened, the parser would wait for ever.
  if (request.raw.destroyed) throw invalid('the client went away');
  let hasFile = false;
  let overwrite = false;
  const limits = { ...FORM_LIMITS, fileSize: maxFileBytes };
  for await (const part of request.parts({ limits })) {
    const name = part.fieldname;
    if (part.type === 'field') {
      if (name === 'overwriteSupport') overwrite = flagOf(part);
    } else if (name === 'file') {
      await save(part, path, maxFileBytes);
      hasFile = true;
    } else part.file.resume();
  }
  if (!hasFile) throw invalid('dynamic plugin file is required');
  return { bytes: await readFile(path), overwrite };
}

async function save({ file }: MultipartFile, path: string, maxFileBytes: number): Promise<void> {
  await pipeline(file, createWriteStream(path, { mode: 0o600 }));
  if (file.truncated) throw tooLarge(maxFileBytes);
}

function flagOf({ fieldname, value }: MultipartValue): boolean {
  if (value === '1') return true;
  if (value === '0' || value === '') return false;
  throw invalid(`${fieldname} must be 0 or 1`);
}

/** The client may only read the refusal once it has sent everything; what it sends is dropped. */
function drain(request: FastifyRequest, maxFileBytes: number): SandpoolError {
  request.raw.resume();
  return tooLarge(maxFileBytes);
}

function tooLarge(maxFileBytes: number): SandpoolError {
  return new SandpoolError('UPLOAD_FILE_TOO_LARGE', { maxSizeMB: Math.floor(maxFileBytes / BYTES_PER_MB) });
}

/** The disk's failures are the host's; all others come from what the client has sent, or from its going away. */
function refusalOf(thrown: unknown): SandpoolError {
  const { syscall, code } = thrown as NodeJS.ErrnoException;
  const isOfDisk = syscall !== undefined && code !== 'ECONNRESET' && code !== 'EPIPE';
  if (isOfDisk) return new SandpoolError('SBX_STORE_FAILED', { reason: reasonOf(thrown) }, { cause: thrown });
  return invalid(reasonOf(thrown), thrown);
}

function invalid(reason: string, cause?: unknown): SandpoolError {
  return new SandpoolError('SBX_BODY_INVALID', { reason }, { cause });
}
