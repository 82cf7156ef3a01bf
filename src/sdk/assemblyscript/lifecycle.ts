import { Json } from './json/json';
import { Request } from './request';
import { Response, internalError, json } from './response';

/** What the host is about to do with the plugin, or has done. Fields that do not belong to the operation are empty. */
export class LifecycleEvent {
  constructor(readonly request: Request, private readonly body: Json) {}

  get pluginId(): string {
    return this.body.get('pluginId').asText();
  }

  /** Such as `BeforeInstall`. */
  get operation(): string {
    return this.body.get('operation').asText();
  }

  get fromVersion(): string {
    return this.body.get('fromVersion').asText();
  }

  get toVersion(): string {
    return this.body.get('toVersion').asText();
  }

  get tenantId(): i32 {
    return <i32>this.body.get('tenantId').asInt();
  }

  get fromMode(): string {
    return this.body.get('fromMode').asText();
  }

  get toMode(): string {
    return this.body.get('toMode').asText();
  }

  get purgeStorageData(): bool {
    return this.body.get('purgeStorageData').asBool();
  }

  /** The manifests of an `Upgrade`: `id`, `name`, `version`, and so on. */
  get fromManifest(): Json {
    return this.body.get('fromManifest');
  }

  get toManifest(): Json {
    return this.body.get('toManifest');
  }
}

/** What a lifecycle handler says: `allow()`, `veto(reason)` or `fail(message)`. Only the operations `Before…` can be vetoed. */
export class Verdict {
  constructor(readonly response: Response) {}
}

export function allow(): Verdict {
  return new Verdict(json(Json.object().set('ok', true)));
}

/** Refuses the operation; the reason may be the key of a translation. Blank means the host's own reason. */
export function veto(reason: string): Verdict {
  return new Verdict(json(Json.object().set('ok', false).set('reason', reason)));
}

/** The handler could not do its work. */
export function fail(message: string): Verdict {
  return new Verdict(internalError(message));
}

export type LifecycleHandler = (event: LifecycleEvent) => Verdict;

/** Runs a lifecycle handler on the request that carries its event. */
export function runLifecycle(handler: LifecycleHandler, request: Request): Response {
  const body = request.json();
  return handler(new LifecycleEvent(request, body ? body : Json.object())).response;
}
