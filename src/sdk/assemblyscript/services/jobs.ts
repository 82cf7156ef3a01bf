import { invoke, invokeJson } from '../invoke';
import { Json } from '../json/json';
import { Reply } from '../reply';
import { done, doneJson } from './decode';
import { Writer } from '../wire/writer';

/** Work that the host does at set times: that of the plugin itself, and the jobs of the host. */
const SERVICE = 'jobs';

/**
 * What a plugin wants run, and when. Given to `router.onJob`, or to `register` while the host asks for the jobs of the plugin.
 *
 *     const nightly = new Job('nightly', '0 3 * * *', 'NightlyReq');
 *     nightly.timezone = 'UTC';
 */
export class Job {
  displayName: string = '';
  description: string = '';
  /** Empty means `Asia/Shanghai`. */
  timezone: string = '';
  /** `master_only` or `all_node`; empty means the latter. */
  scope: string = '';
  /** `singleton` or `parallel`; empty means the former. */
  concurrency: string = '';
  /** 0 means 1. */
  maxConcurrency: i32 = 0;
  /** 0 means 300; at most 86400. */
  timeoutSeconds: i32 = 0;
  /** Path that the run is given; empty means `/@jobs/<name>`. */
  internalPath: string = '';

  constructor(
    readonly name: string,
    /** Cron: minute, hour, day of month, month, day of week; with six parts the first is the second. */
    readonly pattern: string,
    /** Names the handler. */
    readonly requestType: string,
  ) {}
}

/** Tells the host of a job. Works only while the host asks for the jobs of the plugin. */
export function register(job: Job): Reply<bool> {
  const payload = new Writer(256);
  payload.text(1, job.name);
  payload.text(2, job.displayName);
  payload.text(3, job.description);
  payload.text(4, job.pattern);
  payload.text(5, job.timezone);
  payload.text(6, job.scope);
  payload.text(7, job.concurrency);
  payload.int(8, job.maxConcurrency);
  payload.int(9, job.timeoutSeconds);
  payload.text(10, job.requestType);
  payload.text(11, job.internalPath);
  return done(invoke(SERVICE, 'jobs.register', '', '', payload.toBytes()));
}

/** A job of the host. */
export class JobInfo {
  constructor(private readonly json: Json) {}

  get id(): string {
    return this.json.get('ID').asText();
  }

  get name(): string {
    return this.json.get('Name').asText();
  }

  /** Id of its group. */
  get group(): string {
    return this.json.get('Group').asText();
  }

  /** `enabled`, `disabled` or `paused_by_plugin`. */
  get status(): string {
    return this.json.get('Status').asText();
  }
}

export class JobPage {
  constructor(readonly items: JobInfo[], readonly total: i32) {}
}

/** The jobs of some ids, by id; missing ones are left out. */
export function getMany(ids: string[]): Reply<Map<string, JobInfo>> {
  const reply = invokeJson(SERVICE, 'jobs.batch_get', Json.object().set('ids', ids));
  const error = reply.error;
  if (error) return Reply.failed<Map<string, JobInfo>>(error);
  const items = reply.value.get('Items');
  const jobs = new Map<string, JobInfo>();
  for (let i = 0, names = items.names; i < names.length; i++) jobs.set(names[i], new JobInfo(items.get(names[i])));
  return Reply.of<Map<string, JobInfo>>(jobs);
}

/** Newest first. What is empty, or 0, is no condition; `group` is the id of one. */
export function list(
  keyword: string = '',
  group: string = '',
  status: string = '',
  pageNum: i32 = 0,
  pageSize: i32 = 0,
): Reply<JobPage> {
  const argument = Json.object();
  if (keyword.length > 0) argument.set('keyword', keyword);
  if (group.length > 0) argument.set('group', group);
  if (status.length > 0) argument.set('status', status);
  if (pageNum > 0) argument.set('pageNum', pageNum);
  if (pageSize > 0) argument.set('pageSize', pageSize);
  const reply = invokeJson(SERVICE, 'jobs.list', argument);
  const error = reply.error;
  if (error) return Reply.failed<JobPage>(error);
  const list = reply.value.get('Items');
  const items: JobInfo[] = [];
  for (let i = 0; i < list.length; i++) items.push(new JobInfo(list.at(i)));
  return Reply.of<JobPage>(new JobPage(items, <i32>reply.value.get('Total').asInt()));
}

/** Succeeds when the current user may see all of the jobs. */
export function ensureVisible(ids: string[]): Reply<bool> {
  return doneJson(invokeJson(SERVICE, 'jobs.visible.ensure', Json.object().set('ids', ids)));
}

/** Creates a job; the reply is its id. Members as in the host's documentation: `GroupID`, `Name`, `CronExpr`, `ShellCmd`, … */
export function create(job: Json): Reply<string> {
  const reply = invokeJson(SERVICE, 'jobs.create', job);
  const error = reply.error;
  return error ? Reply.failed<string>(error) : Reply.of<string>(reply.value.asText());
}

/** Replaces a job; members as for `create`. */
export function update(id: string, job: Json): Reply<bool> {
  const argument = Json.object().set('ID', id);
  for (let i = 0, names = job.names; i < names.length; i++) argument.set(names[i], job.get(names[i]));
  return doneJson(invokeJson(SERVICE, 'jobs.update', argument.set('ID', id)));
}

function remove(id: string): Reply<bool> {
  return doneJson(invokeJson(SERVICE, 'jobs.delete', Json.object().set('jobId', id)));
}

export { remove as delete };

/** Runs a job now. */
export function run(id: string): Reply<bool> {
  return doneJson(invokeJson(SERVICE, 'jobs.run', Json.object().set('jobId', id)));
}

/** `enabled` or `disabled`. */
export function setStatus(id: string, status: string): Reply<bool> {
  return doneJson(invokeJson(SERVICE, 'jobs.status.set', Json.object().set('jobId', id).set('status', status)));
}
