/**
 * Every failure that Sandpool reports: one class, one table. A code never changes its meaning, and a retired code is never
 * used again. Codes that the reference host defines keep their names; our own begin with `SBX_`.
 */

/** Whose fault a failure is. Decides the log level, a metric label, and whether details leave the process. */
export type Blame = 'caller' | 'plugin' | 'host' | 'operator';

interface ErrorRow {
  /** HTTP status of the failure where it reaches an HTTP client. */
  readonly status: number;
  readonly blame: Blame;
  /** What a person reads; `{name}` is replaced by the fact of that name. */
  readonly sentence: string;
}

const row = (status: number, blame: Blame, sentence: string): ErrorRow => ({ status, blame, sentence });

// biome-ignore format: a table
const TABLE = {
  // wire and artifact
  SBX_WIRE_INVALID:             row(400, 'caller', '{reason}'),
  SBX_WIRE_TYPE_UNKNOWN:        row(400, 'caller', 'unknown wire type: {type}'),
  SBX_ARTIFACT_INVALID:         row(400, 'caller', '{reason}'),
  SBX_PACK_FAILED:              row(400, 'caller', '{reason}'),
  PLUGIN_ID_INVALID:            row(400, 'caller', 'plugin id {pluginId} is invalid: {reason}'),
  SBX_MODULE_INVALID:           row(400, 'plugin', 'the WebAssembly module cannot be compiled: {reason}'),
  SBX_MODULE_UNSUPPORTED:       row(400, 'plugin', 'the WebAssembly module cannot be rewritten: {reason}'),

  // configuration and command line
  SBX_CONFIG_INVALID:           row(400, 'operator', 'the configuration is invalid:\n{problems}'),
  SBX_FILE_UNREADABLE:          row(400, 'operator', 'cannot read {file}: {reason}'),
  SBX_DIRECTORY_NOT_EMPTY:      row(409, 'caller', 'the directory {directory} is not empty'),
  SBX_USAGE:                    row(400, 'caller', '{reason}'),
  SBX_HOST_UNREACHABLE:         row(503, 'operator', 'no host answers at {url}: {reason}'),
  SBX_HOST_REFUSED:             row(502, 'caller', 'the host refused: {reason}'),
  SBX_PORT_IN_USE:              row(500, 'operator', 'port {port} on {host} is in use'),
  SBX_LISTEN_FAILED:            row(500, 'operator', 'cannot listen on port {port} of {host}: {reason}'),
  SBX_DATA_DIR:                 row(500, 'operator', 'the data directory {dir} cannot be used: {reason}'),

  // an invocation
  SBX_BRIDGE_MISSING:           row(500, 'plugin', 'dynamic plugin is missing Wasm bridge metadata'),
  SBX_INSTANTIATE_FAILED:       row(500, 'plugin', 'instantiate dynamic plugin Wasm failed: {reason}'),
  SBX_NO_INSTANCE_MEMORY:       row(503, 'host', 'no memory for another instance: {reason}'),
  SBX_EXPORTS_MISSING:          row(500, 'plugin', 'missing required exported functions: {exports}'),
  SBX_INITIALIZE_FAILED:        row(500, 'plugin', 'initialize dynamic plugin Wasm runtime failed: {reason}'),
  SBX_WARM_UP_FAILED:           row(500, 'plugin', 'the warm-up fails: {reason}'),
  SBX_ALLOC_FAILED:             row(500, 'plugin', 'call dynamic plugin alloc failed: {reason}'),
  SBX_REQUEST_WRITE_FAILED:     row(500, 'plugin', 'write dynamic plugin request memory failed: {reason}'),
  SBX_TRAP:                     row(500, 'plugin', 'call dynamic plugin execute failed: {reason}'),
  SBX_EXIT:                     row(500, 'plugin', 'call dynamic plugin execute failed: guest exited with code {exitCode}'),
  SBX_STACK_OVERFLOW:           row(500, 'plugin', 'call dynamic plugin execute failed: call stack exhausted'),
  SBX_MEMORY_LIMIT:             row(500, 'plugin', 'call dynamic plugin execute failed: out of memory at {limitMiB} MiB'),
  SBX_RESPONSE_READ_FAILED:     row(500, 'plugin', 'read dynamic plugin response memory failed: {reason}'),
  SBX_RESPONSE_TOO_LARGE:       row(500, 'plugin', 'the response of {bytes} bytes is larger than {maxBytes} bytes'),
  SBX_RESPONSE_INVALID:         row(500, 'plugin', '{reason}'),
  SBX_DEADLINE:                 row(500, 'plugin', 'call dynamic plugin execute failed: the deadline of {deadlineMs} ms has passed'),
  SBX_HOST_CALL_LIMIT:          row(500, 'plugin', 'call dynamic plugin execute failed: more than {maxHostCalls} host calls'),
  SBX_QUEUE_FULL:               row(429, 'host', 'too many requests are waiting'),
  SBX_QUEUE_TIMEOUT:            row(503, 'host', 'no worker was free within {queueTimeoutMs} ms'),
  SBX_WORKER_LOST:              row(500, 'host', 'the worker died: {reason}'),
  SBX_CANCELLED:                row(499, 'caller', 'the caller has gone away'),
  SBX_SHUTTING_DOWN:            row(503, 'host', 'the host is shutting down'),
  SBX_RELEASE_NOT_LOADED:       row(503, 'host', 'no release of plugin {pluginId} is loaded'),
  SBX_PEERS_SILENT:             row(503, 'host', 'the other processes of this host did not answer within {timeoutMs} ms'),
  SBX_PROCESS_LOST:             row(500, 'host', 'a host process ended before its time: {reason}'),
  SBX_QUARANTINED:              row(503, 'plugin', 'plugin {pluginId} is in quarantine: it has failed too often, the last time with {lastCode}'),

  // an HTTP request to a plugin
  SBX_PATH_INVALID:             row(400, 'caller', '400 Bad Request'),
  SBX_PLUGIN_ID_MISSING:        row(400, 'caller', 'dynamic plugin path is missing pluginId'),
  SBX_ROUTE_NOT_FOUND:          row(404, 'caller', 'Dynamic route not found'),
  SBX_PLUGIN_NOT_ENABLED:       row(404, 'caller', 'Dynamic plugin is not enabled'),
  PLUGIN_RUNTIME_UPGRADE_REQUIRED: row(409, 'operator', 'Plugin {pluginId} requires runtime upgrade before business routes can execute'),
  BRIDGE_NOT_IMPLEMENTED:       row(501, 'plugin', 'Dynamic route bridge is not executable for the active plugin release'),
  SBX_BODY_TOO_LARGE:           row(500, 'caller', 'Read from request Body failed: http: request body too large'),
  UPLOAD_FILE_TOO_LARGE:        row(413, 'caller', 'file size cannot exceed {maxSizeMB}MB'),
  SBX_FORM_INVALID:             row(500, 'caller', '{step} failed: {reason}'),
  SBX_QUERY_INVALID:            row(500, 'caller', 'Parse Query failed: {reason}'),
  SBX_STATUS_INVALID:           row(500, 'plugin', 'exception recovered: invalid WriteHeader code {statusCode}'),

  // plugins and releases
  PLUGIN_NOT_FOUND:             row(404, 'caller', 'plugin {pluginId} does not exist'),
  PLUGIN_RELEASE_NOT_FOUND:     row(404, 'operator', 'release {version} of plugin {pluginId} is not known any more; install the plugin again'),
  SBX_GRANT_DECISION_INVALID:   row(400, 'caller', 'the host-service authorization is invalid: {reason}'),
  SBX_PLUGIN_CONFIG_INVALID:    row(500, 'operator', 'the configuration of plugin {pluginId} in {path} is unusable: {reason}'),
  SBX_STORE_FAILED:             row(500, 'host', 'the store failed: {reason}'),
  SBX_ARCHIVE_BROKEN:           row(500, 'host', 'the archived release {path} cannot be used: {reason}'),
  SBX_UPLOAD_REFUSED:           row(409, 'caller', '{reason}'),
  SBX_NOT_AVAILABLE:            row(501, 'host', 'this version cannot {action}'),
  PLUGIN_NOT_INSTALLED:         row(409, 'caller', 'plugin {pluginId} is not installed'),
  PLUGIN_INSTALL_MODE_INVALID:  row(400, 'caller', 'the install mode {installMode} is neither global nor tenant_scoped'),
  PLUGIN_INSTALL_MODE_SCOPE_NATURE_MISMATCH: row(409, 'caller', 'plugin {pluginId} cannot be installed as {installMode}: its manifest says scope_nature {scopeNature}, supports_multi_tenant {supportsMultiTenant}'),
  PLUGIN_DYNAMIC_ARTIFACT_MISSING: row(409, 'operator', 'plugin {pluginId} cannot {action}: there is no file {artifactPath}'),
  SBX_HOSTED_MENU_INVALID:      row(409, 'plugin', 'pages of the plugin cannot be shown: {reason}'),
  SBX_MENU_INVALID:             row(409, 'plugin', 'menus of plugin {pluginId} cannot be written: {reason}'),
  PLUGIN_DYNAMIC_ARTIFACT_VALIDATE_FAILED: row(409, 'operator', 'plugin {pluginId} cannot {action}: {reason}'),
  PLUGIN_DYNAMIC_VERSION_DOWNGRADE_UNSUPPORTED: row(409, 'caller', 'plugin {pluginId} is at {version}: the staged {stagedVersion} is lower'),
  PLUGIN_DYNAMIC_UNINSTALL_ARTIFACT_MISSING: row(409, 'operator', 'plugin {pluginId} cannot be uninstalled: no file of its release is left; force removes what is governed'),
  PLUGIN_DEPENDENCY_BLOCKED:    row(409, 'caller', 'plugin {pluginId} is blocked by its dependencies: {blockers}'),
  PLUGIN_REVERSE_DEPENDENCY_BLOCKED: row(409, 'caller', 'plugin {pluginId} is needed by {dependents}: {blockers}'),
  PLUGIN_REVERSE_ENABLED_DEPENDENCY_BLOCKED: row(409, 'caller', 'plugin {pluginId} is needed by enabled plugins {dependents}: {blockers}'),
  PLUGIN_LIFECYCLE_PRECONDITION_VETOED: row(409, 'plugin', '{operation} of plugin {pluginId} was refused: {reasons}'),
  PLUGIN_FORCE_UNINSTALL_DISABLED: row(409, 'operator', 'plugin {pluginId} cannot be removed by force: plugin.allowForceUninstall is false'),
  PLUGIN_UNINSTALL_EXECUTION_FAILED: row(409, 'plugin', 'uninstalling plugin {pluginId} failed: {reason}'),
  PLUGIN_INSTALL_MOCK_DATA_FAILED: row(409, 'plugin', 'plugin {pluginId} is installed, its mock data is not: {cause}'),
  PLUGIN_RUNTIME_UPGRADE_CONFIRMATION_REQUIRED: row(409, 'caller', 'changing the effective release of plugin {pluginId} must be confirmed'),
  PLUGIN_RUNTIME_UPGRADE_PREVIEW_UNAVAILABLE: row(409, 'caller', 'plugin {pluginId} ({runtimeState}) has no upgrade to preview'),
  PLUGIN_RUNTIME_UPGRADE_SNAPSHOT_MISSING: row(409, 'operator', 'release {version} of plugin {pluginId} has no snapshot'),
  PLUGIN_RUNTIME_UPGRADE_SNAPSHOT_INVALID: row(409, 'operator', 'release {version} of plugin {pluginId} cannot be read: {reason}'),
  PLUGIN_RUNTIME_UPGRADE_UNAVAILABLE: row(409, 'caller', 'plugin {pluginId} ({runtimeState}) has nothing to upgrade to'),
  PLUGIN_RUNTIME_UPGRADE_ALREADY_RUNNING: row(409, 'caller', 'another operation on plugin {pluginId} is running'),
  PLUGIN_RUNTIME_UPGRADE_EXECUTION_FAILED: row(409, 'plugin', 'upgrading plugin {pluginId} from {fromVersion} to {toVersion} failed in {phase}: {reason}'),
  PLUGIN_RUNTIME_ROLLBACK_UNAVAILABLE: row(409, 'caller', 'plugin {pluginId} cannot be rolled back: {reason}'),
  PLUGIN_SOURCE_REGISTRY_NOT_FOUND: row(404, 'caller', 'plugin {pluginId} is not registered'),
  PLUGIN_TENANT_PROVISIONING_POLICY_INVALID: row(409, 'caller', 'plugin {pluginId} is not provisioned for tenants: it is not installed per tenant'),
  PLUGIN_AUTO_ENABLE_FAILED:    row(500, 'operator', 'plugin {pluginId} of plugin.autoEnable cannot be enabled: {reason}'),
  PLUGIN_AUTO_ENABLE_TENANT_PROVISIONING_FAILED: row(500, 'operator', 'plugin {pluginId} of plugin.autoEnable cannot be enabled for the tenants: {reason}'),
  PLUGIN_AUTO_ENABLE_MANIFEST_NOT_FOUND: row(500, 'operator', 'plugin {pluginId} of plugin.autoEnable has no artifact'),
  PLUGIN_DYNAMIC_AUTO_ENABLE_AUTH_SNAPSHOT_MISSING: row(500, 'operator', 'nobody has confirmed the host services of plugin {pluginId}'),
  PLATFORM_PERMISSION_REQUIRED: row(403, 'caller', 'plugins are governed by the platform, not by a tenant'),
  PLUGIN_STARTUP_CONSISTENCY_FAILED: row(500, 'operator', 'the host cannot start with what is stored: {details}'),
  SBX_SQL_INVALID:              row(400, 'plugin', '{file}:{line}: {reason}'),
  SBX_SQL_UNSUPPORTED:          row(400, 'plugin', '{file}:{line}: {reason}'),
  SBX_SQL_FAILED:               row(400, 'plugin', '{file}:{line}: {reason}'),
  SBX_SQL_DEADLINE:             row(500, 'plugin', 'the {phase} SQL of plugin {pluginId} was ended after {deadlineMs} ms'),
  SBX_TENANT_COLUMN_MISSING:    row(409, 'plugin', 'plugin {pluginId} is for tenants, but these tables have no column tenant_id: {tables}'),
  SBX_RESOURCE_NOT_FOUND:       row(404, 'caller', 'plugin {pluginId} offers no resource {resource}'),
  SBX_PARAMETER_NOT_FOUND:      row(404, 'caller', 'there is no system parameter {key}'),
  SBX_RESOURCE_UNAVAILABLE:     row(409, 'plugin', 'resource {resource} of plugin {pluginId} cannot be read: {reason}'),

  // scheduled jobs
  JOB_NOT_FOUND:                row(404, 'caller', 'job {job} does not exist'),
  JOB_NAME_REQUIRED:            row(400, 'caller', 'Job name is required'),
  JOB_NAME_TOO_LONG:            row(400, 'caller', 'Job name cannot exceed {maxLength} characters'),
  JOB_NAME_EXISTS_IN_GROUP:     row(409, 'caller', 'Job name {name} exists in the group'),
  JOB_GROUP_NOT_FOUND:          row(404, 'caller', 'Job group {groupId} does not exist'),
  JOB_TIMEOUT_OUT_OF_RANGE:     row(400, 'caller', 'Job timeout must be between {min} and {max} seconds'),
  JOB_TIMEOUT_SECOND_ALIGNED_REQUIRED: row(400, 'caller', 'Job timeout must be whole seconds'),
  JOB_SCOPE_INVALID:            row(400, 'caller', 'Job scope {scope} is neither master_only nor all_node'),
  JOB_CONCURRENCY_INVALID:      row(400, 'caller', 'Job concurrency {concurrency} is neither singleton nor parallel'),
  JOB_MAX_CONCURRENCY_INVALID:  row(400, 'caller', 'Job max concurrency must be between {min} and {max}'),
  JOB_MAX_EXECUTIONS_INVALID:   row(400, 'caller', 'Job max executions cannot be negative'),
  JOB_STATUS_INVALID:           row(400, 'caller', 'Job status {status} is neither enabled nor disabled'),
  JOB_CRON_EXPRESSION_REQUIRED: row(400, 'caller', 'Job cron expression is required'),
  JOB_CRON_EXPRESSION_INVALID:  row(400, 'caller', 'Job cron expression {pattern} is invalid: {reason}'),
  JOB_TIMEZONE_INVALID:         row(400, 'caller', 'Job time zone {timezone} is unknown'),
  JOB_LOG_RETENTION_INVALID:    row(400, 'caller', 'Job log retention {mode} {value} is invalid'),
  JOB_BUILTIN_UPDATE_DENIED:    row(409, 'caller', 'A job that a plugin declares cannot be changed'),
  JOB_BUILTIN_DELETE_DENIED:    row(409, 'caller', 'A job that a plugin declares cannot be deleted'),
  JOB_BUILTIN_STATUS_UPDATE_DENIED: row(409, 'caller', 'A job that a plugin declares cannot be switched by a plugin'),
  JOB_SHELL_DISABLED:           row(409, 'caller', 'this host runs no shell commands'),
  SBX_JOB_LIMIT:                row(409, 'plugin', 'plugin {pluginId} has {limit} jobs, which is the most'),
  SBX_JOB_BUSY:                 row(409, 'caller', 'job {job} is running already, as often as it may'),
  SBX_JOB_OUT_OF_FORCE:         row(409, 'caller', 'job {job} cannot run: plugin {pluginId} does not serve'),
  SBX_JOB_FAILED:               row(500, 'plugin', '{reason}'),
  SBX_JOB_DISCOVERY_FAILED:     row(500, 'plugin', '{reason}'),

  // objects of plugins
  PLUGIN_STORAGE_PATH_REQUIRED: row(400, 'plugin', 'Plugin storage path is required'),
  PLUGIN_STORAGE_PATH_INVALID:  row(400, 'plugin', 'Plugin storage path is invalid'),
  PLUGIN_STORAGE_PATH_TOO_LONG: row(400, 'plugin', 'Plugin storage path exceeds {maxBytes} bytes'),
  PLUGIN_STORAGE_OBJECT_EXISTS: row(409, 'plugin', 'Plugin storage object already exists'),
  PLUGIN_STORAGE_LIST_LIMIT_INVALID: row(400, 'plugin', 'Plugin storage list limit is invalid'),
  PLUGIN_STORAGE_PROVIDER_UNAVAILABLE: row(503, 'host', 'Plugin storage provider is unavailable'),
  CAPABILITY_LIMIT_EXCEEDED:    row(400, 'plugin', 'Capability request exceeds limit {limit}'),
  SBX_UPLOAD_SESSION:           row(400, 'plugin', '{reason}'),

  // who is calling
  SBX_CREDENTIALS_INVALID:      row(401, 'caller', 'username or password is wrong'),
  SBX_TOKEN_MISSING:            row(401, 'caller', 'Missing Authorization header'),
  SBX_TOKEN_SHAPE:              row(401, 'caller', 'Invalid bearer token'),
  SBX_TOKEN_INVALID:            row(401, 'caller', 'invalid token'),
  SBX_SESSION_EXPIRED:          row(401, 'caller', 'Session has expired'),
  SBX_PERMISSION_DENIED:        row(403, 'caller', 'Permission denied'),
  PERMISSION_DENIED_REQUIRED:   row(403, 'caller', 'permission {permission} is needed'),
  SBX_LOGIN_RATE:               row(429, 'caller', 'too many failed logins, try again in {retryAfterSeconds} s'),
  SBX_ACCOUNT_INVALID:          row(400, 'caller', 'the account is invalid: {reason}'),
  USER_NOT_FOUND:               row(404, 'caller', 'user {userId} does not exist'),
  USER_USERNAME_EXISTS:         row(409, 'caller', 'the username {username} is taken'),
  SBX_ROLE_NOT_FOUND:           row(404, 'caller', 'role {role} does not exist'),
  SBX_ROLE_EXISTS:              row(409, 'caller', 'the role key {role} is taken'),
  SBX_MENU_NOT_FOUND:           row(404, 'caller', 'menu {menuId} does not exist'),
  SBX_GRANT_ABOVE:              row(403, 'caller', 'nobody gives, takes or changes what goes beyond the own permissions: {beyond}'),
  SBX_LAST_SUPER_ADMIN:         row(409, 'caller', 'user {userId} is the last super-admin, who can be neither removed nor locked out'),
  SBX_TENANT_NOT_FOUND:         row(404, 'caller', 'tenant {tenantId} does not exist'),
  SBX_TENANT_EXISTS:            row(409, 'caller', 'the tenant code {code} is taken'),
  SBX_TENANT_INVALID:           row(400, 'caller', 'the tenant is invalid: {reason}'),
  SBX_TENANT_IN_USE:            row(409, 'caller', 'tenant {tenantId} still has {userCount} users'),
  SBX_TENANT_PLUGIN_GLOBAL:     row(409, 'caller', 'plugin {pluginId} is installed for all: no tenant decides on it'),
  TENANT_FORBIDDEN:             row(403, 'caller', 'Current user cannot access tenant {tenantId}'),
  TENANT_SUSPENDED:             row(403, 'caller', 'Tenant {tenantId} is suspended'),
  CROSS_TENANT_NOT_ALLOWED:     row(403, 'caller', 'Cross-tenant access is not allowed in this context'),
  SBX_BODY_INVALID:             row(400, 'caller', 'the request body is invalid: {reason}'),
  SBX_NOT_FOUND:                row(404, 'caller', 'nothing is at {path}'),

  SBX_INTERNAL:                 row(500, 'host', 'internal error: {reason}'),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof TABLE;

/** The table of all codes: status, blame and sentence of each. */
export const ERRORS: Readonly<Record<ErrorCode, ErrorRow>> = TABLE;

export type Facts = Readonly<Record<string, unknown>>;

/** An error as it crosses a thread. */
export interface ErrorData {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: Facts;
}

/** A failure with a code of the table. Its message is the table's sentence with the facts filled in. */
export class SandpoolError extends Error {
  readonly code: ErrorCode;
  readonly details: Facts;

  constructor(code: ErrorCode, details: Facts = {}, options?: { cause?: unknown; message?: string }) {
    super(
      options?.message ?? fillSentence(ERRORS[code].sentence, details),
      options?.cause === undefined ? {} : { cause: options.cause },
    );
    this.name = 'SandpoolError';
    this.code = code;
    this.details = details;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get blame(): Blame {
    return ERRORS[this.code].blame;
  }

  toData(): ErrorData {
    return { code: this.code, message: this.message, details: this.details };
  }

  static fromData(data: ErrorData): SandpoolError {
    return new SandpoolError(data.code, data.details, { message: data.message });
  }
}

/** A sentence with the facts in the place of their names; a fact that is not there is left as its name. */
export function fillSentence(sentence: string, facts: Facts): string {
  return sentence.replace(/\{(\w+)\}/g, (whole, name: string) => (name in facts ? String(facts[name]) : whole));
}

/** The text of anything that was thrown. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
