/** How a command of compose is to be shown: --progress, --ansi and what stands for them in the environment. */
import { WherryError } from '#base/error.ts';
import { goJson } from '#base/go-json.ts';
import { parseBool } from '#base/units.ts';
import type { Context, Output } from '#cli/command.ts';
import { composeFlags } from '#cli/compose/flags.ts';
import { isColoured, type ProgressMode, progressMode } from '#cli/compose/progress.ts';

/**
 * Throws kind `invalid` for a word that is none, and for flags that contradict each other, whatever the command is; says
 * which flags are obsolete.
 */
export function checkSettings(context: Context): void {
  const { ansi, noAnsi, workdir, projectDirectory } = composeFlags(context);
  if (noAnsi) {
    if (ansi !== 'auto') throw together('--no-ansi', '--ansi', '"--ansi"');
    context.err.line("option '--no-ansi' is DEPRECATED ! Please use '--ansi' instead.");
  }
  modeOf(context);
  if (workdir) {
    if (projectDirectory) throw together('--workdir', '--project-directory', '"--project-directory" instead');
    const text = "option '--workdir' is DEPRECATED at root level! Please use '--project-directory' instead.";
    context.err.line(context.err.isTerminal ? `\x1b[31m${text}\x1b[0m` : text);
  }
  parallelOf(context);
}

const together = (old: string, other: string, use: string) =>
  new WherryError('invalid', `cannot specify DEPRECATED "${old}" and "${other}". Please use only ${use}`);

/** --ansi, or COMPOSE_ANSI. */
function ansiOf(context: Context): string {
  const { ansi, noAnsi } = composeFlags(context);
  if (noAnsi) return 'never';
  return context.group.given.has('ansi') ? ansi : (process.env.COMPOSE_ANSI ?? ansi);
}

/**
 * How progress is to be shown. own: the verb's --progress, which build has of old. Throws kind `invalid` for words that are
 * none, or contradict each other.
 */
export function modeOf(context: Context, own?: string): ProgressMode {
  return progressMode(own || (composeFlags(context).progress ?? process.env.COMPOSE_PROGRESS ?? ''), ansiOf(context));
}

/** Says an error that has no words, as docker compose does: what comes next does not stand behind the terminal's ^C, either. */
export const sayWordless = (context: Context): void =>
  context.err.line(modeOf(context) === 'json' ? goJson({ error: true }) : '');

/** Are log prefixes coloured? */
export const colouredOf = (context: Context): boolean => isColoured(context.out, ansiOf(context));

/** Where progress goes: standard error, or output with COMPOSE_STATUS_STDOUT. */
export const infoOf = ({ out, err }: Context): Output =>
  parseBool(process.env.COMPOSE_STATUS_STDOUT ?? '') === true ? out : err;

/** How much may go on at once: --parallel, or COMPOSE_PARALLEL_LIMIT; below 1 is no limit. Throws kind `invalid`. */
export function parallelOf(context: Context): number {
  const { parallel } = composeFlags(context);
  const { COMPOSE_PARALLEL_LIMIT: limit } = process.env;
  if (limit === undefined || context.group.given.has('parallel')) return parallel;
  if (/^[+-]?\d+$/.test(limit)) return Number(limit);
  const found = `(found: ${JSON.stringify(limit)})`;
  throw new WherryError('invalid', `COMPOSE_PARALLEL_LIMIT must be an integer ${found}`);
}
