/** What the commands of buildx have in common: which builder is meant, and its way of saying errors. */
import { WherryError } from '#base/error.ts';
import type { Context } from '#cli/command.ts';
import { hintLine } from '#cli/fail.ts';
import { boolean, text } from '#cli/values.ts';

export const BUILDER_FLAG = { builder: { as: text, summary: 'Override the configured builder instance' } } as const;

/** What each command of buildx takes, before its name and after it. */
export const BUILDX_FLAGS = {
  ...BUILDER_FLAG,
  debug: { short: 'D', as: boolean, summary: 'Enable debug logging' },
} as const;

/** Runs it; an expected error is said as buildx says it, with what goes before its message. The exit status. */
export async function inBuildx(
  context: Context,
  // biome-ignore lint/suspicious/noConfusingVoidType: a command that has nothing to say needs no return
  run: () => Promise<number | void> | number | void,
  before = '',
): Promise<number> {
  try {
    return (await run()) ?? 0;
  } catch (error) {
    if (!(error instanceof WherryError)) throw error;
    context.err.line(`ERROR: ${before}${error.message}`);
    if (error.hint !== undefined) context.err.line(hintLine(context.program, error.hint));
    return error.exitCode ?? 1;
  }
}
