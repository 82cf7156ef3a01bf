/** The tables of the registry (`spec/governance.md` §0.2) and their rows. Times are ms since the epoch, flags 0 or 1. */
import type { Migration } from '../store/migrations.js';

export type HostState = 'uninstalled' | 'installed' | 'enabled' | 'reconciling' | 'failed' | 'upgrade_running';
export type ReleaseStatus = 'prepared' | 'uninstalled' | 'installed' | 'active' | 'failed';
export type MigrationPhase = 'install' | 'uninstall' | 'upgrade' | 'rollback' | 'mock';
export type InstallMode = 'global' | 'tenant_scoped';

/** One plugin: what is in effect. */
export interface PluginRow {
  readonly pluginId: string;
  readonly name: string;
  /** Of the effective release; of the discovered artifact while not installed. */
  readonly version: string;
  readonly type: 'source' | 'dynamic';
  readonly distribution: 'managed' | 'builtin';
  readonly scopeNature: 'platform_only' | 'tenant_aware';
  readonly installMode: InstallMode;
  readonly autoEnableForNewTenants: 0 | 1;
  readonly installed: 0 | 1;
  /** 1 is enabled. */
  readonly status: 0 | 1;
  readonly desiredState: HostState;
  readonly currentState: HostState;
  readonly generation: number;
  /** The effective release; 0 while not installed. */
  readonly releaseId: number;
  readonly manifestPath: string;
  readonly checksum: string;
  readonly installedAt: number | null;
  readonly enabledAt: number | null;
  readonly disabledAt: number | null;
  /** The manifest's description. */
  readonly remark: string;
  /** The release that was effective before the current one; 0 where there was none since the installation. */
  readonly previousReleaseId: number;
  /** 1 while the staged file is still to become that of the effective release, whatever it is now. */
  readonly restage: 0 | 1;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** One version of a plugin that was ever seen. */
export interface ReleaseRow {
  readonly id: number;
  readonly pluginId: string;
  readonly releaseVersion: string;
  readonly type: 'source' | 'dynamic';
  readonly runtimeKind: string;
  readonly schemaVersion: string;
  readonly minHostVersion: string;
  readonly maxHostVersion: string;
  readonly status: ReleaseStatus;
  readonly manifestPath: string;
  /** `releases/…` once archived, `<id>.wasm` while only staged. */
  readonly packagePath: string;
  readonly checksum: string;
  /** YAML of `Snapshot`. */
  readonly manifestSnapshot: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** The last transition that failed; our own table beside those of the reference. */
export interface DiagnosisRow {
  readonly pluginId: string;
  readonly action: string;
  readonly errorCode: string;
  readonly message: string;
  readonly createdAt: number;
}

/** A step of install SQL, or of an upgrade that failed in it (`spec/governance.md` §2.9). */
export interface LedgerRow {
  readonly releaseId: number;
  readonly migrationKey: string;
  readonly errorMessage: string;
}

/** What a release consists of and touches (`spec/governance.md` §4.4). */
export interface ResourceRef {
  readonly resourceType: string;
  readonly resourceKey: string;
  readonly ownerType: string;
  readonly ownerKey: string;
  readonly remark: string;
}

type Columns<Row> = { readonly [Field in keyof Row]-?: string };

// biome-ignore format: a table
export const PLUGIN_COLUMNS: Columns<PluginRow> = {
  pluginId: 'plugin_id', name: 'name', version: 'version', type: 'type', distribution: 'distribution',
  scopeNature: 'scope_nature', installMode: 'install_mode', autoEnableForNewTenants: 'auto_enable_for_new_tenants',
  installed: 'installed', status: 'status', desiredState: 'desired_state', currentState: 'current_state',
  generation: 'generation', releaseId: 'release_id', manifestPath: 'manifest_path', checksum: 'checksum',
  installedAt: 'installed_at', enabledAt: 'enabled_at', disabledAt: 'disabled_at', remark: 'remark',
  previousReleaseId: 'previous_release_id', restage: 'restage',
  createdAt: 'created_at', updatedAt: 'updated_at',
};

// biome-ignore format: a table
export const RELEASE_COLUMNS: Columns<ReleaseRow> = {
  id: 'id', pluginId: 'plugin_id', releaseVersion: 'release_version', type: 'type', runtimeKind: 'runtime_kind',
  schemaVersion: 'schema_version', minHostVersion: 'min_host_version', maxHostVersion: 'max_host_version',
  status: 'status', manifestPath: 'manifest_path', packagePath: 'package_path', checksum: 'checksum',
  manifestSnapshot: 'manifest_snapshot', createdAt: 'created_at', updatedAt: 'updated_at',
};

export const DIAGNOSIS_COLUMNS: Columns<DiagnosisRow> = {
  pluginId: 'plugin_id',
  action: 'action',
  errorCode: 'error_code',
  message: 'message',
  createdAt: 'created_at',
};

/** `sys_plugin_state` is made by the state store, which may live in another file. */
export const MIGRATIONS: readonly Migration[] = [
  {
    number: 1,
    title: 'plugins, releases, ledger, references, nodes',
    sql: `
CREATE TABLE sys_plugin (
  id                          INTEGER PRIMARY KEY,
  plugin_id                   VARCHAR(64)  NOT NULL UNIQUE,
  name                        VARCHAR(128) NOT NULL DEFAULT '',
  version                     VARCHAR(32)  NOT NULL DEFAULT '',
  type                        VARCHAR(32)  NOT NULL DEFAULT 'source',
  distribution                VARCHAR(32)  NOT NULL DEFAULT 'managed',
  scope_nature                VARCHAR(32)  NOT NULL DEFAULT 'tenant_aware',
  install_mode                VARCHAR(32)  NOT NULL DEFAULT 'global',
  auto_enable_for_new_tenants INTEGER      NOT NULL DEFAULT 0 CHECK (auto_enable_for_new_tenants IN (0, 1)),
  installed                   INTEGER      NOT NULL DEFAULT 0 CHECK (installed IN (0, 1)),
  status                      INTEGER      NOT NULL DEFAULT 0 CHECK (status IN (0, 1)),
  desired_state               VARCHAR(32)  NOT NULL DEFAULT 'uninstalled',
  current_state               VARCHAR(32)  NOT NULL DEFAULT 'uninstalled',
  generation                  BIGINT       NOT NULL DEFAULT 1,
  release_id                  INTEGER      NOT NULL DEFAULT 0,
  manifest_path               VARCHAR(255) NOT NULL DEFAULT '',
  checksum                    VARCHAR(128) NOT NULL DEFAULT '',
  installed_at                INTEGER,
  enabled_at                  INTEGER,
  disabled_at                 INTEGER,
  remark                      VARCHAR(512) NOT NULL DEFAULT '',
  created_at                  INTEGER      NOT NULL,
  updated_at                  INTEGER      NOT NULL,
  deleted_at                  INTEGER,
  CHECK (status <= installed),
  CHECK (installed = 0 OR release_id > 0)
);
CREATE INDEX idx_sys_plugin_scope ON sys_plugin (scope_nature, install_mode);

CREATE TABLE sys_plugin_release (
  id                INTEGER PRIMARY KEY AUTOINCREMENT,
  plugin_id         VARCHAR(64)  NOT NULL,
  release_version   VARCHAR(32)  NOT NULL,
  type              VARCHAR(32)  NOT NULL DEFAULT 'source',
  runtime_kind      VARCHAR(32)  NOT NULL DEFAULT '',
  schema_version    VARCHAR(32)  NOT NULL DEFAULT '',
  min_host_version  VARCHAR(32)  NOT NULL DEFAULT '',
  max_host_version  VARCHAR(32)  NOT NULL DEFAULT '',
  status            VARCHAR(32)  NOT NULL,
  manifest_path     VARCHAR(255) NOT NULL DEFAULT '',
  package_path      VARCHAR(255) NOT NULL DEFAULT '',
  checksum          VARCHAR(128) NOT NULL DEFAULT '',
  manifest_snapshot TEXT         NOT NULL DEFAULT '',
  created_at        INTEGER      NOT NULL,
  updated_at        INTEGER      NOT NULL,
  deleted_at        INTEGER,
  UNIQUE (plugin_id, release_version)
);

CREATE TABLE sys_plugin_migration (
  id              INTEGER PRIMARY KEY,
  plugin_id       VARCHAR(64)  NOT NULL,
  release_id      INTEGER      NOT NULL,
  phase           VARCHAR(32)  NOT NULL,
  migration_key   VARCHAR(128) NOT NULL,
  checksum        VARCHAR(128) NOT NULL DEFAULT '',
  execution_order INTEGER      NOT NULL DEFAULT 0,
  status          VARCHAR(32)  NOT NULL,
  executed_at     INTEGER,
  error_message   VARCHAR(1024) NOT NULL DEFAULT '',
  created_at      INTEGER      NOT NULL,
  updated_at      INTEGER      NOT NULL,
  UNIQUE (plugin_id, release_id, phase, migration_key)
);

CREATE TABLE sys_plugin_resource_ref (
  id            INTEGER PRIMARY KEY,
  plugin_id     VARCHAR(64)  NOT NULL,
  release_id    INTEGER      NOT NULL,
  resource_type VARCHAR(64)  NOT NULL,
  resource_key  VARCHAR(255) NOT NULL,
  resource_path VARCHAR(512) NOT NULL DEFAULT '',
  owner_type    VARCHAR(64)  NOT NULL DEFAULT '',
  owner_key     VARCHAR(255) NOT NULL DEFAULT '',
  remark        VARCHAR(512) NOT NULL DEFAULT '',
  created_at    INTEGER      NOT NULL,
  updated_at    INTEGER      NOT NULL,
  deleted_at    INTEGER,
  UNIQUE (plugin_id, release_id, resource_type, resource_key)
);

CREATE TABLE sys_plugin_node_state (
  id                INTEGER PRIMARY KEY,
  plugin_id         VARCHAR(64)  NOT NULL,
  node_key          VARCHAR(128) NOT NULL,
  release_id        INTEGER      NOT NULL DEFAULT 0,
  desired_state     VARCHAR(32)  NOT NULL DEFAULT '',
  current_state     VARCHAR(32)  NOT NULL DEFAULT '',
  generation        BIGINT       NOT NULL DEFAULT 1,
  last_heartbeat_at INTEGER,
  error_message     VARCHAR(512) NOT NULL DEFAULT '',
  created_at        INTEGER      NOT NULL,
  updated_at        INTEGER      NOT NULL,
  UNIQUE (plugin_id, node_key)
);

CREATE TABLE sandpool_plugin_diagnosis (
  plugin_id  VARCHAR(64) NOT NULL PRIMARY KEY,
  action     VARCHAR(32) NOT NULL,
  error_code VARCHAR(64) NOT NULL,
  message    TEXT        NOT NULL,
  created_at INTEGER     NOT NULL
);`,
  },
  {
    number: 2,
    title: 'rollback, audit log',
    sql: `
ALTER TABLE sys_plugin ADD COLUMN previous_release_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sys_plugin ADD COLUMN restage INTEGER NOT NULL DEFAULT 0 CHECK (restage IN (0, 1));

CREATE TABLE sandpool_audit (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  at            INTEGER      NOT NULL,
  plugin_id     VARCHAR(64)  NOT NULL,
  action        VARCHAR(32)  NOT NULL,
  operator      VARCHAR(128) NOT NULL,
  from_standing TEXT         NOT NULL DEFAULT '',
  to_standing   TEXT         NOT NULL DEFAULT '',
  result        VARCHAR(16)  NOT NULL,
  error_code    VARCHAR(64)  NOT NULL DEFAULT '',
  message       TEXT         NOT NULL DEFAULT ''
);
CREATE INDEX idx_sandpool_audit_plugin ON sandpool_audit (plugin_id, id);
CREATE TRIGGER sandpool_audit_no_update BEFORE UPDATE ON sandpool_audit
  BEGIN SELECT RAISE(ABORT, 'the audit log is only ever appended to'); END;
CREATE TRIGGER sandpool_audit_no_delete BEFORE DELETE ON sandpool_audit
  BEGIN SELECT RAISE(ABORT, 'the audit log is only ever appended to'); END;`,
  },
];
