/** The type of an expression, as far as its text and the plugin's tables tell. */
import { type Context, stringsOf } from './context.js';
import { FUNCTIONS } from './functions.js';
import { columnOf, type TypeWord } from './model.js';
import { COMPARISONS, REGEX_OPERATORS } from './operators.js';
import type { A_Expr, Node, NodeOf } from './parse.js';
import { readType, typeNameOf } from './types.js';

export type Inferred = TypeWord | 'interval' | undefined;

export const MOMENTS: ReadonlySet<Inferred> = new Set<Inferred>(['timestamp', 'timestamptz', 'date']);
const TIMESTAMPS: ReadonlySet<Inferred> = new Set<Inferred>(['timestamp', 'timestamptz']);

/** Undefined where it is not known; a text literal has no type until something gives it one. */
export function typeOf(node: Node | undefined, context: Context): Inferred {
  if (node === undefined) return undefined;
  if ('A_Const' in node) return constantType(node.A_Const);
  if ('ColumnRef' in node) return columnType(stringsOf(node.ColumnRef.fields), context);
  if ('TypeCast' in node) return castType(node.TypeCast);
  if ('FuncCall' in node) return callType(node.FuncCall, context);
  if ('A_Expr' in node) return operationType(node.A_Expr, context);
  if ('CoalesceExpr' in node) return firstType(node.CoalesceExpr.args, context);
  if ('MinMaxExpr' in node) return firstType(node.MinMaxExpr.args, context);
  if ('CaseExpr' in node) {
    const results = (node.CaseExpr.args ?? []).map((when) => ('CaseWhen' in when ? when.CaseWhen.result : undefined));
    return firstType([...results, node.CaseExpr.defresult], context);
  }
  if ('SQLValueFunction' in node) return momentType(node.SQLValueFunction.op ?? '');
  if ('SubLink' in node) return node.SubLink.subLinkType === 'EXPR_SUBLINK' ? undefined : 'boolean';
  return 'BoolExpr' in node || 'NullTest' in node || 'BooleanTest' in node ? 'boolean' : undefined;
}

function constantType({ ival, fval, boolval }: NodeOf<'A_Const'>): Inferred {
  if (boolval !== undefined) return 'boolean';
  if (ival !== undefined) return 'integer';
  return fval === undefined ? undefined : 'numeric';
}

function columnType(names: readonly string[], { inReach }: Context): Inferred {
  const [qualifier, name] = names.length > 1 ? [names.at(-2), names.at(-1)!] : [undefined, names[0] ?? ''];
  for (const { alias, table } of inReach) {
    if (qualifier !== undefined && qualifier !== alias) continue;
    const column = table && columnOf(table, name);
    if (column) return column.type.word;
    if (qualifier !== undefined) return undefined;
  }
  return undefined;
}

function castType({ typeName }: NodeOf<'TypeCast'>): Inferred {
  if (typeNameOf(typeName) === 'interval') return 'interval';
  return typeName?.arrayBounds === undefined ? readType(typeName).type.word : undefined;
}

function callType({ funcname, args }: NodeOf<'FuncCall'>, context: Context): Inferred {
  const name = stringsOf(funcname).at(-1) ?? '';
  if (name === 'make_interval') return 'interval';
  return FUNCTIONS[name]?.type ?? firstType(args, context);
}

function firstType(nodes: readonly (Node | undefined)[] | undefined, context: Context): Inferred {
  for (const node of nodes ?? []) {
    const type = typeOf(node, context);
    if (type !== undefined) return type;
  }
  return undefined;
}

function momentType(op: string): Inferred {
  if (op === 'SVFOP_CURRENT_DATE') return 'date';
  return op.includes('TIMESTAMP') ? 'timestamptz' : 'time';
}

function operationType({ kind, name, lexpr, rexpr }: A_Expr, context: Context): Inferred {
  const operator = stringsOf(name).at(-1) ?? '';
  if (kind === 'AEXPR_NULLIF') return typeOf(lexpr, context);
  if (kind !== 'AEXPR_OP' || COMPARISONS.has(operator) || operator in REGEX_OPERATORS) return 'boolean';
  if (operator === '||' || operator === '->>' || operator === '#>>') return 'text';
  if (operator === '->' || operator === '#>') return 'json';
  const [left, right] = [typeOf(lexpr, context), typeOf(rexpr, context)];
  if (left === 'interval' || right === 'interval') return intervalResult(left, right);
  if (MOMENTS.has(left) && MOMENTS.has(right))
    return TIMESTAMPS.has(left) || TIMESTAMPS.has(right) ? 'interval' : 'integer';
  return left ?? right;
}

/** A date moved by an interval is a timestamp. */
function intervalResult(left: Inferred, right: Inferred): Inferred {
  const other = left === 'interval' ? right : left;
  return other === 'timestamptz' || other === 'time' ? other : MOMENTS.has(other) ? 'timestamp' : 'interval';
}
