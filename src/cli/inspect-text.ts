/** An artifact's description as text for people: facts first, lists below, doubts last. */
import type { Inspection } from './inspection.js';
import { hostServiceLines, routeLines } from './plugin-view.js';
import { columns } from './table.js';

/** Aligned text; what an artifact does not have takes no line. */
export function formatInspection(inspection: Inspection): string {
  const lists = listsOf(inspection).filter(([, lines]) => lines.length > 0);
  return [columns(factsOf(inspection)), ...lists.map(([title, lines]) => `${title}:\n${lines}`)].join('\n');
}

function factsOf(inspection: Inspection): readonly (readonly [string, string])[] {
  const { isolation, module } = inspection;
  const facts: readonly (readonly [string, string])[] = [
    ['id', inspection.id],
    ['name', inspection.name],
    ['description', inspection.description],
    ['type', inspection.type],
    ['version', inspection.version],
    ['tenancy', `${inspection.scopeNature}, installed as ${inspection.defaultInstallMode}`],
    ['needs', needsOf(inspection).join(', ')],
    ['checksum', inspection.checksum],
    ['size', bytes(inspection.sizeBytes)],
    ['bridge', inspection.isExecutable ? `executable, ABI ${inspection.abiVersion}` : 'not executable'],
    ['isolation', isolation.eligible.join(', ') || 'none'],
    ['capabilities', inspection.capabilities.join(', ')],
    ['imports', importsOf(module)],
    ['exports', module?.exports.map(({ name }) => name).join(', ') ?? ''],
    ['texts', inspection.i18nLocales.join(', ')],
    ['API texts', inspection.apidocI18nLocales.join(', ')],
  ];
  return facts.filter(([, value]) => value !== '');
}

function listsOf(inspection: Inspection): readonly (readonly [string, string])[] {
  const { routes, lifecycle, hooks, sql } = inspection;
  const sections = inspection.sections.map(({ name, sizeBytes }) => [name, bytes(sizeBytes)]);
  const statements = Object.entries(sql).flatMap(([direction, keys]) => keys.map((key) => [direction, key]));
  return [
    ['sections', indented(sections)],
    ['host services', hostServiceLines(inspection.hostServices)],
    ['routes', routeLines(routes)],
    ['lifecycle', indented(lifecycle.map(({ operation, internalPath }) => [operation, internalPath]))],
    ['hooks', indented(hooks.map(({ event, action, mode }) => [event, action, mode]))],
    ['menus', indented(inspection.menus.map(({ key, type, name }) => [key, type, name]))],
    ['table resources', indented(inspection.tableResources.map(({ key, table }) => [key, table]))],
    [
      'public assets',
      indented(inspection.publicAssets.map(({ source, mount, index }) => [source, `/${mount}`, index])),
    ],
    ['frontend files', fileLines(inspection.frontendAssets)],
    ['manifest files', fileLines(inspection.manifestResources)],
    ['SQL', indented(statements)],
    ['why an isolation is missing', indented(inspection.isolation.reasons.map((reason) => [reason]))],
    ['warnings', indented(inspection.warnings.map((warning) => [warning]))],
    ['an upload would be refused', indented(inspection.problems.map(({ code, message }) => [code, message]))],
  ];
}

function needsOf({ dependencies: { framework, plugins } }: Inspection): readonly string[] {
  const host = framework ? [`framework ${framework.version}`] : [];
  return [...host, ...plugins.map(({ id, version }) => `${id} ${version}`.trimEnd())];
}

/** WASI's functions are many and say little: one word stands for them. */
function importsOf(module: Inspection['module']): string {
  const names = (module?.imports ?? []).map(({ module, name }) =>
    module === 'wasi_snapshot_preview1' ? module : `${module}.${name}`,
  );
  return [...new Set(names)].join(', ');
}

function fileLines(files: readonly { readonly path: string; readonly sizeBytes: number }[]): string {
  return indented(files.map(({ path, sizeBytes }) => [path, bytes(sizeBytes)]));
}

function indented(rows: readonly (readonly string[])[]): string {
  return columns(rows.map(([first = '', ...rest]) => [`  ${first}`, ...rest]));
}

function bytes(count: number): string {
  return `${count} bytes`;
}
