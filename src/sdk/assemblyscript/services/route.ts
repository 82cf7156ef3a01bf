import { invokeJson } from '../invoke';
import { Json } from '../json/json';
import { Reply } from '../reply';

/** What the host knows of the route that is being served. */
export class RouteMetadata {
  constructor(private readonly json: Json) {}

  get pluginId(): string {
    return this.json.get('PluginID').asText();
  }

  /** Path of the route contract, such as `/notes/{id}`. */
  get publicPath(): string {
    return this.json.get('PublicPath').asText();
  }

  /** `route`, `lifecycle`, `jobs`, `jobs.discovery` or `hook`. */
  get executionSource(): string {
    return this.json.get('Meta').get('executionSource').asText();
  }

  get requestId(): string {
    return this.json.get('Meta').get('requestId').asText();
  }
}

export function metadata(): Reply<RouteMetadata> {
  const reply = invokeJson('route', 'metadata.get');
  const error = reply.error;
  return error ? Reply.failed<RouteMetadata>(error) : Reply.of<RouteMetadata>(new RouteMetadata(reply.value));
}
