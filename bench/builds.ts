/** Builds of guests, for benches and tests, kept in the temporary directory of the system. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const ROOT: string = fileURLToPath(new URL('../../', import.meta.url));
const BUILDS = join(tmpdir(), 'sandpool-guests');
const run = promisify(execFile);

/** Reads a build by its name, or makes it. Written aside and renamed, because tests run side by side. */
export async function built(file: string, build: (out: string) => Promise<void>): Promise<Uint8Array> {
  const path = join(BUILDS, file);
  const existing = await readFile(path).catch(() => undefined);
  if (existing !== undefined) return existing;
  await mkdir(BUILDS, { recursive: true });
  const aside = `${path}.${process.pid}.${buildNumber++}`;
  try {
    await build(aside);
    await rename(aside, path);
  } finally {
    await rm(aside, { force: true });
  }
  return readFile(path);
}

let buildNumber = 0;

/** Of every file in the directories, its name and its contents, and of the salt; a part of a build's name. */
export async function hashOf(directories: readonly string[], salt: string): Promise<string> {
  const hash = createHash('sha256').update(salt);
  for (const directory of directories) {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    for (const file of files.sort()) hash.update(file.slice(ROOT.length)).update(await readFile(file));
  }
  return hash.digest('hex').slice(0, 24);
}

/** What turns a Go package into a guest. */
const GO_FLAGS: readonly string[] = ['-buildmode=c-shared', '-trimpath', '-ldflags=-s -w'];
export const GO_ENVIRONMENT = { ...process.env, GOOS: 'wasip1', GOARCH: 'wasm', GOTOOLCHAIN: 'local', GOFLAGS: '' };

/** Builds a Go package, named as from `directory`, into a guest. The first build on a machine compiles Go's library: a minute. */
export async function buildGo(directory: string, name: string, out: string): Promise<void> {
  await run('go', ['build', ...GO_FLAGS, '-o', out, name], { cwd: directory, env: GO_ENVIRONMENT });
}

/** Version of the installed Go, such as `go1.24.3`; undefined when there is none or it is older than 1.24. */
export async function goVersion(): Promise<string | undefined> {
  const text = await run('go', ['env', 'GOVERSION']).then(
    ({ stdout }) => stdout.trim(),
    () => '',
  );
  const [, major, minor] = /^go(\d+)\.(\d+)/.exec(text) ?? [];
  return Number(major) > 1 || (Number(major) === 1 && Number(minor) >= 24) ? text : undefined;
}
