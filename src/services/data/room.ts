/** What is known of one plugin's database over one connection: its tables, its statements, and what the call that runs may take. */
import { deadlinePassed, patiently } from '../../store/patience.js';
import { readTableContract } from '../../store/plugin-catalog.js';
import type { Database } from '../../store/sqlite.js';
import { type Contract, contractOf } from './contract.js';
import { isLike } from './like.js';
import { MAX_READ_BYTES } from './limits.js';
import { invalidCall, tooMuch } from './refusals.js';
import { createStatements, type Statements } from './statements.js';

export interface Room {
  readonly statements: Statements;
  /** @throws SBX_WIRE_INVALID when there is no such table, or none with a key */
  readonly contract: (table: string) => Contract;
  /** Reads; again and again while another connection holds a lock, which is rare. */
  readonly attempt: <Result>(work: () => Result) => Result;
  /** Does one write, when it is the turn of this thread. */
  readonly write: <Result>(work: () => Result) => Result;
  /** Writes all of it or nothing, with the lock of the writer from the beginning. */
  readonly atomically: <Result>(work: () => Result) => Result;
  /** Begins a call: what it reads is counted from here on, and it ends at this time. */
  readonly begin: (deadlineAt: number) => void;
  /** @throws SBX_WIRE_INVALID once the time has come */
  readonly requireTime: () => void;
}

/**
 * @param now clock in ms
 * @param inTurn does the work when no other thread of this process writes
 */
export function createRoom(
  database: Database,
  now: () => number,
  inTurn: <Result>(work: () => Result) => Result,
): Room {
  const contracts = new Map<string, Contract>();
  let deadlineAt = 0;
  let bytesLeft = 0;
  const requireTime = (): void => {
    if (now() > deadlineAt) throw deadlinePassed();
  };
  database.function('sandpool_in_time', () => {
    requireTime();
    return 1;
  });
  database.function('sandpool_weigh', (bytes: unknown) => {
    bytesLeft -= bytes as number;
    if (bytesLeft < 0) throw tooMuch(MAX_READ_BYTES);
    return null;
  });
  database.function('sandpool_like', { deterministic: true }, (text: unknown, pattern: unknown) => {
    if (text === null) return null;
    return isLike(String(text), String(pattern)) ? 1 : 0;
  });
  const attempt = <Result>(work: () => Result): Result => patiently(work, requireTime);

  return {
    statements: createStatements(database),
    contract(table) {
      const known = contracts.get(table);
      if (known !== undefined) return known;
      const found = attempt(() => readTableContract(database, table));
      if (found === undefined) throw invalidCall(`data table ${table} does not exist`);
      const contract = contractOf(found);
      contracts.set(table, contract);
      return contract;
    },
    attempt,
    write: (work) => inTurn(() => attempt(work)),
    atomically: (work) =>
      inTurn(() => {
        attempt(() => database.exec('BEGIN IMMEDIATE'));
        try {
          const result = work();
          attempt(() => database.exec('COMMIT'));
          return result;
        } finally {
          if (database.inTransaction) database.exec('ROLLBACK');
        }
      }),
    begin(at) {
      deadlineAt = at;
      bytesLeft = MAX_READ_BYTES;
    },
    requireTime,
  };
}
