import type { HostServiceDeclaration } from '../artifact/host-services.js';
import { SandpoolError } from '../protocol/errors.js';

/** What an administrator decides of one declared service. */
export interface ServiceDecision {
  readonly owner?: string;
  readonly service: string;
  readonly version?: string;
  /** Absent or empty: all declared methods. */
  readonly methods?: readonly string[];
  /** Of the four lists only the one that the declaration uses counts; absent or empty, the service is refused. */
  readonly paths?: readonly string[];
  readonly tables?: readonly string[];
  readonly keys?: readonly string[];
  readonly resourceRefs?: readonly string[];
}

export interface GrantDecision {
  readonly services: readonly ServiceDecision[];
}

/** Whether a declaration names resources, so that an administrator has to confirm it. */
export function isScoped(declaration: HostServiceDeclaration): boolean {
  return targetsOf(declaration).length > 0;
}

/**
 * Returns what of the declarations is granted (`spec/artifact.md` §5.4, `spec/governance.md` §2.10): services without resources
 * always and whole; services with resources as far as the decision names them. Without a decision nothing with resources is
 * granted; whoever wants that uses `grantAll`.
 * @throws SBX_GRANT_DECISION_INVALID when the decision names something undeclared, or a service twice.
 */
export function narrow(
  declarations: readonly HostServiceDeclaration[],
  decision?: GrantDecision,
): HostServiceDeclaration[] {
  const decisions = indexDecisions(declarations, decision?.services ?? []);
  return declarations.flatMap((declaration) => {
    const decided = decisions.get(identityOf(declaration));
    if (decided !== undefined) requireDeclared(declaration, decided);
    if (!isScoped(declaration)) return [declaration];
    return decided === undefined ? [] : narrowScoped(declaration, decided);
  });
}

function indexDecisions(
  declarations: readonly HostServiceDeclaration[],
  decided: readonly ServiceDecision[],
): Map<string, ServiceDecision> {
  const declared = new Set(declarations.map(identityOf));
  const decisions = new Map<string, ServiceDecision>();
  for (const decision of decided) {
    const identity = identityOf(decision);
    const hasOwner = word(decision.owner) !== '';
    if (hasOwner !== (word(decision.version) !== '')) throw refusal(`${identity} needs both owner and version or none`);
    if (!declared.has(identity)) throw refusal(`host service ${identity} is not declared`);
    if (decisions.has(identity)) throw refusal(`host service ${identity} is named twice`);
    decisions.set(identity, decision);
  }
  return decisions;
}

function requireDeclared(declaration: HostServiceDeclaration, decision: ServiceDecision): void {
  const identity = identityOf(declaration);
  const undeclaredMethod = words(decision.methods).find((method) => !declaration.methods.includes(method));
  if (undeclaredMethod !== undefined)
    throw refusal(`host service ${identity} does not declare method ${undeclaredMethod}`);
  const declared = {
    path: [texts(decision.paths), declaration.paths],
    table: [texts(decision.tables), declaration.tables],
    key: [texts(decision.keys), declaration.keys],
    resource: [texts(decision.resourceRefs), declaration.resources.map(({ ref }) => ref)],
  } as const;
  for (const [kind, [named, known]] of Object.entries(declared)) {
    const undeclared = named.find((target) => !known.includes(target));
    if (undeclared !== undefined) throw refusal(`host service ${identity} does not declare ${kind} ${undeclared}`);
  }
}

/** The declaration with the decided targets and methods left; nothing when no target is left. */
function narrowScoped(declaration: HostServiceDeclaration, decision: ServiceDecision): HostServiceDeclaration[] {
  const keep = <T>(declared: readonly T[], decided: readonly string[] | undefined, name: (item: T) => string) =>
    declared.filter((item) => texts(decided).includes(name(item)));
  const itself = (text: string) => text;
  const methods = words(decision.methods);
  const narrowed: HostServiceDeclaration = {
    ...declaration,
    methods: methods.length === 0 ? declaration.methods : declaration.methods.filter((name) => methods.includes(name)),
    paths: keep(declaration.paths, decision.paths, itself),
    tables: keep(declaration.tables, decision.tables, itself),
    keys: keep(declaration.keys, decision.keys, itself),
    resources: keep(declaration.resources, decision.resourceRefs, ({ ref }) => ref),
  };
  return isScoped(narrowed) ? [narrowed] : [];
}

function targetsOf(declaration: HostServiceDeclaration): readonly unknown[] {
  return [...declaration.paths, ...declaration.tables, ...declaration.keys, ...declaration.resources];
}

/** `storage`, or `owner/service/version`. */
function identityOf(of: { readonly owner?: string; readonly service: string; readonly version?: string }): string {
  return [word(of.owner), word(of.service), word(of.version)].filter((part) => part !== '').join('/');
}

function word(text: string | undefined): string {
  return (text ?? '').trim().toLowerCase();
}

function words(list: readonly string[] | undefined): string[] {
  return (list ?? []).map(word);
}

function texts(list: readonly string[] | undefined): string[] {
  return (list ?? []).map((text) => text.trim());
}

function refusal(reason: string): SandpoolError {
  return new SandpoolError('SBX_GRANT_DECISION_INVALID', { reason });
}
