/** A description of an artifact: what is in it, whether a host accepts it, and how it can be run. */
import { type Artifact, parseArtifact, validateRelease } from '../artifact/artifact.js';
import { capabilitiesOf } from '../artifact/host-services.js';
import { readSections, type Section } from '../artifact/sections.js';
import { type ErrorData, SandpoolError } from '../protocol/errors.js';
import { inspectModule } from './inspect-module.js';

export type Inspection = Awaited<ReturnType<typeof inspectArtifact>>;

/**
 * A description of an artifact, ready for JSON. `problems` holds the first rule of an upload that the artifact breaks; `warnings`
 * what will fail when it is executed.
 * @throws SBX_ARTIFACT_INVALID where it cannot even be parsed.
 */
export async function inspectArtifact(bytes: Uint8Array) {
  const artifact = parseArtifact(bytes);
  const { checksum, sizeBytes, manifest, metadata, bridge } = artifact;
  const { menus, publicAssets, ...identity } = manifest;
  return {
    ...identity,
    checksum,
    sizeBytes,
    sections: readSections(bytes).map(describeSection),
    ...metadata,
    bridge: bridge ?? null,
    isExecutable: bridge?.routeExecution === true,
    ...(await inspectModule(bytes, bridge)),
    ...describeContents(artifact),
    menus,
    publicAssets,
    problems: problemsOf(artifact),
  };
}

function describeContents(artifact: Artifact) {
  const { id } = artifact.manifest;
  return {
    routes: artifact.routes.map((route) => ({ ...route, publicPath: `/x/${id}${route.path}` })),
    lifecycle: artifact.lifecycle,
    hooks: artifact.hooks,
    hostServices: artifact.hostServices,
    capabilities: capabilitiesOf(artifact.hostServices),
    tableResources: artifact.resources,
    frontendAssets: artifact.frontendAssets.map(describeFile),
    manifestResources: artifact.manifestResources.map(describeFile),
    i18nLocales: artifact.i18n.map(({ locale }) => locale),
    apidocI18nLocales: artifact.apidocI18n.map(({ locale }) => locale),
    sql: {
      install: artifact.installSql.map(({ key }) => key),
      uninstall: artifact.uninstallSql.map(({ key }) => key),
      mock: artifact.mockSql.map(({ key }) => key),
    },
  };
}

const STANDARD_SECTIONS: readonly string[] =
  'custom type import function table memory global export start element code data data-count tag'.split(' ');

function describeSection({ id, name, sizeBytes }: Section) {
  return { name: name || (STANDARD_SECTIONS[id] ?? `section ${id}`), sizeBytes };
}

function describeFile({ path, content }: { readonly path: string; readonly content: Uint8Array }) {
  return { path, sizeBytes: content.length };
}

function problemsOf(artifact: Artifact): readonly ErrorData[] {
  try {
    validateRelease(artifact);
    return [];
  } catch (thrown) {
    if (thrown instanceof SandpoolError) return [thrown.toData()];
    throw thrown;
  }
}
