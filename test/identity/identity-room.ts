/** A room of users and sessions with a clock that moves by hand and hashes that cost nothing. */
import { join } from 'node:path';
import type { Test } from 'tap';
import type { NewUser } from '../../src/identity/accounts.js';
import { createIdentity, type IdentityOptions, type IdentityRoom } from '../../src/identity/identity.js';
import { type Database, openDatabase } from '../../src/store/sqlite.js';

export const SECRET = 'a secret of more than thirty-two characters';
export const PASSWORD = 'correct horse';
export const START_MS = Date.UTC(2026, 0, 1);
export const CHEAP = { memoryKiB: 8, passes: 1 };

export interface Room {
  readonly identity: IdentityRoom;
  readonly database: Database;
}

export interface TestRoom extends Room {
  /** Another host on the same file. */
  readonly start: (again?: Partial<IdentityOptions>) => Room;
  readonly passSeconds: (seconds: number) => void;
  readonly logIn: (username: string, password?: string) => Promise<string>;
  readonly addUser: (username: string, rest?: Partial<NewUser>) => Promise<number>;
}

export function openRoom(t: Test, more: Partial<IdentityOptions> = {}): TestRoom {
  const file = join(t.testdir({}), 'host.db');
  const clock = { ms: START_MS };
  const start = (again: Partial<IdentityOptions> = {}): Room => {
    const database = openDatabase(file);
    const times = { accessTokenTtlSeconds: 7200, sessionTtlSeconds: 3600, now: () => clock.ms };
    const identity = createIdentity({ database, secret: SECRET, ...times, hashCost: CHEAP, ...more, ...again });
    t.teardown(() => database.close());
    return { identity, database };
  };
  const passSeconds = (seconds: number) => {
    clock.ms += seconds * 1000;
  };
  const { identity, database } = start();
  const logIn = async (username: string, password = PASSWORD) =>
    (await identity.login({ username, password, ip: '10.0.0.1' })).accessToken;
  const addUser = (username: string, rest: Partial<NewUser> = {}) =>
    identity.createUser({ username, password: PASSWORD, ...rest });
  return { identity, database, start, passSeconds, logIn, addUser };
}
