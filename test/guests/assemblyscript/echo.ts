import { Request, Response, bytes, router } from '../../../src/sdk/assemblyscript';

export { lina_dynamic_route_alloc, lina_dynamic_route_execute, lina_host_call_alloc } from '../../../src/sdk/assemblyscript';

router.on('EchoReq', (request: Request): Response => bytes(request.body, request.contentType));
