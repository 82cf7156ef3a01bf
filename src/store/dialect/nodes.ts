/** What is written in a node of a parsed statement, read off without a translation. */
import { stringsOf } from './context.js';
import { arrayElements } from './operators.js';
import type { A_Expr, Node } from './parse.js';

/** Where a node begins, in bytes of the statement. */
export function locationOf(node: Node | undefined): number | undefined {
  const body = Object.values(node ?? {})[0] as { readonly location?: number } | undefined;
  return body?.location;
}

/** Without its schema. */
export function operatorOf({ name }: A_Expr): string {
  return stringsOf(name).at(-1) ?? '';
}

/** The text of a literal; undefined for everything else. */
export function textOf(node: Node | undefined): string | undefined {
  if (node === undefined || !('A_Const' in node) || node.A_Const.sval === undefined) return undefined;
  return node.A_Const.sval.sval ?? '';
}

/** Whether it is the literal NULL. */
export function isNull(node: Node | undefined): boolean {
  return node !== undefined && 'A_Const' in node && node.A_Const.isnull === true;
}

/** The items of a list in brackets; none when it is something else. */
export function listOf(node: Node | undefined): readonly Node[] {
  return node && 'List' in node ? (node.List.items ?? []) : [];
}

/** The elements of a written array, `ARRAY[…]` or `'{…}'`, cast or not. */
export function arrayItems(node: Node | undefined): readonly Node[] | undefined {
  if (node === undefined) return undefined;
  if ('TypeCast' in node) return arrayItems(node.TypeCast.arg);
  if ('A_ArrayExpr' in node) return node.A_ArrayExpr.elements ?? [];
  const text = textOf(node);
  const elements = text === undefined ? undefined : arrayElements(text);
  return elements?.map((element) => ({ A_Const: { sval: { sval: element } } }));
}
