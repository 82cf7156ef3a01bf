/** A disk that a test can fill: a tmpfs. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface SmallDisk {
  /** Leaves so many bytes free, by pages. */
  leave(bytes: number): void;
  unmount(): void;
}

/** Mounts it at a directory; gives the reason when there can be none. */
export function mountSmallDisk(directory: string, sizeMiB: number): SmallDisk | string {
  if (process.platform !== 'linux') return 'there is a tmpfs on Linux only';
  mkdirSync(directory, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'tmpfs', directory], { stdio: 'pipe' });
  } catch {
    return 'a tmpfs cannot be mounted: that takes root';
  }
  const filler = join(directory, 'filler');
  return {
    leave(bytes) {
      rmSync(filler, { force: true });
      const { bavail, bsize } = statfsSync(directory);
      writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - bytes)));
    },
    unmount: () => void execFileSync('umount', ['-l', directory]),
  };
}
