/** Takes an artifact into the staging directory (`spec/governance.md` §2.3, `spec/artifact.md` §6). */
import { type Artifact, validateRelease } from '../artifact/artifact.js';
import { SandpoolError } from '../protocol/errors.js';
import { type Core, situationOf } from './core.js';
import { decideUpload, standingAfter } from './decide.js';
import { adopt } from './discovery.js';
import type { Entry } from './projection.js';
import { pluginAfter } from './rows.js';

export interface UploadOptions {
  /** Whether a staged file of a plugin that is not installed may be replaced. */
  readonly overwrite?: boolean;
  /** Whether bytes that are staged or effective already are a success without a change; else they are refused like others. */
  readonly acceptIdentical?: boolean;
}

/** @returns the artifact as parsed. */
export async function upload(core: Core, bytes: Uint8Array, options: UploadOptions): Promise<Artifact> {
  if (bytes.length === 0)
    throw new SandpoolError('SBX_UPLOAD_REFUSED', { reason: 'dynamic plugin file cannot be empty' });
  const artifact = core.parseArtifact(bytes);
  validateRelease(artifact);
  await core.serial(artifact.manifest.id, () => stage(core, artifact, bytes, options));
  return artifact;
}

async function stage(
  core: Core,
  { manifest, checksum }: Artifact,
  bytes: Uint8Array,
  options: UploadOptions,
): Promise<void> {
  const { id: pluginId, version } = manifest;
  const files = await core.staging.scan();
  const entry = await adopt(core, pluginId, files);
  const target = `${pluginId}.wasm`;
  const decision = decideUpload(await situationOf(core, pluginId, entry), {
    version,
    checksum,
    overwrite: options.overwrite ?? false,
    acceptIdentical: options.acceptIdentical ?? false,
    targetExists: files.names.has(target),
    duplicateFile: files.filesById.get(pluginId)?.find((file) => file !== target),
  });
  if (decision === 'nothing') return;
  if (decision === 'lose') lose(core, entry!);
  await put(core, pluginId, bytes);
  core.publish(pluginId, 'dynamic_package_uploaded');
}

/** Neither file nor archive is left: the plugin is not installed, whatever its row says (§1.9). */
function lose(core: Core, { rows }: Entry): void {
  const { plugin } = rows;
  core.journal.write({
    pluginId: plugin.pluginId,
    basedOn: plugin.generation,
    plugin: pluginAfter(plugin, standingAfter(plugin, 'lose'), core.now()),
    effectiveVersion: '',
    diagnosis: null,
  });
  core.catalog.put({ rows: core.journal.read(plugin.pluginId)!, isLoaded: false });
  core.engine.deactivate(plugin.pluginId);
  core.publish(plugin.pluginId, 'runtime_artifact_missing');
}

async function put(core: Core, pluginId: string, bytes: Uint8Array): Promise<void> {
  const change = await core.blobs.stage(pluginId, bytes);
  try {
    const files = await core.staging.scan();
    const problem = files.problems.find(({ file }) => file === `${pluginId}.wasm`);
    if (problem !== undefined) throw new SandpoolError('SBX_UPLOAD_REFUSED', { reason: problem.reason });
    await adopt(core, pluginId, files);
  } catch (thrown) {
    await change.undo();
    throw thrown;
  }
  await change.keep();
}
