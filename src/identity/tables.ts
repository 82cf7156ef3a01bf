/** The tables of users, roles and sessions. Times are ms since the epoch, flags and states 0 or 1. */
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
];

/** Runs a piece of work on the tables; what the database throws gets a code of the table of errors. */
export function stored<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (thrown) {
    throw thrown instanceof SandpoolError ? thrown : storeFailure(thrown);
  }
}
