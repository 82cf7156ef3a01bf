/** Tokens that `login` stored, one for each host: a file that only its owner may read. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unreadable } from '../protocol/unreadable.js';

interface Credential {
  readonly username: string;
  readonly token: string;
}

/**
 * The token that was stored for a host, if any.
 * @throws SBX_FILE_UNREADABLE when the file exists and is damaged.
 */
export async function storedToken(userDir: string, url: string): Promise<string | undefined> {
  return (await readCredentials(userDir)).get(url)?.token;
}

/** Stores a token in place of the one before, and gives the file's path. */
export async function storeToken(userDir: string, url: string, credential: Credential): Promise<string> {
  const credentials = (await readCredentials(userDir)).set(url, credential);
  const file = fileIn(userDir);
  await mkdir(userDir, { recursive: true, mode: 0o700 });
  // Written beside and renamed: nobody reads half a file, and a file with wider rights is replaced, not reused.
  const fresh = `${file}.${process.pid}`;
  await writeFile(fresh, `${JSON.stringify(Object.fromEntries(credentials), null, 2)}\n`, { mode: 0o600 });
  await rename(fresh, file);
  return file;
}

async function readCredentials(userDir: string): Promise<Map<string, Credential>> {
  const file = fileIn(userDir);
  try {
    return new Map(Object.entries(JSON.parse(await readFile(file, 'utf8')) as Record<string, Credential>));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    throw unreadable(file, error);
  }
}

const fileIn = (userDir: string): string => join(userDir, 'credentials.json');
