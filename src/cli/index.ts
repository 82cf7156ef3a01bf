#!/usr/bin/env node
/** The `sandpool` command line: finds the command, runs it, and turns what it throws into an exit code (spec/product.md §2). */
import { CommanderError, Command as Parser } from 'commander';
import { programVersion } from '../config/program-version.js';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import type { Command, Context, ExitCode } from './command.js';
import { COMMANDS } from './commands.js';
import { hintOf } from './hints.js';
import { HostRefusal } from './refusal.js';

await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', endOfPipe);
  try {
    await parserOf(COMMANDS).parseAsync(argv, { from: 'user' });
  } catch (error) {
    process.exitCode = report(error, argv);
  }
}

function parserOf(commands: readonly Command[]): Parser {
  const parser = quiet(new Parser('sandpool'))
    .description('Host for WebAssembly plugins')
    .version(programVersion(), '-v, --version', 'print the version')
    .usage('<command> [arguments] [options]')
    .helpCommand('help [command]', 'show help for a command')
    .showSuggestionAfterError();
  for (const command of commands) parser.addCommand(subParser(command));
  return parser;
}

function subParser(command: Command): Parser {
  const parser = quiet(new Parser(command.name))
    .summary(command.summary)
    .description(`${sentence(command.summary)}.`);
  for (const argument of (command.args ?? '').split(' ').filter(Boolean)) parser.argument(argument);
  for (const { flags, sentence, repeats } of command.options ?? []) {
    if (repeats) parser.option(flags, sentence, (value: string, list: string[] = []) => [...list, value]);
    else parser.option(flags, sentence);
  }
  return parser
    .option('--json', 'print one JSON document')
    .addHelpText('after', `\nExample:\n  ${command.example}`)
    .action(async () => {
      const { run } = await command.load();
      process.exitCode = await run(contextOf(parser) as Context<never>);
    });
}

/** Commander prints and exits by itself; here it throws, and `report` prints. */
function quiet(parser: Parser): Parser {
  return parser
    .exitOverride()
    .configureOutput({ writeErr: () => {}, outputError: () => {} })
    .helpOption('-h, --help', 'show help');
}

function contextOf(parser: Parser): Context {
  const { json, ...options } = parser.opts<{ json?: boolean }>();
  const { stdin, stdout, stderr } = process;
  return {
    args: parser.processedArgs.flat(),
    options,
    json: json === true,
    stdin,
    stdout,
    stderr,
    answer: (document, text) => void stdout.write(json ? `${JSON.stringify(document, null, 2)}\n` : endLine(text)),
    note: (text) => void stderr.write(endLine(text)),
  };
}

/** Prints a failure: `CODE: sentence` on stderr, and below it what to do, if that is known; with `--json` also the error document on stdout. Decides the exit code. */
function report(thrown: unknown, argv: readonly string[]): ExitCode {
  // Help and version end a parse by throwing, with nothing wrong.
  if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0;
  const { code, message, details } = failureOf(thrown);
  const hint = code === 'SBX_USAGE' ? usageHint(argv) : hintOf(code, hostOf(thrown));
  process.stderr.write(endLine([`${code}: ${message}`, ...(hint ? [`  ${hint}`] : [])].join('\n')));
  if (code === 'SBX_INTERNAL' && thrown instanceof Error) process.stderr.write(endLine(thrown.stack ?? ''));
  if (wantsJson(argv)) process.stdout.write(`${JSON.stringify({ error: { code, message, details } }, null, 2)}\n`);
  if (code === 'SBX_USAGE') return 2;
  return code === 'SBX_HOST_UNREACHABLE' ? 3 : 1;
}

function failureOf(thrown: unknown): { code: string; message: string; details: unknown } {
  if (thrown instanceof CommanderError) {
    const reason =
      thrown.code === 'commander.help'
        ? 'a command is missing; `sandpool --help` lists them'
        : thrown.message.replace(/^error: /, '').replaceAll('\n', ' ');
    return new SandpoolError('SBX_USAGE', { reason }).toData();
  }
  if (thrown instanceof SandpoolError) return thrown.toData();
  if (thrown instanceof HostRefusal) return thrown;
  return new SandpoolError('SBX_INTERNAL', { reason: reasonOf(thrown) }).toData();
}

/** The usage of the command that was meant. */
function usageHint(argv: readonly string[]): string | undefined {
  const known = COMMANDS.find(({ name }) => name === argv.find((word) => !word.startsWith('-')));
  return (
    known && `usage: sandpool ${[known.name, known.args].filter(Boolean).join(' ')} [options]; --help explains them`
  );
}

function hostOf(thrown: unknown): string | undefined {
  return thrown instanceof HostRefusal ? thrown.url : undefined;
}

/** Whether a command line that could not be parsed asks for JSON. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end === -1 ? argv.length : end).includes('--json');
}

/** The reader of a pipe has gone (`sandpool list | head -1`): nothing is left to say. */
function endOfPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
}

function endLine(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
