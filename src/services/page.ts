import type { Arguments } from './arguments.js';

const DEFAULT_PAGE_SIZE = 20;
const MAX_PAGE_SIZE = 200;

export interface Page {
  readonly offset: number;
  readonly limit: number;
}

/** The page that Go callers ask for (`spec/host-services.md` §1.6, `Page`). */
export function readPage(page: Arguments | undefined): Page {
  const sizes = [page?.integer('PageSize') ?? 0, page?.integer('Limit') ?? 0];
  const limit = Math.min(sizes.find((size) => size > 0) ?? DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE);
  const pageNum = Math.max(1, page?.integer('PageNum') ?? 1);
  return { offset: Math.min((pageNum - 1) * limit, Number.MAX_SAFE_INTEGER), limit };
}
