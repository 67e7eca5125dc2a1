/** What the user is asked, as docker compose asks it and takes the answers. */
import { parseBool } from '#base/units.ts';
import type { Context, Output } from '#cli/command.ts';
import { isTerminal } from '#cli/output.ts';

/** A switch as docker compose takes one: Go's words for true in any case, and y. */
export function isYes(word: string): boolean {
  const plain = word.trim().toLowerCase();
  return plain === 'y' || parseBool(plain) === true;
}

/** A switch of the environment: COMPOSE_REMOVE_ORPHANS=true. */
export const isOn = (name: string, environment: Record<string, string | undefined> = process.env): boolean =>
  isYes(environment[name] ?? '');

/** Asks a person on standard error; a program, as docker compose, by the bare question on standard output. Silence is no. */
export function ask(context: Context, question: string): Promise<boolean> {
  return isTerminal(0)
    ? confirm(context, `${question} [yN] `, { output: context.err })
    : confirm(context, question, {});
}

interface Asking {
  /** Where the question is shown, else on standard output. */
  output?: Output;
  /** What an empty line means at a terminal. */
  usual?: boolean;
}

/**
 * Shows a question and takes the answer. A person says yes or no, and is asked until it is one of them; a program says it by
 * a switch's word, the first one of a line. Throws the reason of the abort when the user leaves instead.
 */
export async function confirm(
  context: Context,
  question: string,
  { output = context.out, usual = false }: Asking,
): Promise<boolean> {
  for (;;) {
    output.write(question);
    const answer = (await readLine(context)).trim();
    if (!isTerminal(0)) return isYes(answer.replace(/\s.*/, ''));
    if (answer === '') return usual;
    if (/^y(es)?$/i.test(answer)) return true;
    if (/^no?$/i.test(answer)) return false;
    output.line(`Sorry, your reply was invalid: ${JSON.stringify(answer)} is not a valid answer, please try again.`);
  }
}

/** A line of standard input, or what there is of one before its end; the rest is left to who reads next. */
function readLine({ abort }: Context): Promise<string> {
  const { stdin } = process;
  let read = Buffer.alloc(0);
  return new Promise<string>((resolve, reject) => {
    if (stdin.readableEnded) return resolve('');
    const leave = () => {
      stdin.off('data', take).off('end', end).off('error', fail).pause();
      abort.removeEventListener('abort', stop);
    };
    const end = () => {
      leave();
      resolve(read.toString());
    };
    const fail = (error: unknown) => {
      leave();
      reject(error);
    };
    const stop = () => fail(abort.reason);
    const take = (chunk: Buffer) => {
      read = Buffer.concat([read, chunk]);
      const at = read.indexOf('\n');
      if (at < 0) return;
      const rest = read.subarray(at + 1);
      read = read.subarray(0, at);
      end();
      if (rest.length > 0) stdin.unshift(rest);
    };
    if (abort.aborted) return stop();
    abort.addEventListener('abort', stop);
    stdin.on('data', take).on('end', end).on('error', fail).resume();
  });
}
