/** The shape of a command: data with one function. Parser, help, manual, completion and the reference test read it. */
export { given } from '#base/given.ts';

import type { Kind } from '#cli/values.ts';
import type { Store } from '#engine/open.ts';

/** One flag; its long name is its key in the definition. */
export interface Flag {
  /** One letter. */
  short?: string;
  /** The kind of its value. */
  // biome-ignore lint/suspicious/noExplicitAny: a definition holds kinds of any value; ValueOf gives each its type back
  as: Kind<any>;
  /** One line (or several, as Docker has them) for the help; no period. */
  summary: string;
  /** As a user would write it; read by the kind, shown in the help. */
  default?: string;
  /** Works, but is not shown. */
  hidden?: true;
  /** Works, is not shown, and says this on standard error when used: `use --timeout instead`. */
  deprecated?: string;
}

export type Flags = Record<string, Flag>;

type ValueOf<F extends Flag> =
  F['as'] extends Kind<infer V> ? (F extends { default: string } ? Exclude<V, undefined> : V) : never;

/** What a command's function gets: each flag under its name in camelCase; a flag that was not given is undefined, false or []. */
export type Values<F extends Flags> = { [K in keyof F & string as Camel<K>]: ValueOf<F[K]> };

type Camel<S extends string> = S extends `${infer Head}-${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : S;

/** Where a command's text goes. Writes are complete when they return; a closed pipe ends the command quietly. */
export interface Output {
  readonly isTerminal: boolean;
  /** Width of the terminal, or 80. */
  readonly columns: number;
  write(data: string | Uint8Array): void;
  /** write() with a line feed. */
  line(text: string): void;
}

/** What a command is called with. */
export interface Context {
  /** What we were called as: wherry, or docker. */
  readonly program: string;
  /** The words that named this command, as typed: `container stop`, `stop`. */
  readonly name: string;
  /** The user's store; not there for definitions with `store: false`. */
  readonly store: Store;
  readonly out: Output;
  readonly err: Output;
  /**
   * Aborted by the first SIGINT, SIGTERM or SIGHUP. Reading it takes these signals over from the kernel's default, so
   * a command that forwards signals to a container (run, start -a, attach) must not read it while it does.
   */
  readonly abort: AbortSignal;
  /** Names of the flags that were really given, as in the definition (`stop-timeout`). */
  readonly given: ReadonlySet<string>;
  /** The flags between the group's name and the command's, of groups that have some (`compose -f x up`). */
  readonly group: { readonly values: Readonly<Record<string, unknown>>; readonly given: ReadonlySet<string> };
  /** --debug, or WHERRY_DEBUG in the environment. */
  readonly debug: boolean;
}

interface Example {
  does: string;
  /** A line that starts with `wherry`; an end-to-end test runs it. */
  line: string;
}

export interface Definition<F extends Flags = Flags> {
  /**
   * What follows the flags, in Docker's notation; how many arguments are allowed is read from it:
   * `CONTAINER [CONTAINER...]` one or more, `[NAME]` at most one, '' none.
   */
  usage: string;
  /** A second way to call it: all that follows the program's name. */
  otherUsage?: string;
  /** One line, no period; lines after an empty one stand in its help alone. */
  summary: string;
  /** Paragraphs for the manual page. */
  details?: string;
  examples?: Example[];
  flags: F;
  /** false: the first argument that is no flag ends the flags (run, create, exec). */
  interspersed?: false;
  /** false: needs neither the store nor a namespace. */
  store?: false;
  /** The flag that stands for the first argument when it is given. */
  firstByFlag?: string;
  /** The exit status for a wrong number of arguments; by itself 1. */
  misuseStatus?: number;
  /** true: errors are written as `docker: …` with a pointer to the help, exit status 125 (run). */
  prefixed?: true;
  /** true: a mistake on the command line is told in one line, without the usage, status 1 (compose). */
  terse?: true;
  /** true: not in any list of commands. */
  hidden?: true;
  /** Does it. A number is the exit status, nothing is 0. Expected failures are thrown as WherryError. */
  // biome-ignore lint/suspicious/noConfusingVoidType: a command that has nothing to say needs no return
  run(context: Context, args: string[], values: Values<F>): Promise<number | void> | number | void;
}

/** Marks a definition, so that the types of its flags are inferred from their kinds. */
export function command<const F extends Flags>(definition: Definition<F>): Definition {
  return definition as unknown as Definition;
}
