/** A plugin with scheduled jobs: one that counts, one that fails, one that never ends, and one that asks for too much. */
import { Request, Response, internalError, json, jobs, router, runtime, text } from '../../../src/sdk/assemblyscript';

export { lina_dynamic_route_alloc, lina_dynamic_route_execute, lina_host_call_alloc } from '../../../src/sdk/assemblyscript';

// Counted from 1970, it is due in 2255: these run only when somebody asks for it.
const NEVER = '@every 2500000h';

const often = new jobs.Job('often', '* * * * * *', 'CountReq');
const nightly = new jobs.Job('nightly', '0 3 * * *', 'CountReq2');
nightly.displayName = 'Every night';
nightly.timezone = 'Europe/Berlin';
nightly.scope = 'master_only';
const failing = new jobs.Job('failing', NEVER, 'FailReq');
const endless = new jobs.Job('endless', NEVER, 'LoopReq');
endless.timeoutSeconds = 1;
const stuck = new jobs.Job('stuck', NEVER, 'StuckReq');
stuck.internalPath = 'stuck/here';

router
  .onJob(often, count)
  .onJob(nightly, count)
  .onJob(failing, (request) => internalError('no disk left'))
  .onJob(endless, loop)
  .onJob(stuck, loop)
  .on('CountsReq', (request) => text(runtime.state.get('count').value!))
  .on('RegisterReq', (request) => registerLate());

/** Adds one to a number in the state of the plugin; nobody may ask for it. */
function count(request: Request): Response {
  if (request.identity) return internalError('a job runs on nobody\'s behalf');
  const before = runtime.state.get('count').value;
  const now = before ? <i32>parseInt(before) + 1 : 1;
  runtime.state.set('count', now.toString());
  return text(`${request.route.routePath} ${now}`);
}

function loop(request: Request): Response {
  while (true) {}
  return text('never');
}

/** A registration outside of a discovery. */
function registerLate(): Response {
  const reply = jobs.register(new jobs.Job('late', '@daily', 'LateReq'));
  return reply.ok ? json(true) : text(reply.error!.toString()).status(409);
}
