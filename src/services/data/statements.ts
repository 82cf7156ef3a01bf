/**
 * Statements of one connection. What is asked for again is prepared once and kept; a prepared statement can never be let go
 * (`store/sqlite.ts`), and guests can ask in ever new ways, so only so many are prepared: the others are executed by hand, where
 * nothing is left behind. Their values come from a function, their rows go to one.
 */
import type { SqlValue } from '../../store/dialect/values.js';
import type { Database } from '../../store/sqlite.js';
import type { Stored } from './values.js';

/** Stands for a value in SQL; no name holds it. */
export const VALUE = '\0';

export type Row = readonly Stored[];

/** A SELECT with named columns. */
export interface Select {
  /** Aliases of the columns, in the order of a row. */
  readonly columns: readonly string[];
  readonly sql: string;
}

export interface Reading {
  /** The first row. */
  row(values: readonly SqlValue[]): Row | undefined;
  rows(values: readonly SqlValue[]): readonly Row[];
}

export interface Writing {
  run(values: readonly SqlValue[]): Change;
}

export interface Change {
  readonly changes: number;
  /** SQLite's row number of the last row that was inserted. */
  readonly rowId: number;
}

export interface Statements {
  readonly reading: (select: Select) => Reading;
  readonly writing: (sql: string) => Writing;
}

/** Statements that a connection prepares in its life. */
const MAX_PREPARED = 200;
/** Other statements that it knows. */
const MAX_KNOWN = 1000;
/** Arguments of one call of a function in SQL. */
const MAX_ARGUMENTS = 100;

export function createStatements(database: Database, maxPrepared = MAX_PREPARED): Statements {
  const hand = createHand(database);
  const readings = new Map<string, Reading>();
  const writings = new Map<string, Writing>();
  let prepared = 0;
  /** Undefined the first time, and once there are enough. */
  const preparing = <Made>(sql: string, prepare: (sql: string) => Made) => {
    let made: Made | undefined;
    let isKnown = false;
    return (): Made | undefined => {
      if (made !== undefined) return made;
      if (!isKnown || prepared >= maxPrepared) {
        isKnown = true;
        return undefined;
      }
      made = prepare(sql.replaceAll(VALUE, '?'));
      prepared += 1;
      return made;
    };
  };

  const createReading = (select: Select): Reading => {
    const statement = preparing(select.sql, (sql) => database.prepare<SqlValue[][], Row>(sql).raw());
    return {
      row(values) {
        const ready = statement();
        return ready ? ready.get(values as SqlValue[]) : hand.rows(select, values)[0];
      },
      rows(values) {
        const ready = statement();
        return ready ? ready.all(values as SqlValue[]) : hand.rows(select, values);
      },
    };
  };
  const createWriting = (text: string): Writing => {
    const statement = preparing(text, (sql) => database.prepare<SqlValue[][]>(sql));
    return {
      run(values) {
        const ready = statement();
        if (ready === undefined) return hand.run(text, values);
        const { changes, lastInsertRowid } = ready.run(values as SqlValue[]);
        return { changes, rowId: Number(lastInsertRowid) };
      },
    };
  };
  return {
    reading: (select) => known(readings, select.sql, () => createReading(select)),
    writing: (sql) => known(writings, sql, () => createWriting(sql)),
  };
}

function known<Made>(all: Map<string, Made>, sql: string, make: () => Made): Made {
  const found = all.get(sql);
  if (found !== undefined) return found;
  if (all.size >= MAX_KNOWN) all.delete(all.keys().next().value as string);
  const made = make();
  all.set(sql, made);
  return made;
}

interface Hand {
  rows(select: Select, values: readonly SqlValue[]): readonly Row[];
  run(sql: string, values: readonly SqlValue[]): Change;
}

function createHand(database: Database): Hand {
  let given: readonly SqlValue[] = [];
  let taken: Stored[][] = [];
  // Deterministic, so that SQLite asks once and may use it as the key of an index.
  database.function('sandpool_given', { deterministic: true }, (index: unknown) => given[index as number]);
  database.function('sandpool_take', { varargs: true }, (...row: unknown[]) => {
    taken.push(row as Stored[]);
    return null;
  });
  database.function('sandpool_take_more', { varargs: true }, (...row: unknown[]) => {
    taken.at(-1)?.push(...(row as Stored[]));
    return null;
  });
  const execute = (sql: string, values: readonly SqlValue[]): readonly Row[] => {
    let index = 0;
    given = values;
    taken = [];
    try {
      database.exec(sql.replaceAll(VALUE, () => `sandpool_given(${index++})`));
      return taken;
    } finally {
      given = [];
      taken = [];
    }
  };
  return {
    // With a limit of its own the outer query is not merged with the inner one: rows are taken after they were sorted and cut.
    rows: ({ columns, sql }, values) => execute(`SELECT ${takeAll(columns)} FROM (${sql}) LIMIT -1`, values),
    run(sql, values) {
      const [[changes, rowId] = []] = execute(`${sql}; SELECT sandpool_take(changes(), last_insert_rowid())`, values);
      return { changes: Number(changes), rowId: Number(rowId) };
    },
  };
}

function takeAll(columns: readonly string[]): string {
  const calls: string[] = [];
  for (let from = 0; from < columns.length; from += MAX_ARGUMENTS) {
    const name = from === 0 ? 'sandpool_take' : 'sandpool_take_more';
    calls.push(`${name}(${columns.slice(from, from + MAX_ARGUMENTS).join(', ')})`);
  }
  return calls.join(', ');
}
