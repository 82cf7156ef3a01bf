/** The artifacts in the staging directory (`spec/governance.md` §0.5). One bad file never hides the others. */
import { type Artifact, validateRelease } from '../artifact/artifact.js';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import type { Blobs, StagedFile } from '../store/blobs.js';

export interface StagedArtifact {
  /** Name of the file in the staging directory. */
  readonly file: string;
  readonly artifact: Artifact;
}

/** Why a file, or several, cannot be used. */
export interface StagingProblem {
  readonly file: string;
  readonly reason: string;
}

export interface StagedFiles {
  readonly byId: ReadonlyMap<string, StagedArtifact>;
  /** Every file, usable or not. */
  readonly names: ReadonlySet<string>;
  /** Files by the id that they embed, also where two embed the same. */
  readonly filesById: ReadonlyMap<string, readonly string[]>;
  readonly problems: readonly StagingProblem[];
}

export interface Staging {
  /**
   * Looks at the directory; files are parsed again only when they have changed.
   * @throws SBX_STORE_FAILED when the directory cannot be read.
   */
  scan(): Promise<StagedFiles>;
  /** What the latest look has found unusable. */
  problems(): readonly StagingProblem[];
}

export interface StagingOptions {
  readonly blobs: Blobs;
  readonly parseArtifact: (bytes: Uint8Array) => Artifact;
}

interface Seen {
  readonly stamp: string;
  readonly found: Artifact | string;
}

/** Of a file that could not be read, which says nothing about the file: the next look tries again. */
const UNREAD = '';

export function createStaging({ blobs, parseArtifact }: StagingOptions): Staging {
  let seen: ReadonlyMap<string, Seen> = new Map();
  let problems: readonly StagingProblem[] = [];

  /** Undefined when it has gone since it was listed. */
  const look = async ({ name, stamp }: StagedFile): Promise<Seen | undefined> => {
    const known = seen.get(name);
    if (known?.stamp === stamp) return known;
    try {
      const artifact = parseArtifact(await blobs.readStaged(name));
      validateRelease(artifact);
      return { stamp, found: artifact };
    } catch (thrown) {
      if (!(thrown instanceof SandpoolError)) throw thrown;
      if (thrown.code !== 'SBX_STORE_FAILED') return { stamp, found: reasonOf(thrown) };
      const hasGone = (thrown.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
      return hasGone ? undefined : { stamp: UNREAD, found: reasonOf(thrown) };
    }
  };

  return {
    async scan() {
      // One after the other: each may be hundreds of megabytes.
      const looked: [string, Seen][] = [];
      for (const file of await blobs.listStaged()) {
        const found = await look(file);
        if (found !== undefined) looked.push([file.name, found]);
      }
      seen = new Map(looked);
      const files = arrange(looked);
      problems = files.problems;
      return files;
    },
    problems: () => problems,
  };
}

function arrange(looked: readonly (readonly [string, Seen])[]): StagedFiles {
  const filesById = new Map<string, string[]>();
  const artifacts = new Map<string, StagedArtifact>();
  const problems: StagingProblem[] = [];
  for (const [file, { found }] of looked) {
    if (typeof found === 'string') {
      problems.push({ file, reason: found });
      continue;
    }
    const { id } = found.manifest;
    filesById.set(id, [...(filesById.get(id) ?? []), file]);
    artifacts.set(id, { file, artifact: found });
  }
  for (const [id, files] of filesById) {
    if (files.length === 1) continue;
    // Which of them is meant, nobody can tell.
    artifacts.delete(id);
    problems.push({ file: files.join(', '), reason: `several artifacts have the plugin id ${id}` });
  }
  const byId = new Map([...artifacts].sort(([left], [right]) => (left < right ? -1 : 1)));
  return { byId, names: new Set(looked.map(([name]) => name)), filesById, problems };
}
