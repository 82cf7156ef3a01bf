import { isInt64, parseInt64 } from './json/int64';
import { Json, JsonKind } from './json/json';
import { jsonProblem } from './json/parse';
import { Request } from './request';
import { trim } from './text';

/** Reads itself out of the fields of a request; see `router.handle`. */
export abstract class Input {
  abstract read(fields: Fields): void;
}

/**
 * The fields of a request by name, wherever they came from: a parameter of the path, else a member of the JSON body, else the
 * first value in the query. What is wrong with them is collected: the first problem becomes the answer 400.
 */
export class Fields {
  /** The first problem; empty when there is none. */
  problem: string = '';
  private body: Json = Json.missing;
  private wantsBody: bool;

  constructor(readonly request: Request) {
    this.wantsBody = ['POST', 'PUT', 'PATCH'].includes(request.route.method) && request.body.length == 0;
    if (request.body.length > 0) this.readBody();
  }

  private readBody(): void {
    const body = this.request.json();
    if (!body) this.reject(`request body is not JSON: ${jsonProblem}`);
    else if (body.kind != JsonKind.Object) this.reject('request body must be a JSON object');
    else this.body = body;
  }

  /** Whether the request has the field; a member that is null counts as absent. */
  has(name: string): bool {
    return this.request.hasParam(name) || !this.member(name).isMissing || this.request.queryAll(name).length > 0;
  }

  text(name: string, fallback: string = ''): string {
    const member = this.member(name);
    if (member.isMissing) return this.outside(name, fallback);
    if (member.kind != JsonKind.Text) this.reject(`${name} must be a text`);
    return member.asText(fallback);
  }

  /** As `text`; a blank one is a problem. */
  requireText(name: string): string {
    this.require(name);
    const value = this.text(name);
    if (trim(value).length == 0) this.reject(`${name} is required`);
    return value;
  }

  int(name: string, fallback: i64 = 0): i64 {
    const member = this.member(name);
    if (member.isMissing && !this.has(name)) return fallback;
    const literal = member.kind == JsonKind.Number ? member.literal : member.isMissing ? trim(this.outside(name, '')) : '';
    if (isInt64(literal)) return parseInt64(literal);
    this.reject(`${name} must be a whole number`);
    return fallback;
  }

  requireInt(name: string): i64 {
    this.require(name);
    return this.int(name);
  }

  float(name: string, fallback: f64 = 0): f64 {
    const member = this.member(name);
    if (member.isMissing && !this.has(name)) return fallback;
    const value = member.isMissing ? F64.parseFloat(trim(this.outside(name, ''))) : member.asFloat(NaN);
    if (isFinite<f64>(value)) return value;
    this.reject(`${name} must be a number`);
    return fallback;
  }

  /** In path and query `1` and `true` are true and all else is false. */
  bool(name: string, fallback: bool = false): bool {
    const member = this.member(name);
    if (member.kind == JsonKind.Bool) return member.asBool();
    if (!member.isMissing) this.reject(`${name} must be true or false`);
    if (!this.has(name)) return fallback;
    const value = trim(this.outside(name, '')).toLowerCase();
    return value == '1' || value == 'true';
  }

  /** A list of texts: an array in the body, or every value in the query. */
  texts(name: string): string[] {
    const member = this.member(name);
    if (member.isMissing) return this.request.queryAll(name);
    if (member.kind != JsonKind.List) this.reject(`${name} must be a list`);
    const texts: string[] = [];
    for (let i = 0; i < member.length; i++) {
      if (member.at(i).kind != JsonKind.Text) this.reject(`${name} must be a list of texts`);
      texts.push(member.at(i).asText());
    }
    return texts;
  }

  /** A member of the body as it is; `Json.missing` when there is none. */
  json(name: string): Json {
    return this.body.get(name);
  }

  /** Notes a problem of your own. */
  reject(problem: string): void {
    if (this.problem.length == 0) this.problem = problem;
  }

  private require(name: string): void {
    if (this.has(name)) return;
    this.reject(this.wantsBody ? 'request body cannot be empty' : `${name} is required`);
  }

  /** The member of the body, unless the path has the name; null counts as not there. */
  private member(name: string): Json {
    const member = this.request.hasParam(name) ? Json.missing : this.body.get(name);
    return member.isNull ? Json.missing : member;
  }

  private outside(name: string, fallback: string): string {
    return this.request.hasParam(name) ? this.request.param(name) : this.request.query(name, fallback);
  }
}
