/**
 * Matching of plugin routes (`spec/bridge.md` §4.2). Contracts match in declared order and in no other; the tables below only
 * skip candidates that cannot match. Literal templates are found by one look-up, templates with parameters are tried in order
 * among those of the same verb and the same number of segments.
 */
import type { Artifact } from '../artifact/artifact.js';
import type { RouteContract } from '../artifact/routes.js';
import { trimGo } from '../protocol/text.js';
import { emptyRecord, NO_VALUES } from './record.js';

export interface RouteHit {
  readonly contract: RouteContract;
  /** Captured segments, decoded, by parameter name. */
  readonly pathParams: Readonly<Record<string, string>>;
}

export interface RouteTable {
  /** First contract in declared order whose template and verb both match. */
  match(method: string, internalPath: string): RouteHit | undefined;
}

/** The route table of an artifact; built once for each artifact object. */
export function routeTableOf(artifact: Artifact): RouteTable {
  let table = TABLES.get(artifact);
  if (table === undefined) {
    table = compileRoutes(artifact.routes);
    TABLES.set(artifact, table);
  }
  return table;
}

/** An artifact that no release holds any longer takes its table along. */
const TABLES = new WeakMap<Artifact, RouteTable>();

/** Compiles contracts, given in declared order, into a table. */
export function compileRoutes(contracts: readonly RouteContract[]): RouteTable {
  const verbs = new Map<string, VerbTable>();
  contracts.forEach((contract, rank) => {
    addContract(verbs, contract, rank);
  });
  return {
    match(method, internalPath) {
      const verb = verbs.get(method);
      return verb === undefined ? undefined : matchVerb(verb, normaliseRoutePath(internalPath));
    },
  };
}

/** Trims, gives a leading `/`, takes one trailing `/`; both sides of a match go through this. */
export function normaliseRoutePath(path: string): string {
  let normal = trimGo(path);
  if (normal.charCodeAt(0) !== SLASH) normal = `/${normal}`;
  return normal.length > 1 && normal.charCodeAt(normal.length - 1) === SLASH ? normal.slice(0, -1) : normal;
}

const SLASH = 0x2f;

interface LiteralRoute {
  readonly rank: number;
  readonly hit: RouteHit;
}

interface TemplateRoute {
  /** Place in the declared order. */
  readonly rank: number;
  readonly contract: RouteContract;
  readonly segments: readonly Segment[];
}

interface Segment {
  readonly text: string;
  readonly isParameter: boolean;
}

interface VerbTable {
  readonly literals: Map<string, LiteralRoute>;
  /** By number of segments, each list in declared order. */
  readonly templates: Map<number, TemplateRoute[]>;
}

function addContract(verbs: Map<string, VerbTable>, contract: RouteContract, rank: number): void {
  const verb = verbs.get(contract.method) ?? { literals: new Map(), templates: new Map() };
  verbs.set(contract.method, verb);
  const path = normaliseRoutePath(contract.path);
  const segments = path.split('/').map(readSegment);
  if (segments.some(isNameless)) return;
  if (!segments.some((segment) => segment.isParameter)) {
    if (!verb.literals.has(path)) verb.literals.set(path, { rank, hit: { contract, pathParams: NO_VALUES } });
    return;
  }
  const sameLength = verb.templates.get(segments.length) ?? [];
  verb.templates.set(segments.length, sameLength);
  sameLength.push({ rank, contract, segments });
}

function readSegment(text: string): Segment {
  const isParameter = text.length >= 2 && text.startsWith('{') && text.endsWith('}');
  return isParameter ? { text: trimGo(text.slice(1, -1)), isParameter } : { text, isParameter };
}

/** `{}` and `{ }` match nothing. */
function isNameless(segment: Segment): boolean {
  return segment.isParameter && segment.text === '';
}

function matchVerb(verb: VerbTable, path: string): RouteHit | undefined {
  const literal = verb.literals.get(path);
  if (verb.templates.size === 0) return literal?.hit;
  const segments = path.split('/');
  for (const template of verb.templates.get(segments.length) ?? []) {
    if (literal !== undefined && literal.rank < template.rank) break;
    if (fits(template.segments, segments)) {
      return { contract: template.contract, pathParams: capture(template.segments, segments) };
    }
  }
  return literal?.hit;
}

function fits(template: readonly Segment[], segments: readonly string[]): boolean {
  for (let i = 0; i < template.length; i++) {
    const expected = template[i] as Segment;
    if (!expected.isParameter && expected.text !== segments[i]) return false;
  }
  return true;
}

/** A name used twice keeps its last segment. */
function capture(template: readonly Segment[], segments: readonly string[]): Record<string, string> {
  const params = emptyRecord<string>();
  for (let i = 0; i < template.length; i++) {
    const segment = template[i] as Segment;
    if (segment.isParameter) params[segment.text] = segments[i] as string;
  }
  return params;
}
