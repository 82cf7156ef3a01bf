/** What the grant of a batch is checked against: the only path, or the longest directory that all share, with a `/` at its end. */
export function commonPath(paths: string[]): string {
  if (paths.length == 0) return '';
  let common = paths[0];
  let isSame = true;
  for (let i = 1; i < paths.length; i++) {
    if (paths[i] != paths[0]) isSame = false;
    while (common.length > 0 && !paths[i].startsWith(common)) common = parent(common);
    if (common.length > 0 && !common.endsWith('/')) common = paths[i] == common ? common : parent(common);
  }
  return isSame || common.endsWith('/') ? common : parent(common);
}

/** `a/b/c` and `a/b/c/` give `a/b/`; `a` gives nothing. */
function parent(path: string): string {
  return path.substring(0, path.lastIndexOf('/', path.length - 2) + 1);
}
