/** Docker's way with several names: all are tried, each is answered for, in the order of the names. */
import { WherryError } from '#base/error.ts';
import type { Context } from '#cli/command.ts';
import { describe, hintLine } from '#cli/fail.ts';

export interface EachOptions<T> {
  /** How many at a time; 1 where the order of the work matters. */
  parallel?: number;
  /** What is printed for a name that is done; undefined prints nothing. By itself the name. */
  show?: (name: string, result: T) => string | undefined;
  /** A last line on standard error that names what could not be done. */
  sum?: (failed: string[]) => string;
}

/**
 * Does the action for each name; prints what is done on standard output, expected failures on standard error.
 * Errors that are not expected, and an abort, are thrown.
 * @returns the exit status: 1 when one of them failed
 */
export async function eachName<T>(
  context: Context,
  names: readonly string[],
  action: (name: string) => Promise<T> | T,
  { parallel = 50, show = (name) => name, sum }: EachOptions<T> = {},
): Promise<number> {
  const failed: string[] = [];
  for await (const { name, outcome } of inOrder(names, action, parallel)) {
    if (outcome.status === 'rejected') {
      reportFailure(context, outcome.reason);
      failed.push(name);
      continue;
    }
    const line = show(name, outcome.value);
    if (line !== undefined) context.out.line(line);
  }
  if (failed.length === 0) return 0;
  if (sum !== undefined) context.err.line(sum(failed));
  return 1;
}

interface Answer<T> {
  name: string;
  outcome: PromiseSettledResult<T>;
}

/** Runs up to `parallel` actions at a time and yields their outcomes in the order of the names, as they come. */
async function* inOrder<T>(
  names: readonly string[],
  action: (name: string) => Promise<T> | T,
  parallel: number,
): AsyncGenerator<Answer<T>> {
  const running: Promise<Answer<T>>[] = [];
  let next = 0;
  const start = () => {
    const name = names[next];
    if (name === undefined) return;
    next += 1;
    const attempt = (async () => action(name))();
    const settled = Promise.allSettled([attempt]).then(([outcome]) => ({ name, outcome }));
    running.push(settled);
  };
  while (running.length < parallel && next < names.length) start();
  for (let first = running.shift(); first !== undefined; first = running.shift()) {
    yield await first;
    start();
  }
}

function reportFailure(context: Context, error: unknown, as = describe): void {
  if (!(error instanceof WherryError)) throw error;
  context.err.line(as(error));
  if (error.hint !== undefined) context.err.line(hintLine(context.program, error.hint));
}

export interface InspectOptions {
  /** How an error is written; by itself as Docker writes its daemon's. */
  as?: (error: WherryError) => string;
}

/**
 * docker inspect: the things that were found as one JSON array, or each through a template, then what was not found.
 * @returns the exit status: 1 when one of them was not found
 */
export async function inspectEach(
  context: Context,
  names: readonly string[],
  find: (name: string) => Promise<unknown> | unknown,
  format = '',
  { as = describe }: InspectOptions = {},
): Promise<number> {
  const { render, together } = await inspectPrinter(format);
  const rendered: unknown[] = [];
  const errors: WherryError[] = [];
  for (const name of names) {
    try {
      rendered.push(render(await find(name)));
    } catch (error) {
      if (!(error instanceof WherryError)) throw error;
      errors.push(error);
    }
  }
  context.out.write(together(rendered));
  for (const error of errors) reportFailure(context, error, as);
  return errors.length === 0 ? 0 : 1;
}

interface InspectPrinter {
  /** One thing; throws where a template does not fit it. */
  render: (thing: unknown) => unknown;
  together: (rendered: readonly unknown[]) => string;
}

async function inspectPrinter(format: string): Promise<InspectPrinter> {
  if (format === '' || format === 'json') {
    const indent = format === '' ? 4 : 0;
    return { render: (thing) => thing, together: (things) => `${JSON.stringify(things, null, indent)}\n` };
  }
  const { compileInspect } = await import('#cli/inspect-template.ts');
  // A template that has nothing to say still ends the line, as Docker's does.
  return { render: compileInspect(format), together: (lines) => `${lines.join('\n')}\n` };
}
