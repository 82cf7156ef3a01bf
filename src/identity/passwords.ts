/** Passwords: what is accepted, and the only place that hashes them. */
import { randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import { SandpoolError } from '../protocol/errors.js';

/** Cost of one hash (argon2id). The default is OWASP's: 19 MiB, two passes, one lane. */
export interface HashCost {
  readonly memoryKiB: number;
  readonly passes: number;
}

export const DEFAULT_HASH_COST: HashCost = { memoryKiB: 19_456, passes: 2 };

const MIN_CHARACTERS = 8;
/** A long text costs nothing to hash, but it costs memory before anyone knows who sends it. */
const MAX_BYTES = 1024;

export interface Passwords {
  hash(password: string): Promise<string>;
  /** Whether the password is right. Takes as long for a user who does not exist, whose hash is undefined. */
  matches(passwordHash: string | undefined, password: string): Promise<boolean>;
}

export function createPasswords({ memoryKiB, passes }: HashCost = DEFAULT_HASH_COST): Passwords {
  const cost = { memoryCost: memoryKiB, timeCost: passes, parallelism: 1 };
  let nobodys: Promise<string> | undefined;
  return {
    hash: (password) => hash(password, cost),
    async matches(passwordHash, password) {
      // Awaited for known users too: the first login of this process must not tell whether the user exists.
      nobodys ??= hash(randomPassword(), cost);
      const expected = passwordHash ?? (await nobodys);
      await nobodys;
      const isSame = Buffer.byteLength(password) <= MAX_BYTES && (await verify(expected, password));
      return isSame && passwordHash !== undefined;
    },
  };
}

/** @throws SBX_ACCOUNT_INVALID */
export function checkPassword(password: string): void {
  // Characters as people count them.
  if ([...password].length < MIN_CHARACTERS) {
    throw new SandpoolError('SBX_ACCOUNT_INVALID', { reason: `a password has at least ${MIN_CHARACTERS} characters` });
  }
  checkPasswordSize(password);
}

/** @throws SBX_ACCOUNT_INVALID */
export function checkPasswordSize(password: string): void {
  if (Buffer.byteLength(password) <= MAX_BYTES) return;
  throw new SandpoolError('SBX_ACCOUNT_INVALID', { reason: `a password has at most ${MAX_BYTES} bytes` });
}

/** 24 characters that need no quoting in a shell, 144 bits. */
export function randomPassword(): string {
  return randomBytes(18).toString('base64url').replace(/^-/, '_');
}
