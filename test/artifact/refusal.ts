/** How tests say that an artifact, or a part of one, is refused. */
import type { Test } from 'tap';
import { parseArtifact, validateRelease } from '../../src/artifact/artifact.js';
import { type ArtifactParts, buildArtifact } from './build.js';

/** Holds that `act` is refused with this code and a message that contains `fragment`. */
export function refused(t: Test, act: () => unknown, fragment: string, code = 'SBX_ARTIFACT_INVALID'): void {
  try {
    act();
  } catch (thrown) {
    const { code: actual, message } = thrown as { code?: string; message: string };
    t.equal(actual, code, fragment);
    t.ok(message.includes(fragment), `${JSON.stringify(fragment)} in ${JSON.stringify(message)}`);
    return;
  }
  t.fail(`was not refused: ${fragment}`);
}

/** Parses the default artifact with these parts. */
export const parse = (parts: ArtifactParts) => parseArtifact(buildArtifact(parts));

/** Parses it and checks it as an upload does. */
export const upload = (parts: ArtifactParts) => validateRelease(parse(parts));
