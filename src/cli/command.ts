/** What a command of the command line is, and what it is given. */

/** 0 done, 1 the operation failed, 2 wrong usage, 3 host not reachable (spec/product.md §2). */
export type ExitCode = 0 | 1 | 2 | 3;

/** One line of the table of commands. Its module is loaded only when the command runs. */
export interface Command {
  readonly name: string;
  /** Positional arguments as in the usage line: `<file> [path]`. */
  readonly args?: string;
  readonly summary: string;
  readonly options?: readonly CommandOption[];
  /** A command line that works. */
  readonly example: string;
  readonly load: () => Promise<CommandModule>;
}

/** An option; one that `repeats` collects its values in a list. */
export interface CommandOption {
  /** As in the usage line: `-o, --output <file>`. */
  readonly flags: string;
  readonly sentence: string;
  readonly repeats?: boolean;
}

export interface CommandModule {
  /** Does the work. A failure is thrown, never printed; what is printed goes through the context. */
  readonly run: (context: Context<never>) => Promise<ExitCode>;
}

/** What a command is given. `Options` holds its options under their long names in camel case. */
export interface Context<Options = object> {
  /** Positional arguments in order; an optional one that was left out is undefined. */
  readonly args: readonly (string | undefined)[];
  readonly options: Options;
  /** Whether the answer is one JSON document instead of text. */
  readonly json: boolean;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** Prints the command's only answer: the document with `--json`, otherwise the text. */
  readonly answer: (document: unknown, text: string) => void;
  /** Says something on the way, on stderr. */
  readonly note: (text: string) => void;
}
