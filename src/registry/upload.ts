/** Takes an artifact into the staging directory (`spec/governance.md` §2.3, `spec/artifact.md` §6). */
import { type Artifact, validateRelease } from '../artifact/artifact.js';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import { auditFailure } from './audit.js';
import { type Core, situationOf, type Turn } from './core.js';
import { decideUpload } from './decide.js';
import { adopt, lose } from './discovery.js';
import type { UploadOptions } from './operations.js';
import { inTurn, note } from './turn.js';

/** @returns the artifact as parsed. */
export async function upload(core: Core, bytes: Uint8Array, options: UploadOptions): Promise<Artifact> {
  const { by = 'system' } = options;
  const artifact = await read(core, bytes).catch((thrown: unknown) => {
    note(core, () => ({ pluginId: '', action: 'upload', by, ...auditFailure(thrown) }));
    throw thrown;
  });
  const operation = { pluginId: artifact.manifest.id, action: 'upload', by } as const;
  await inTurn(core, operation, (turn) => stage(turn, artifact, bytes, options));
  return artifact;
}

/** What can never be installed, is not taken in. */
async function read(core: Core, bytes: Uint8Array): Promise<Artifact> {
  if (bytes.length === 0) {
    throw new SandpoolError('SBX_UPLOAD_REFUSED', { reason: 'dynamic plugin file cannot be empty' });
  }
  const artifact = core.parseArtifact(bytes);
  validateRelease(artifact);
  await core.sql?.check(artifact);
  core.governance?.check(artifact, { enabled: false });
  return artifact;
}

async function stage(turn: Turn, artifact: Artifact, bytes: Uint8Array, options: UploadOptions): Promise<void> {
  const { pluginId } = turn;
  const { manifest, checksum } = artifact;
  const files = await turn.staging.scan();
  const entry = await adopt(turn, pluginId, files);
  const target = `${pluginId}.wasm`;
  const decision = decideUpload(await situationOf(turn, pluginId, entry), {
    version: manifest.version,
    checksum,
    overwrite: options.overwrite ?? false,
    targetExists: files.names.has(target),
    duplicateFile: files.filesById.get(pluginId)?.find((file) => file !== target),
  });
  if (decision === 'nothing') return;
  if (decision === 'lose') lose(turn, entry!);
  await put(turn, bytes);
  turn.publish(pluginId, 'dynamic_package_uploaded');
}

async function put(turn: Turn, bytes: Uint8Array): Promise<void> {
  const { pluginId } = turn;
  const change = await turn.blobs.stage(pluginId, bytes);
  try {
    const files = await turn.staging.scan();
    const problem = files.problems.find(({ file }) => file === `${pluginId}.wasm`);
    if (problem !== undefined) throw new SandpoolError('SBX_UPLOAD_REFUSED', { reason: problem.reason });
    let isTold = false;
    await adopt(turn, pluginId, files, (discovered) => {
      turn.commit(discovered);
      isTold = true;
    });
    if (!isTold) turn.commit({ pluginId, basedOn: turn.catalog.get(pluginId)?.rows.plugin.generation });
  } catch (thrown) {
    await change.undo();
    await adopt(turn, pluginId).catch((second: unknown) => {
      turn.log.warn({ pluginId, reason: reasonOf(second) }, 'the file before a failed upload is not looked at again');
    });
    throw thrown;
  }
  await change.keep();
}
