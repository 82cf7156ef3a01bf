/** The tables of users, roles, menus, tenants and sessions. Times are ms since the epoch, flags and states 0 or 1. */
import { SandpoolError } from '../protocol/errors.js';
import type { Migration } from '../store/migrations.js';
import { storeFailure } from '../store/sqlite.js';

export const MIGRATIONS: readonly Migration[] = [
  {
    number: 1,
    title: 'users, roles, permissions, online sessions',
    sql: `
CREATE TABLE sys_user (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  username       VARCHAR(64)  NOT NULL UNIQUE,
  password_hash  VARCHAR(255) NOT NULL,
  status         INTEGER      NOT NULL DEFAULT 1 CHECK (status IN (0, 1)),
  tenant_id      INTEGER      NOT NULL DEFAULT 0,
  is_super_admin INTEGER      NOT NULL DEFAULT 0 CHECK (is_super_admin IN (0, 1)),
  created_at     INTEGER      NOT NULL,
  updated_at     INTEGER      NOT NULL
);

CREATE TABLE sys_role (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  key        VARCHAR(64)  NOT NULL UNIQUE,
  name       VARCHAR(128) NOT NULL,
  data_scope INTEGER      NOT NULL DEFAULT 4,
  created_at INTEGER      NOT NULL,
  updated_at INTEGER      NOT NULL
);

CREATE TABLE sys_user_role (
  user_id INTEGER NOT NULL REFERENCES sys_user (id) ON DELETE CASCADE,
  role_id INTEGER NOT NULL REFERENCES sys_role (id) ON DELETE CASCADE,
  PRIMARY KEY (user_id, role_id)
) WITHOUT ROWID;
CREATE INDEX idx_sys_user_role_role ON sys_user_role (role_id);

CREATE TABLE sys_role_permission (
  role_id    INTEGER      NOT NULL REFERENCES sys_role (id) ON DELETE CASCADE,
  permission VARCHAR(255) NOT NULL,
  PRIMARY KEY (role_id, permission)
) WITHOUT ROWID;

CREATE TABLE sys_online_session (
  token_id       VARCHAR(64) PRIMARY KEY,
  tenant_id      INTEGER     NOT NULL,
  user_id        INTEGER     NOT NULL REFERENCES sys_user (id) ON DELETE CASCADE,
  username       VARCHAR(64) NOT NULL,
  client_type    VARCHAR(16) NOT NULL,
  ip             VARCHAR(64) NOT NULL,
  login_at       INTEGER     NOT NULL,
  last_active_at INTEGER     NOT NULL
) WITHOUT ROWID;
CREATE INDEX idx_sys_online_session_user ON sys_online_session (user_id);
CREATE INDEX idx_sys_online_session_active ON sys_online_session (last_active_at);`,
  },
  {
    number: 2,
    title: 'menus, tenants, refresh tokens',
    sql: `
CREATE TABLE sys_menu (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  parent_id   INTEGER      NOT NULL DEFAULT 0,
  menu_key    VARCHAR(512) NOT NULL UNIQUE,
  name        VARCHAR(128) NOT NULL DEFAULT '',
  path        VARCHAR(255) NOT NULL DEFAULT '',
  component   VARCHAR(255) NOT NULL DEFAULT '',
  perms       VARCHAR(255) NOT NULL DEFAULT '',
  icon        VARCHAR(128) NOT NULL DEFAULT '',
  type        CHAR(1)      NOT NULL DEFAULT 'M' CHECK (type IN ('D', 'M', 'B')),
  sort        INTEGER      NOT NULL DEFAULT 0,
  visible     INTEGER      NOT NULL DEFAULT 1 CHECK (visible IN (0, 1)),
  status      INTEGER      NOT NULL DEFAULT 1 CHECK (status IN (0, 1)),
  is_frame    INTEGER      NOT NULL DEFAULT 0 CHECK (is_frame IN (0, 1)),
  is_cache    INTEGER      NOT NULL DEFAULT 0 CHECK (is_cache IN (0, 1)),
  query_param TEXT         NOT NULL DEFAULT '',
  remark      VARCHAR(512) NOT NULL DEFAULT '',
  created_at  INTEGER      NOT NULL,
  updated_at  INTEGER      NOT NULL
);
CREATE INDEX idx_sys_menu_parent ON sys_menu (parent_id);

CREATE TABLE sys_role_menu (
  role_id INTEGER NOT NULL REFERENCES sys_role (id) ON DELETE CASCADE,
  menu_id INTEGER NOT NULL REFERENCES sys_menu (id) ON DELETE CASCADE,
  PRIMARY KEY (role_id, menu_id)
) WITHOUT ROWID;
CREATE INDEX idx_sys_role_menu_menu ON sys_role_menu (menu_id);

ALTER TABLE sys_role ADD COLUMN status INTEGER NOT NULL DEFAULT 1 CHECK (status IN (0, 1));
ALTER TABLE sys_user ADD COLUMN nickname VARCHAR(128) NOT NULL DEFAULT '';

CREATE TABLE sys_tenant (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  code       VARCHAR(64)  NOT NULL UNIQUE,
  name       VARCHAR(128) NOT NULL,
  status     VARCHAR(16)  NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
  created_at INTEGER      NOT NULL,
  updated_at INTEGER      NOT NULL
);

CREATE TABLE sys_user_tenant (
  user_id   INTEGER NOT NULL REFERENCES sys_user (id) ON DELETE CASCADE,
  tenant_id INTEGER NOT NULL REFERENCES sys_tenant (id) ON DELETE CASCADE,
  PRIMARY KEY (user_id, tenant_id)
) WITHOUT ROWID;
CREATE INDEX idx_sys_user_tenant_tenant ON sys_user_tenant (tenant_id);

ALTER TABLE sys_online_session ADD COLUMN refresh_id VARCHAR(64) NOT NULL DEFAULT '';
CREATE INDEX idx_sys_online_session_tenant ON sys_online_session (tenant_id);`,
  },
  {
    number: 3,
    title: 'roles of members, tenant by tenant',
    // Until now a member held the roles of the own tenant everywhere; whoever is a member already, keeps them.
    sql: `
CREATE TABLE sys_user_tenant_role (
  user_id   INTEGER NOT NULL,
  tenant_id INTEGER NOT NULL,
  role_id   INTEGER NOT NULL REFERENCES sys_role (id) ON DELETE CASCADE,
  PRIMARY KEY (user_id, tenant_id, role_id),
  FOREIGN KEY (user_id, tenant_id) REFERENCES sys_user_tenant (user_id, tenant_id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX idx_sys_user_tenant_role_role ON sys_user_tenant_role (role_id);
INSERT INTO sys_user_tenant_role
  SELECT sys_user_tenant.user_id, sys_user_tenant.tenant_id, role_id FROM sys_user_tenant
  JOIN sys_user_role ON sys_user_role.user_id = sys_user_tenant.user_id;

CREATE VIEW sys_user_role_held AS
  SELECT sys_user.id AS user_id, sys_user.tenant_id, role_id FROM sys_user
  JOIN sys_user_role ON sys_user_role.user_id = sys_user.id
  UNION SELECT user_id, tenant_id, role_id FROM sys_user_tenant_role;`,
  },
];

/** Runs a piece of work on the tables; what the database throws gets a code of the table of errors. */
export function stored<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (thrown) {
    throw thrown instanceof SandpoolError ? thrown : storeFailure(thrown);
  }
}
