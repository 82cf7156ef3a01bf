import { Fields, Input } from './fields';
import { LifecycleHandler, runLifecycle } from './lifecycle';
import { Json } from './json/json';
import { Request } from './request';
import { Response, badRequest, internalError, json, notFound } from './response';
import { Job, register } from './services/jobs';
import { trim } from './text';

export type Handler = (request: Request) => Response;
export type InputHandler<T> = (input: T, request: Request) => Response;

/**
 * Sends each request to the handler of its request type, the name that hack/config.yaml gives to the route.
 *
 *     router.on('ListNotesReq', (request) => json(notes()));
 *     router.handle<CreateNoteReq>((input, request) => json(create(input.title)));
 *     router.onLifecycle('BeforeUninstall', (event) => veto('there are still notes'));
 */
export class Router {
  private entries: Map<string, Entry> = new Map();
  private jobs: Job[] = [];

  /** Serves a request type. */
  on(requestType: string, handler: Handler): this {
    return this.add(requestType, new RequestEntry(handler));
  }

  /**
   * Serves the request type that the class is named after, with an object of it that has read the fields of the request. When
   * `read` finds a problem, the answer is 400 with it and the handler is not called.
   */
  handle<T extends Input>(handler: InputHandler<T>): this {
    return this.add(nameof<T>(), new InputEntry<T>(handler));
  }

  /** Serves a lifecycle operation such as `BeforeInstall`. */
  onLifecycle(operation: string, handler: LifecycleHandler): this {
    return this.add(operation + 'Req', new LifecycleEntry(handler));
  }

  /**
   * Runs at set times: `router.onJob(new jobs.Job('nightly', '0 3 * * *', 'NightlyReq'), cleanUp)`. The host asks for all jobs
   * when the plugin is enabled; plugin.yaml must ask for `jobs.register` of the service `jobs`.
   */
  onJob(job: Job, handler: Handler): this {
    if (this.jobs.length == 0) this.add(JOBS_REQUEST_TYPE, new JobsEntry(this.jobs));
    this.jobs.push(job);
    return this.on(job.requestType, handler);
  }

  dispatch(request: Request): Response {
    if (!request.hasRoute) return badRequest('Dynamic bridge request is missing route metadata');
    const requestType = trim(request.requestType);
    if (requestType.length == 0) return badRequest('Dynamic bridge request is missing route request type');
    if (!this.entries.has(requestType)) return notFound('Dynamic bridge route not found');
    return this.entries.get(requestType).run(request);
  }

  private add(requestType: string, entry: Entry): this {
    assert(!this.entries.has(requestType), `request type ${requestType} has two handlers`);
    this.entries.set(requestType, entry);
    return this;
  }
}

/** The router of the plugin: what the host's requests go through. */
export const router: Router = new Router();

/** What the host asks when it wants to know the jobs of a plugin. */
const JOBS_REQUEST_TYPE = 'RegisterJobsReq';

abstract class Entry {
  abstract run(request: Request): Response;
}

class RequestEntry extends Entry {
  constructor(private readonly handler: Handler) {
    super();
  }

  run(request: Request): Response {
    return this.handler(request);
  }
}

class InputEntry<T extends Input> extends Entry {
  constructor(private readonly handler: InputHandler<T>) {
    super();
  }

  run(request: Request): Response {
    const fields = new Fields(request);
    const input = instantiate<T>();
    if (fields.problem.length == 0) input.read(fields);
    return fields.problem.length > 0 ? badRequest(fields.problem) : this.handler(input, request);
  }
}

class LifecycleEntry extends Entry {
  constructor(private readonly handler: LifecycleHandler) {
    super();
  }

  run(request: Request): Response {
    return runLifecycle(this.handler, request);
  }
}

class JobsEntry extends Entry {
  constructor(private readonly jobs: Job[]) {
    super();
  }

  run(request: Request): Response {
    for (let i = 0; i < this.jobs.length; i++) {
      const error = register(this.jobs[i]).error;
      if (error) return internalError(`job ${this.jobs[i].name}: ${error.message}`);
    }
    return json(Json.object().set('registered', this.jobs.length));
  }
}
