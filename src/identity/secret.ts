/** The key that signs access tokens. */
import { randomBytes, randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { reasonOf, SandpoolError } from '../protocol/errors.js';

const FILE_NAME = 'auth.secret';
const KEY_BYTES = 32;

/**
 * The configured secret, else the one in `<dataDir>/auth.secret`, which is made at the first start: 32 random bytes as hex,
 * readable for the owner alone. Hosts that start at the same time get the same.
 * @throws SBX_DATA_DIR when the file cannot be read or made, or is too short to be a key
 */
export async function loadSecret(dataDir: string, configured?: string): Promise<string> {
  if (configured !== undefined && configured !== '') return configured;
  const path = join(dataDir, FILE_NAME);
  try {
    const secret = (await readSecret(path)) ?? (await makeSecret(dataDir, path));
    if (secret.length >= KEY_BYTES) return secret;
  } catch (cause) {
    throw new SandpoolError('SBX_DATA_DIR', { dir: dataDir, reason: reasonOf(cause) }, { cause });
  }
  throw new SandpoolError('SBX_DATA_DIR', { dir: dataDir, reason: `${FILE_NAME} holds no key` });
}

async function readSecret(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw thrown;
  }
}

/** The file appears under its name whole, and only once: a link refuses a name that is taken. */
async function makeSecret(dataDir: string, path: string): Promise<string> {
  await mkdir(dataDir, { recursive: true });
  const temporary = join(dataDir, `.${FILE_NAME}-${randomUUID()}`);
  const secret = randomBytes(KEY_BYTES).toString('hex');
  try {
    await writeSynced(temporary, `${secret}\n`);
    await link(temporary, path);
    return secret;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
    return (await readFile(path, 'utf8')).trim();
  } finally {
    await rm(temporary, { force: true });
  }
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
