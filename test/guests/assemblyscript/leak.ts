/** Keeps what it is told wherever it can, and looks for what it was told before. */
import { Request, Response, router, text } from '../../../src/sdk/assemblyscript';

export { lina_dynamic_route_alloc, lina_dynamic_route_execute, lina_host_call_alloc } from '../../../src/sdk/assemblyscript';

let secrets: string[] = [];
let byKey = new Map<string, string>();

router
  .on('RememberReq', (request: Request): Response => {
    secrets.push(request.text());
    byKey.set(request.text(), request.text());
    // Far away from everything that the allocator knows, and behind what there was.
    memory.copy(60000, changetype<usize>(request.body), request.body.length);
    const grown = <usize>memory.grow(1);
    if (grown != <usize>-1) memory.copy(grown << 16, changetype<usize>(request.body), request.body.length);
    return text(secrets.length.toString());
  })
  .on('SearchReq', search);

/** Counts the places that hold the body, every bit of which is the other way round: the request itself must not be found. */
function search(request: Request): Response {
  const body = request.body;
  const end = (<usize>memory.size() << 16) - body.length;
  let found = 0;
  for (let at: usize = 0; at <= end; at++) {
    let index = 0;
    while (index < body.length && load<u8>(at + index) == ~unchecked(body[index])) index++;
    if (index == body.length) found++;
  }
  return text(found.toString() + ' ' + secrets.length.toString() + ' ' + byKey.size.toString());
}
