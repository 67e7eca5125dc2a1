/** An error becomes a message, a hint and an exit status. */
import { FREE_SPACE, reasonOf } from '#base/errno.ts';
import { type ErrorKind, hasCode, WherryError } from '#base/error.ts';
import type { Output } from '#cli/command.ts';

/** By shells' custom: a command that SIGINT has ended. */
export const INTERRUPTED = 130;

/** What ends a command from outside; carries the status that shells give a signal. */
export class Interrupted extends Error {
  readonly status: number;

  constructor(signal: NodeJS.Signals, number: number) {
    super(`interrupted by ${signal}`);
    this.name = 'AbortError';
    this.status = 128 + number;
  }
}

/** What people's scripts look for where Docker's daemon would have answered. */
const PREFIX = 'Error response from daemon: ';

const PREFIXED: ReadonlySet<ErrorKind> = new Set(['not-found', 'conflict', 'denied', 'unavailable']);

/** Docker's line for an expected failure: with its prefix where its daemon would have said it. */
export function describe(error: WherryError): string {
  return PREFIXED.has(error.kind) ? PREFIX + error.message : error.message;
}

/** A hint as it is printed: the commands in it have the name that we were called by. */
export function hintLine(program: string, hint: string): string {
  return `hint: ${hint.replace(/(?<=[`(]|: )wherry (?=[a-z])/g, `${program} `)}`;
}

export interface FailOptions {
  program: string;
  /** The command's name as typed. */
  name: string;
  /** Errors are written `docker: …` with a pointer to the help, status 125. */
  prefixed?: boolean;
  debug?: boolean;
  /** Why the command was told to end, when it was. */
  interrupted?: Interrupted | undefined;
}

/** Says what went wrong and returns the exit status. */
export function fail(err: Output, error: unknown, options: FailOptions): number {
  if (isBrokenPipe(error)) return 141;
  if (options.interrupted !== undefined && isAbort(error)) return options.interrupted.status;
  const told = asMachines(error);
  if (!(told instanceof WherryError)) return reportDefect(err, error, options.program);
  report(err, told, options);
  return told.exitCode ?? (options.prefixed ? 125 : 1);
}

function report(err: Output, error: WherryError, options: FailOptions): void {
  const { program, name, prefixed = false, debug = false } = options;
  const message = describe(error);
  err.line(prefixed ? `${program}: ${message}` : message);
  if (error.hint !== undefined) err.line(hintLine(program, error.hint));
  if (prefixed) err.line(`\nRun '${program} ${name} --help' for more information`);
  if (debug) err.line(`\n${inspectChain(error)}`);
}

/** What a machine has too little of, or what breaks in it, can meet any call: it is no defect of ours. */
function asMachines(error: unknown): unknown {
  const isFull = hasCode(error, 'ENOSPC', 'EDQUOT');
  if (!isFull && !hasCode(error, 'EROFS', 'EIO', 'ENOMEM', 'EMFILE', 'ENFILE')) return error;
  const { path, syscall } = error as NodeJS.ErrnoException;
  const where = [syscall, path].filter((part) => part !== undefined).join(' ');
  return new WherryError('unavailable', `${where}: ${reasonOf(error) ?? (error as Error).message}`, {
    ...(isFull ? { hint: FREE_SPACE } : {}),
    cause: error,
  });
}

/** The reader of our output has gone: nobody is left to be told. */
export function isBrokenPipe(error: unknown): boolean {
  return hasCode(error, 'EPIPE') && (error as NodeJS.ErrnoException).syscall === 'write';
}

/** Is it what an AbortSignal has made of something? */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || isAbort(error.cause));
}

function inspectChain(error: unknown): string {
  const lines: string[] = [];
  for (let next = error; next instanceof Error; next = next.cause) lines.push(next.stack ?? String(next));
  return lines.join('\ncaused by: ');
}

function reportDefect(err: Output, error: unknown, program: string): number {
  err.line(`${program}: internal error: this is a defect of wherry, please report it with what follows`);
  err.line(error instanceof Error ? inspectChain(error) : `thrown: ${String(error)}`);
  return 70;
}
